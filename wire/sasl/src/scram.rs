//! SCRAM (RFC 5802, RFC 7677) with the downgrade protection of XEP-0474.

mod message;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_text::Text;
use subtle::ConstantTimeEq;

use crate::account::{local_part, own_authzid};
use crate::{
    ChannelBindingKind, Lookup, Offer, SaslFailure, ScramHash, ScramKeys, Secret, Success, downgrade_hash,
};
pub(crate) use message::sasl_name;
use message::{BindingFlag, ClientFinal, ClientFirst};

/// The server's half of the nonce: fresh for every exchange.
#[derive(Clone, Debug)]
pub struct Nonce(Text);

impl Nonce {
    /// From 18 random bytes, as 24 base64 characters.
    pub fn from_entropy(bytes: &[u8; 18]) -> Nonce {
        Nonce(Text::from(STANDARD.encode(bytes)))
    }

    /// From printable ASCII without a comma; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Nonce> {
        message::is_nonce(text).then(|| Nonce(Text::new(text)))
    }
}

/// The user name in a client's first message, as the client wrote it: where the name decides which host is meant, it has
/// to be known before the exchange begins. `None` for anything that is no such message.
pub fn claimed_username(message: &[u8]) -> Option<String> {
    ClientFirst::parse(message).ok().map(|first| first.username.into_owned())
}

/// Keys to run SCRAM against, and whether anybody may pass with them.
#[derive(Clone, Debug)]
pub enum ScramCredentials {
    Known(ScramKeys),
    /// The account is unknown, or holds no keys of this hash: the exchange runs its full course and fails at the end
    /// as a wrong password does.
    Decoy(ScramKeys),
}

impl ScramCredentials {
    /// See [`ScramKeys::decoy`].
    pub fn decoy(hash: ScramHash, secret: &Secret, username: &str, iterations: u32) -> ScramCredentials {
        ScramCredentials::Decoy(ScramKeys::decoy(hash, secret, username, iterations))
    }
}

/// The client's first message is read, the keys are being looked up.
#[derive(Debug)]
pub(crate) struct First {
    hash: ScramHash,
    username: Text,
    authzid: Option<Text>,
    client_nonce: String,
    bare: String,
    /// What the client must repeat in `c=`: its header and the channel's data.
    binding_input: Vec<u8>,
    downgrade_hash: Option<String>,
}

/// The server's first message is sent, the client's proof is awaited.
#[derive(Debug)]
pub(crate) struct Pending {
    keys: ScramKeys,
    known: bool,
    username: Text,
    authzid: Option<Text>,
    nonce: String,
    binding_input: Vec<u8>,
    /// client-first-message-bare "," server-first-message
    transcript: String,
}

impl First {
    pub(crate) fn read(
        input: &[u8],
        hash: ScramHash,
        plus: bool,
        offer: &Offer,
    ) -> Result<First, SaslFailure> {
        let message = ClientFirst::parse(input)?;
        let data = bound_data(message.binding, plus, offer)?;
        let username = local_part(&message.username, &offer.host)?;
        let authzid = own_authzid(message.authzid.as_deref(), &username, &offer.host)?;
        Ok(First {
            hash,
            username,
            authzid,
            client_nonce: message.nonce.to_owned(),
            bare: message.bare.to_owned(),
            binding_input: [message.header.as_bytes(), data].concat(),
            downgrade_hash: offer.downgrade_protection.then(|| advertised_hash(hash, offer)),
        })
    }

    pub(crate) fn lookup(&self) -> Lookup {
        Lookup { username: self.username.clone(), authzid: self.authzid.clone(), hash: self.hash }
    }

