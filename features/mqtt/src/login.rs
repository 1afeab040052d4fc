//! Who is let in.

use std::sync::Arc;

use nightjar_auth::{AnonymousClaim, Verdict};
use nightjar_base::attempts::{Attempt, Protocol};
use nightjar_base::mqtt::{MqttOpening, MqttRefusal};
use nightjar_base::{Host, Random};
use nightjar_mqtt::Reason;
use nightjar_sasl::Secret;
use nightjar_text::Text;

/// Somebody who has proved who it is.
pub(crate) struct Identity {
    /// The localpart, normalised; empty for somebody without an account: all of those are told apart by their client
    /// identifiers alone.
    pub(crate) user: Text,
    /// For somebody without an account.
    pub(crate) claim: Option<AnonymousClaim>,
}

/// Both ejabberd and mosquitto say so, with the return code 5 before MQTT 5: 4 is for names and passwords that are malformed
/// (MQTT 3.1.1 §3.2.2.3).
pub(crate) const WRONG: MqttRefusal =
    MqttRefusal { reason: Reason::NOT_AUTHORIZED, words: "unknown account or wrong password" };
pub(crate) const BANNED: MqttRefusal = MqttRefusal { reason: Reason::BANNED, words: "not welcome" };
pub(crate) const UNKNOWN: MqttRefusal =
    MqttRefusal { reason: Reason::SERVER_UNAVAILABLE, words: "the account can't be checked now" };
const NAMELESS: MqttRefusal =
    MqttRefusal { reason: Reason::NOT_AUTHORIZED, words: "a user name and a password are needed" };

/// By password, by certificate, or as nobody where the host has room for those.
pub(crate) async fn identify(
    host: &Arc<Host>,
    random: &dyn Random,
    opening: &MqttOpening,
) -> Result<Identity, MqttRefusal> {
    let Some(name) = opening.user.as_deref().filter(|name| !name.is_empty()) else {
        return match certified(host, opening, None).await? {
            Some(user) => Ok(Identity { user, claim: None }),
            None => anonymous(host, random),
        };
    };
    let jid = host.account(name).map_err(|_| WRONG)?;
    let user = Text::new(jid.local().unwrap_or_default());
    if let Some(user) = certified(host, opening, Some(&user)).await? {
        return Ok(Identity { user, claim: None });
    }
    let password = Secret::new(opening.connect.password.as_deref().unwrap_or_default().to_vec());
    let verdict = host.accounts.check_password(&user, &password).await.map_err(|error| {
        tracing::warn!(%error, "a password could not be checked");
        UNKNOWN
    })?;
    let success = matches!(verdict, Verdict::Accepted(_));
    let attempt = Attempt { ip: opening.ip, protocol: Protocol::Mqtt, user: user.clone(), success };
    let told = host.attempted(attempt).await;
    match verdict {
        Verdict::Refused => Err(WRONG),
        Verdict::Banned(_) => Err(BANNED),
        Verdict::Accepted(_) if told.is_err() => Err(BANNED),
        Verdict::Accepted(_) => Ok(Identity { user, claim: None }),
    }
}

/// The account that the certificate names: the wanted one, or the only one there is.
async fn certified(
    host: &Arc<Host>,
    opening: &MqttOpening,
    wanted: Option<&Text>,
) -> Result<Option<Text>, MqttRefusal> {
    let here = opening.certified.iter().filter(|jid| jid.domain() == host.name.as_str());
    let mut users = here.filter_map(|jid| jid.local());
    let user = match wanted {
        Some(wanted) => users.find(|user| *user == wanted.as_str()),
        None => users.next().filter(|_| users.next().is_none()),
    };
    let Some(user) = user else { return Ok(None) };
    let exists = host.accounts.exists(user).await.map_err(|_| UNKNOWN)?;
    let ban = host.accounts.ban(user).await.map_err(|_| UNKNOWN)?;
    if ban.is_some() {
        return Err(BANNED);
    }
    Ok(exists.then(|| Text::new(user)))
}

fn anonymous(host: &Arc<Host>, random: &dyn Random) -> Result<Identity, MqttRefusal> {
    let claim = host.accounts.claim_anonymous(&random.identifier()).ok_or(NAMELESS)?;
    Ok(Identity { user: Text::empty(), claim: Some(claim) })
}
