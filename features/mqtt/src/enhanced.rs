//! Enhanced authentication (MQTT 5 §4.12): SCRAM and OAuth tokens, and who is counted as a guesser.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use nightjar_auth::{AuthOptions, MechanismPolicy, mechanisms};
use nightjar_base::Host;
use nightjar_base::attempts::{Attempt, Protocol};
use nightjar_base::mqtt::{MqttOpening, MqttRefusal};
use nightjar_jid::Jid;
use nightjar_mqtt::Reason;
use nightjar_sasl::{Condition, Exchange, Mechanism, Offer, SaslFailure, Step, Success};
use nightjar_text::Text;

use crate::login::{BANNED, UNKNOWN, WRONG};

const METHOD: MqttRefusal = MqttRefusal {
    reason: Reason::BAD_AUTHENTICATION_METHOD,
    words: "that method of authentication isn't spoken here",
};
const UNREADABLE: MqttRefusal =
    MqttRefusal { reason: Reason::NOT_AUTHORIZED, words: "the authentication data can't be read" };
const ANOTHER: MqttRefusal =
    MqttRefusal { reason: Reason::NOT_AUTHORIZED, words: "the user name is of another account" };

/// What a client has chosen, and what its connection allows: the same for all authentications on it.
#[derive(Clone)]
pub(crate) struct Terms {
    host: Arc<Host>,
    mechanism: Mechanism,
    offer: Offer,
    ip: Option<IpAddr>,
    /// The account that CONNECT names beside the authentication data.
    named: Option<Text>,
}

/// Where an authentication stands after a step of the client.
pub(crate) enum Turn {
    /// The client is to answer this.
    Asks(Vec<u8>, Box<Dialogue>),
    /// It is this account; the data proves that the server knows its secret.
    Proved(Text, Option<Vec<u8>>),
}

/// An authentication that waits for the client.
pub(crate) struct Dialogue {
    terms: Terms,
    exchange: Exchange,
    /// It failed, and was counted, though the client has still to answer.
    is_counted: bool,
}

impl Terms {
    /// `None` for a client that names no method.
    pub(crate) fn of(host: &Arc<Host>, opening: &MqttOpening) -> Result<Option<Self>, MqttRefusal> {
        let Some(method) = opening.connect.authentication_method() else { return Ok(None) };
        let bindings = opening.bindings.clone();
        let policy = MechanismPolicy {
            channel_binding: !bindings.is_empty(),
            // What is hidden there is hidden for clients that choose badly from a list; here is none.
            sasl2: true,
            oauth: host.takes_tokens(),
            // A token may go where a password may.
            plaintext_allowed: true,
            ..MechanismPolicy::default()
        };
        let options = host.get::<AuthOptions>().unwrap_or_default();
        let mut offered = mechanisms(&options, policy);
        offered.retain(|mechanism| {
            matches!(mechanism, Mechanism::Scram { .. } | Mechanism::OauthBearer | Mechanism::XOauth2)
        });
        let mechanism = Mechanism::from_name(method.as_str()).filter(|wanted| offered.contains(wanted));
        let mechanism = mechanism.ok_or(METHOD)?;
        let named =
            opening.connect.user_name.as_ref().map(|name| account(host, name.as_str())).transpose()?;
        let offer = Offer {
            host: host.name.clone(),
            mechanisms: offered,
            channel_bindings: bindings,
            plaintext_allowed: true,
            ..Offer::default()
        };
        Ok(Some(Self { host: Arc::clone(host), mechanism, offer, ip: opening.ip, named }))
    }

    /// Takes the client's first data.
    pub(crate) async fn begin(self, data: Option<&[u8]>) -> Result<Turn, MqttRefusal> {
        let data = data.map(|data| self.message(data));
        let (exchange, step) = Exchange::start(self.mechanism, &self.offer, data.as_deref());
        Dialogue { terms: self, exchange, is_counted: false }.advance(step).await
    }

