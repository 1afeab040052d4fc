//! The other side, for tests: a SCRAM client written from RFC 5802 on top of nothing but the hash.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_text::Text;

use crate::{
    Answer, ChannelBinding, ChannelBindingKind, Condition, Exchange, Lookup, Mechanism, Nonce, Offer,
    ScramCredentials, ScramHash, ScramKeys, Secret, Step, Success, TokenBinding,
};

pub(crate) const EXPORTER: &[u8] = b"exporter data";
pub(crate) const SALT: &[u8] = b"0123456789abcdef";

/// Everything offered on an encrypted stream of example.org, with downgrade protection.
pub(crate) fn full_offer() -> Offer {
    Offer {
        host: Text::new("example.org"),
        mechanisms: Mechanism::all().filter(|mechanism| !matches!(mechanism, Mechanism::Token(_))).collect(),
        fast: vec![Mechanism::Token(TokenBinding::None), Mechanism::Token(TokenBinding::Exporter)],
        channel_bindings: vec![ChannelBinding {
            kind: ChannelBindingKind::TlsExporter,
            data: EXPORTER.to_vec(),
        }],
        tls: true,
        plaintext_allowed: false,
        downgrade_protection: true,
    }
}

/// One mechanism and nothing else, as in the examples of the RFCs.
pub(crate) fn bare_offer(mechanism: Mechanism) -> Offer {
    Offer { host: Text::new("example.org"), mechanisms: vec![mechanism], ..Offer::default() }
}

pub(crate) fn keys(hash: ScramHash, password: &str, salt: &[u8]) -> ScramCredentials {
    ScramCredentials::Known(ScramKeys::derive(hash, &Secret::from(password), salt, 4096).unwrap())
}

pub(crate) fn nonce(text: &str) -> Nonce {
    Nonce::from_text(text).unwrap()
}

pub(crate) fn salted(hash: ScramHash, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
    hash.salted_password(password.as_bytes(), salt, iterations).to_vec()
}

/// A client that answers one server-first-message.
pub(crate) struct ScramClient {
    pub(crate) hash: ScramHash,
    pub(crate) password: &'static str,
    /// gs2-header
    pub(crate) header: &'static str,
    pub(crate) binding: &'static [u8],
    pub(crate) bare: &'static str,
}

impl ScramClient {
    pub(crate) fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.bare).into_bytes()
    }

    pub(crate) fn last(&self, server_first: &[u8]) -> Vec<u8> {
        let server_first = std::str::from_utf8(server_first).unwrap();
        let field = |name: &str| server_first.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let salt = STANDARD.decode(field("s=")).unwrap();
        let salted = salted(self.hash, self.password, &salt, field("i=").parse().unwrap());
        let client_key = self.hash.hmac(&salted, &[b"Client Key"]);
        let bound = STANDARD.encode([self.header.as_bytes(), self.binding].concat());
        let without_proof = format!("c={bound},r={}", field("r="));
        let transcript = format!("{},{server_first},{without_proof}", self.bare);
        let signature = self.hash.hmac(&self.hash.digest(&client_key), &[transcript.as_bytes()]);
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, mask)| key ^ mask).collect();
        format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes()
    }
}

pub(crate) fn challenge(step: Step) -> Vec<u8> {
    match step {
        Step::Challenge(message) => message,
        other => panic!("expected a challenge, got {other:?}"),
    }
}

pub(crate) fn success(step: Step) -> Success {
    match step {
        Step::Success(success) => success,
        other => panic!("expected success, got {other:?}"),
    }
}

pub(crate) fn failure(step: Step) -> Condition {
    match step {
        Step::Failure(failure) => failure.condition,
        other => panic!("expected failure, got {other:?}"),
    }
}

pub(crate) fn lookup(step: Step) -> Lookup {
    match step {
        Step::NeedCredentials(lookup) => lookup,
        other => panic!("expected a lookup, got {other:?}"),
    }
}

/// Sends the first message and provides keys: the exchange and the server-first-message.
pub(crate) fn begin_scram(
    mechanism: Mechanism,
    offer: &Offer,
    first: &[u8],
    credentials: ScramCredentials,
    server_nonce: &str,
) -> (Exchange, Vec<u8>) {
    let (mut exchange, step) = Exchange::start(mechanism, offer, Some(first));
    lookup(step);
    let answer = Answer::Keys { credentials, nonce: nonce(server_nonce) };
    let message = challenge(exchange.provide(answer));
    (exchange, message)
}
