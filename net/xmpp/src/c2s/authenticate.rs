//! Answers to SASL's questions.

use std::collections::HashMap;
use std::sync::Arc;

use nightjar_auth::FastTokens;
use nightjar_base::Host;
use nightjar_base::attempts::{Attempt, Protocol};
use nightjar_jid::Jid;
use nightjar_sasl::{Answer, Condition, Mechanism, SaslFailure};
use nightjar_text::Text;
use nightjar_xmpp::c2s::{Ask, Question};
use parking_lot::Mutex;
use rustls_pki_types::UnixTime;

use super::connection::Connection;
use nightjar_net_listen::{certificates, tls};

/// The answer to a question of the mechanism.
pub(super) async fn credentials(connection: &mut Connection, question: Question) -> Answer {
    let Some(host) = connection.host.clone() else { return unavailable() };
    connection.mechanism = Some(question.mechanism);
    match question.ask {
        Ask::Keys(lookup) => host.accounts.scram_answer(&lookup).await,
        Ask::Password(check) => match host.accounts.check_password(&check.username, &check.password).await {
            Ok(verdict) => verdict.into_answer(),
            Err(error) => {
                tracing::warn!(%error, "a password could not be checked");
                unavailable()
            }
        },
        Ask::Token(lookup) => {
            let Some(tokens) = host.get::<FastTokens>() else { return unavailable() };
            let client = question.user_agent.and_then(|agent| agent.id).unwrap_or_default();
            let count = question.fast.and_then(|fast| fast.count);
            connection.token_use =
                count.map(|count| (Text::from(format!("{}@{}/{client}", lookup.username, host.name)), count));
            if let Some((owner, count)) = &connection.token_use
                && connection.shared.kernel.shared::<SpentCounts>().is_spent(owner, *count)
            {
                return Answer::Refuse(SaslFailure::not_authorized("the token's count was used before"));
            }
            match tokens.lookup(&lookup, &client).await {
                Ok(found) => {
                    let answer = Answer::Tokens(found.iter().map(|stored| stored.token.clone()).collect());
                    connection.tokens = found;
                    answer
                }
                Err(error) => {
                    tracing::warn!(%error, "tokens could not be read");
                    unavailable()
                }
            }
        }
        Ask::External(check) => external(connection, &host, check.authzid.as_ref()),
        Ask::Anonymous => host.accounts.anonymous_answer(),
        Ask::Oauth(check) => {
            let answer = host.token_answer(&check).await;
            if question.mechanism == Mechanism::OauthBearer && is_wrong(&answer) {
                // The client hears it at once, and need not wait for the end of the attempt to guess on.
                connection.is_counted = true;
                attempted(connection, check.username.unwrap_or_default(), false).await;
            }
            answer
        }
    }
}

/// The highest count each client used its token with: what was sent once can't be replayed (XEP-0484 §5.2).
#[derive(Default)]
pub(super) struct SpentCounts(Mutex<HashMap<Text, u32>>);

/// Clients whose counts are remembered; beyond it all are forgotten, which only re-admits what TLS protects.
const SPENT_MAX: usize = 100_000;

impl SpentCounts {
    fn is_spent(&self, owner: &Text, count: u32) -> bool {
        self.0.lock().get(owner).is_some_and(|spent| count <= *spent)
    }

    /// Notes a count that let a client in.
    pub(super) fn spend(&self, owner: Text, count: u32) {
        let mut spent = self.0.lock();
        if spent.len() >= SPENT_MAX {
            spent.clear();
        }
        spent.insert(owner, count);
    }
}

fn is_wrong(answer: &Answer) -> bool {
    match answer {
        Answer::Refuse(failure) => failure.condition == Condition::NotAuthorized,
        answer => matches!(answer, Answer::InsufficientScope),
    }
}

fn unavailable() -> Answer {
    Answer::Refuse(SaslFailure::temporary("credentials are not available"))
}

/// The accounts of the host that the client's trusted certificate names.
pub(super) fn certificate_accounts(
    connection: &Connection,
    host: &Arc<Host>,
) -> impl Iterator<Item = Jid> + use<> {
    let named =
        trusted_certificate(connection).map(|leaf| certificates::xmpp_addresses(&leaf)).unwrap_or_default();
    let domain = host.name.clone();
    let accounts = named.into_iter().filter_map(|address| Jid::parse(&address).ok());
    accounts.filter(move |jid| jid.domain() == domain.as_str() && jid.local().is_some())
}

fn trusted_certificate(connection: &Connection) -> Option<Vec<u8>> {
    let roots = connection.shared.options.roots.clone()?;
    let chain = connection.transport.tls()?.peer_certificates()?;
    let seconds = u64::try_from(connection.shared.kernel.clock.unix_seconds()).ok()?;
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    if tls::is_trusted(&chain, roots, now) { chain.first().map(|leaf| leaf.to_vec()) } else { None }
}

/// XEP-0178 §2: the account the client names, if its certificate names it too; without a name, the only one there is.
fn external(connection: &Connection, host: &Arc<Host>, authzid: Option<&Text>) -> Answer {
    let mut accounts = certificate_accounts(connection, host);
    let found = match authzid {
        Some(wanted) => {
            Jid::parse(wanted).ok().and_then(|wanted| accounts.find(|jid| jid.bare() == wanted.bare()))
        }
        None => accounts.next().filter(|_| accounts.next().is_none()),
    };
    match found.and_then(|jid| jid.local().map(Text::new)) {
        Some(local) => Answer::Identity(local),
        None => Answer::Refuse(SaslFailure::not_authorized("the certificate doesn't name the account")),
    }
}

/// Tells how an attempt ended; the stream is closed if the address has had too many.
pub(super) async fn attempted(connection: &mut Connection, user: Text, success: bool) {
    let Some(host) = connection.host.clone() else { return };
    let attempt = Attempt { ip: connection.ip(), protocol: Protocol::C2s, user, success };
    if let Err(why) = host.attempted(attempt).await {
        connection.refuse(why);
    }
}

/// Whether the account may log in here: not banned, and allowed by `access`.
pub(super) async fn refusal(connection: &Connection, host: &Arc<Host>, account: &Jid) -> Option<SaslFailure> {
    let user = account.local().unwrap_or_default();
    if let Ok(Some(reason)) = host.accounts.ban(user).await {
        return Some(SaslFailure::with_text(Condition::AccountDisabled, "account is banned", &reason));
    }
    let who = nightjar_config::access::Who::jid(account);
    let who = connection.peer.map_or(who, |peer| who.with_ip(peer.ip()));
    if host.config().access.allows(&connection.shared.options.access, &who) {
        return None;
    }
    Some(SaslFailure::with_text(Condition::NotAuthorized, "access rule", "Access denied by service policy"))
}