    /// The keys are here: gives the server-first-message.
    pub(crate) fn answer(
        self,
        credentials: ScramCredentials,
        nonce: &Nonce,
    ) -> Result<(Vec<u8>, Pending), SaslFailure> {
        let (keys, known) = match credentials {
            ScramCredentials::Known(keys) => (keys, true),
            ScramCredentials::Decoy(keys) => (keys, false),
        };
        if keys.hash() != self.hash {
            return Err(SaslFailure::temporary("keys of another hash were provided"));
        }
        let nonce = format!("{}{}", self.client_nonce, nonce.0.as_str());
        let salt = STANDARD.encode(keys.salt());
        let mut server_first = format!("r={nonce},s={salt},i={}", keys.iterations());
        if let Some(hash) = &self.downgrade_hash {
            server_first.push_str(",h=");
            server_first.push_str(hash);
        }
        let transcript = format!("{},{server_first}", self.bare);
        let pending = Pending {
            keys,
            known,
            username: self.username,
            authzid: self.authzid,
            nonce,
            binding_input: self.binding_input,
            transcript,
        };
        Ok((server_first.into_bytes(), pending))
    }
}

impl Pending {
    /// Checks the client's proof; on success gives the server's signature as additional data.
    pub(crate) fn verify(self, input: &[u8]) -> Result<Success, SaslFailure> {
        let message = ClientFinal::parse(input)?;
        if message.binding != self.binding_input {
            return Err(SaslFailure::not_authorized("channel binding mismatch"));
        }
        if message.nonce != self.nonce {
            return Err(SaslFailure::not_authorized("nonce mismatch"));
        }
        let hash = self.keys.hash();
        let transcript = format!("{},{}", self.transcript, message.without_proof);
        let signature = hash.hmac(self.keys.stored_key().expose(), &[transcript.as_bytes()]);
        if message.proof.len() != signature.len() {
            return Err(SaslFailure::malformed("client proof has the wrong length"));
        }
        let client_key: Vec<u8> =
            message.proof.iter().zip(&signature).map(|(proof, mask)| proof ^ mask).collect();
        let proven = hash.digest(&client_key).ct_eq(self.keys.stored_key().expose());
        if !bool::from(proven & subtle::Choice::from(u8::from(self.known))) {
            return Err(SaslFailure::not_authorized(if self.known {
                "wrong password"
            } else {
                "unknown account"
            }));
        }
        let verifier = hash.hmac(self.keys.server_key().expose(), &[transcript.as_bytes()]);
        Ok(Success {
            username: self.username,
            authzid: self.authzid,
            additional_data: Some(format!("v={}", STANDARD.encode(verifier)).into_bytes()),
            token: None,
        })
    }
}

/// The channel's data the client committed to, by the rules of RFC 5802 §6.
fn bound_data<'a>(flag: BindingFlag<'_>, plus: bool, offer: &'a Offer) -> Result<&'a [u8], SaslFailure> {
    match (flag, plus) {
        (BindingFlag::Bound(name), true) => ChannelBindingKind::from_name(name)
            .and_then(|kind| offer.binding(kind))
            .ok_or(SaslFailure::not_authorized("channel binding type not offered")),
        (BindingFlag::Bound(_), false) => Err(SaslFailure::malformed("channel binding without -PLUS")),
        (_, true) => Err(SaslFailure::malformed("-PLUS without channel binding")),
        // The client could bind and believes the server cannot: somebody took the -PLUS mechanisms off the list.
        (BindingFlag::ServerLacks, false) if offer.offers_plus() => {
            Err(SaslFailure::not_authorized("channel binding was downgraded"))
        }
        (BindingFlag::ServerLacks | BindingFlag::ClientLacks, false) => Ok(&[]),
    }
}

fn advertised_hash(hash: ScramHash, offer: &Offer) -> String {
    let mechanisms: Vec<&str> = offer.mechanisms.iter().map(|mechanism| mechanism.name()).collect();
    let bindings: Vec<&str> = offer.channel_bindings.iter().map(|binding| binding.kind.name()).collect();
    downgrade_hash(hash, &mechanisms, &bindings)
}
