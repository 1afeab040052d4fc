#[cfg(test)]
mod tests;

use nightjar_text::Text;

use crate::plain::Plain;
use crate::scram::{First, Pending};
use crate::token::TokenProof;
use crate::{
    Condition, Mechanism, Nonce, Offer, SaslFailure, ScramCredentials, ScramHash, Secret, TokenBinding, oauth,
};

/// Longest message taken from a client, in bytes; the longest honest ones carry signed tokens.
pub const MESSAGE_LIMIT_BYTES: usize = 16 * 1024;

/// What the driver has to do next.
#[derive(Debug)]
pub enum Step {
    /// Send these bytes to the client (base64, `<challenge/>`); then [`Exchange::handle_response`].
    Challenge(Vec<u8>),
    /// Look up keys and answer [`Answer::Keys`].
    NeedCredentials(Lookup),
    /// Check the password and answer [`Answer::Accept`].
    NeedPassword(PasswordCheck),
    /// Look up the tokens of the account and of the client's user agent, and answer [`Answer::Tokens`].
    NeedToken(TokenLookup),
    /// Check the OAuth token and answer [`Answer::Identity`] with the account it belongs to.
    NeedOauth(OauthCheck),
    /// Find out whom the TLS certificate stands for and answer [`Answer::Identity`].
    NeedExternal(ExternalCheck),
    /// Make up an account and answer [`Answer::Identity`].
    NeedAnonymous,
    Success(Success),
    Failure(SaslFailure),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Local part, normalised.
    pub username: Text,
    /// The account's own bare JID, if the client named it.
    pub authzid: Option<Text>,
    pub hash: ScramHash,
}

#[derive(Clone, Debug)]
pub struct PasswordCheck {
    /// Local part, normalised.
    pub username: Text,
    pub authzid: Option<Text>,
    pub password: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLookup {
    /// Local part, normalised.
    pub username: Text,
    /// Only tokens issued for this binding may be provided (XEP-0484 §3.4).
    pub binding: TokenBinding,
}

#[derive(Clone, Debug)]
pub struct OauthCheck {
    /// Local part, normalised; `None` where the token alone says whose it is.
    pub username: Option<Text>,
    pub token: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalCheck {
    /// As the client wrote it, not checked: a JID between client and server, a domain between servers.
    pub authzid: Option<Text>,
}

/// The driver's answer to a question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Step::NeedCredentials`].
    Keys { credentials: ScramCredentials, nonce: Nonce },
    /// To [`Step::NeedPassword`]: it is the right one.
    Accept,
    /// To [`Step::NeedExternal`], [`Step::NeedAnonymous`] and [`Step::NeedOauth`]: the normalised local part (between
    /// servers, the domain).
    Identity(Text),
    /// To [`Step::NeedToken`]: every token that may be used, in any order; none for an unknown account.
    Tokens(Vec<Secret>),
    /// To [`Step::NeedOauth`]: the token holds, but for other things.
    InsufficientScope,
    /// To any: the account is disabled, the database is away, the password is wrong, …
    Refuse(SaslFailure),
}

/// The client is who it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// Local part, normalised (for EXTERNAL between servers, the domain).
    pub username: Text,
    /// The account's own bare JID, if the client named it.
    pub authzid: Option<Text>,
    /// To be sent with the success.
    pub additional_data: Option<Vec<u8>>,
    /// Which of the provided tokens was used.
    pub token: Option<usize>,
}

/// One authentication attempt. After `Success` or `Failure` it is over and fails on any further input.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    offer: Offer,
    username: Option<Text>,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitFirst,
    Keys(Box<First>),
    AwaitProof(Box<Pending>),
    Password { username: Text, authzid: Option<Text> },
    Token(Box<TokenProof>),
    Oauth { username: Option<Text> },
    AwaitOauthEnd(SaslFailure),
    External { authzid: Option<Text> },
    Anonymous,
    Over,
}

impl Exchange {
    /// Begins an attempt; `initial` is the initial response, `None` if the client sent none (an empty one is
    /// `Some(b"")`, written `=` in RFC 6120 §6.4.2).
    pub fn start(mechanism: Mechanism, offer: &Offer, initial: Option<&[u8]>) -> (Exchange, Step) {
        let mut exchange =
            Exchange { mechanism, offer: offer.clone(), username: None, state: State::AwaitFirst };
        let step = match (offer.admit(mechanism), initial) {
            (Err(failure), _) => exchange.end(failure),
            (Ok(()), Some(message)) => exchange.handle_response(message),
            // RFC 4505 §2 makes the trace optional, and clients leave it out without waiting for a challenge.
            (Ok(()), None) if mechanism == Mechanism::Anonymous => exchange.handle_response(b""),
            (Ok(()), None) => Step::Challenge(Vec::new()),
        };
        (exchange, step)
    }

    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The account the client claims to be, once known: for the log and for counting failures.
    pub fn username(&self) -> Option<&Text> {
        self.username.as_ref()
    }