    /// The data as SASL has them. With X-OAUTH2 ejabberd's clients send the token alone, and CONNECT says whose it is.
    fn message<'a>(&self, data: &'a [u8]) -> Cow<'a, [u8]> {
        if self.mechanism != Mechanism::XOauth2 {
            return Cow::Borrowed(data);
        }
        let named = self.named.as_ref().map_or("", Text::as_str);
        Cow::Owned([b"\0", named.as_bytes(), b"\0", data].concat())
    }

    async fn attempted(&self, user: Text, success: bool) -> Result<(), MqttRefusal> {
        let attempt = Attempt { ip: self.ip, protocol: Protocol::Mqtt, user, success };
        self.host.attempted(attempt).await.map_err(|_| BANNED)
    }

    async fn proved(&self, success: Success) -> Result<Turn, MqttRefusal> {
        let Success { username: user, additional_data, .. } = success;
        if self.named.as_ref().is_some_and(|named| *named != user) {
            return Err(ANOTHER);
        }
        if self.host.accounts.ban(&user).await.map_err(|_| UNKNOWN)?.is_some() {
            return Err(BANNED);
        }
        self.attempted(user.clone(), true).await?;
        Ok(Turn::Proved(user, additional_data))
    }
}

impl Dialogue {
    /// Takes the client's next data.
    pub(crate) async fn answer(mut self, data: Option<&[u8]>) -> Result<Turn, MqttRefusal> {
        let data = self.terms.message(data.unwrap_or_default());
        let step = self.exchange.handle_response(&data);
        self.advance(step).await
    }

    async fn advance(mut self, mut step: Step) -> Result<Turn, MqttRefusal> {
        loop {
            step = match step {
                Step::Challenge(data) => return Ok(Turn::Asks(data, Box::new(self))),
                Step::NeedCredentials(lookup) => {
                    let answer = self.terms.host.accounts.scram_answer(&lookup).await;
                    self.exchange.provide(answer)
                }
                Step::NeedOauth(check) => {
                    let answer = self.terms.host.token_answer(&check).await;
                    match self.exchange.provide(answer) {
                        // OAUTHBEARER tells what is wrong before it fails; a client that has heard it can guess on.
                        Step::Challenge(data) => {
                            self.is_counted = true;
                            self.terms.attempted(check.username.unwrap_or_default(), false).await?;
                            Step::Challenge(data)
                        }
                        step => step,
                    }
                }
                Step::Success(success) => return self.terms.proved(success).await,
                Step::Failure(failure) => {
                    return Err(self.failed(&failure).await);
                }
                // Questions of mechanisms that aren't offered.
                _ => return Err(METHOD),
            }
        }
    }

    /// What the client hears; a wrong proof counts as a guess.
    async fn failed(&self, failure: &SaslFailure) -> MqttRefusal {
        let user = self.exchange.username();
        tracing::info!(user = user.map(Text::as_str), reason = failure.reason, "authentication failed");
        let refusal = match failure.condition {
            Condition::InvalidMechanism => METHOD,
            Condition::AccountDisabled => BANNED,
            Condition::TemporaryAuthFailure => return UNKNOWN,
            Condition::NotAuthorized => WRONG,
            _ => UNREADABLE,
        };
        if self.is_counted {
            return refusal;
        }
        let told = self.terms.attempted(user.cloned().unwrap_or_default(), false).await;
        told.err().unwrap_or(refusal)
    }
}

/// The account that a user name means, which may be an address of the host.
fn account(host: &Arc<Host>, name: &str) -> Result<Text, MqttRefusal> {
    let jid = if name.contains('@') { Jid::parse(name) } else { host.account(name) };
    let here = jid.ok().filter(|jid| jid.domain() == host.name.as_str());
    here.as_ref().and_then(|jid| jid.local()).map(Text::new).ok_or(WRONG)
}

#[cfg(test)]
mod tests;