    /// Takes a message of the client, decoded from base64.
    pub fn handle_response(&mut self, message: &[u8]) -> Step {
        let result = match std::mem::replace(&mut self.state, State::Over) {
            _ if message.len() > MESSAGE_LIMIT_BYTES => Err(SaslFailure::malformed("message too long")),
            State::AwaitFirst => self.handle_first(message),
            State::AwaitProof(pending) => pending.verify(message).map(Step::Success),
            // RFC 7628 §3.2.3: the client's \x01 carries nothing.
            State::AwaitOauthEnd(failure) => Err(failure),
            State::Over => Err(SaslFailure::malformed("the exchange is over")),
            _ => Err(SaslFailure::malformed("message out of turn")),
        };
        result.unwrap_or_else(|failure| self.end(failure))
    }

    /// Takes the driver's answer to the question the last step asked.
    pub fn provide(&mut self, answer: Answer) -> Step {
        let result = match (std::mem::replace(&mut self.state, State::Over), answer) {
            (State::Oauth { .. }, Answer::Refuse(failure)) => {
                return self.refuse_oauth(failure, oauth::INVALID_TOKEN);
            }
            (State::Oauth { .. }, Answer::InsufficientScope) => {
                let failure = SaslFailure::not_authorized("token for other things than logging in");
                return self.refuse_oauth(failure, oauth::INSUFFICIENT_SCOPE);
            }
            (State::Oauth { username: Some(claimed) }, Answer::Identity(owner)) if claimed != owner => {
                let failure = SaslFailure::not_authorized("token of another account");
                return self.refuse_oauth(failure, oauth::INVALID_TOKEN);
            }
            (_, Answer::Refuse(failure)) => Err(failure),
            (State::Keys(first), Answer::Keys { credentials, nonce }) => {
                first.answer(credentials, &nonce).map(|(message, pending)| {
                    self.state = State::AwaitProof(Box::new(pending));
                    Step::Challenge(message)
                })
            }
            (State::Password { username, authzid }, Answer::Accept) => Ok(success(username, authzid)),
            (State::Token(proof), Answer::Tokens(tokens)) => proof.verify(&tokens).map(Step::Success),
            (State::Oauth { .. }, Answer::Identity(owner)) => Ok(success(owner, None)),
            (State::External { authzid }, Answer::Identity(username)) => Ok(success(username, authzid)),
            (State::Anonymous, Answer::Identity(username)) => Ok(success(username, None)),
            _ => Err(SaslFailure::temporary("answer to a question that was not asked")),
        };
        result.unwrap_or_else(|failure| self.end(failure))
    }

    fn handle_first(&mut self, message: &[u8]) -> Result<Step, SaslFailure> {
        let host = self.offer.host.clone();
        match self.mechanism {
            Mechanism::Scram { hash, plus } => {
                let first = First::read(message, hash, plus, &self.offer)?;
                let lookup = first.lookup();
                self.username = Some(lookup.username.clone());
                self.state = State::Keys(Box::new(first));
                Ok(Step::NeedCredentials(lookup))
            }
            Mechanism::Plain => {
                let Plain { username, authzid, password } = Plain::read(message, &host)?;
                self.username = Some(username.clone());
                self.state = State::Password { username: username.clone(), authzid: authzid.clone() };
                Ok(Step::NeedPassword(PasswordCheck { username, authzid, password }))
            }
            Mechanism::XOauth2 => {
                let plain = Plain::read(message, &host)?;
                Ok(self.ask_oauth(OauthCheck { username: Some(plain.username), token: plain.password }))
            }
            Mechanism::OauthBearer => oauth::read_bearer(message, &host).map(|check| self.ask_oauth(check)),
            Mechanism::Token(binding) => {
                let proof = TokenProof::read(message, binding, &self.offer)?;
                let username = proof.username.clone();
                self.username = Some(username.clone());
                self.state = State::Token(Box::new(proof));
                Ok(Step::NeedToken(TokenLookup { username, binding }))
            }
            Mechanism::External => {
                let authzid = external_authzid(message)?;
                self.state = State::External { authzid: authzid.clone() };
                Ok(Step::NeedExternal(ExternalCheck { authzid }))
            }
            Mechanism::Anonymous => {
                self.state = State::Anonymous;
                Ok(Step::NeedAnonymous)
            }
        }
    }

    fn ask_oauth(&mut self, check: OauthCheck) -> Step {
        self.username = check.username.clone();
        self.state = State::Oauth { username: check.username.clone() };
        Step::NeedOauth(check)
    }

    fn refuse_oauth(&mut self, failure: SaslFailure, told: &[u8]) -> Step {
        if self.mechanism == Mechanism::OauthBearer && failure.condition == Condition::NotAuthorized {
            self.state = State::AwaitOauthEnd(failure);
            return Step::Challenge(told.to_vec());
        }
        self.end(failure)
    }

    fn end(&mut self, failure: SaslFailure) -> Step {
        self.state = State::Over;
        Step::Failure(failure)
    }
}

fn success(username: Text, authzid: Option<Text>) -> Step {
    Step::Success(Success { username, authzid, additional_data: None, token: None })
}

/// RFC 4422 appendix A: UTF-8 without NUL; empty means the identity the certificate names.
fn external_authzid(message: &[u8]) -> Result<Option<Text>, SaslFailure> {
    match std::str::from_utf8(message) {
        Ok("") => Ok(None),
        Ok(authzid) if !authzid.contains('\0') => Ok(Some(Text::new(authzid))),
        _ => Err(SaslFailure::malformed("authorization identity is not text")),
    }
}
