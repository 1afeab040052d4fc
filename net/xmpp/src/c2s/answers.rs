//! The driver's answers to the stream machine's events before a client is bound.

use std::sync::Arc;

use nightjar_auth::{FastTokens, StoredToken, TokenRequest};
use nightjar_base::attempts::Protocol;
use nightjar_base::iq::IqTarget;
use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_sasl::{Condition, Mechanism, SaslFailure, TokenBinding};
use nightjar_text::Text;
use nightjar_xmpp::c2s::{
    Admission, Admitted, AuthFailed, Authenticated, Event, FastToken, Opened, Sasl2Request,
};
use nightjar_xmpp::{Stanza, StanzaError, StreamErrorCondition, sm};

use super::binding::{bind, bind2};
use super::connection::Connection;
use super::{authenticate, legacy, offer};

/// Iterations of keys that are made anew (XEP-0480); RFC 7677 §4 asks for 4096 at least.
const UPGRADE_ITERATIONS: u32 = 4096;

/// Answers one event.
pub(super) async fn answer(connection: &mut Connection, event: Event) {
    match event {
        Event::Opened(opened) => open(connection, &opened).await,
        Event::Credentials(question) => {
            let answer = authenticate::credentials(connection, *question).await;
            connection.stream.provide_credentials(answer);
        }
        Event::Authenticated(authenticated) => admit(connection, *authenticated).await,
        Event::AuthFailed(failed) => failed_attempt(connection, *failed).await,
        Event::Upgrade { account, task } => {
            let salt = upgrade_salt(connection, &account, task.hash()).await;
            connection.stream.provide_upgrade(salt);
        }
        Event::Keys { account, keys } => {
            store_keys(connection, &account, *keys).await;
            connection.stream.keys_stored();
        }
        Event::EarlyIq(stanza) => early(connection, *stanza).await,
        Event::Bind { resource } => match bind(connection, resource).await {
            Ok(session) => connection.stream.bound(&session.jid),
            Err(error) => connection.stream.bind_refused(&error),
        },
        Event::Resume(resume) => {
            let found = super::resume::take_over(connection, &resume).await;
            let now = connection.now();
            match found {
                Ok(state) => connection.stream.resumed(now, state),
                Err(refused) => connection.stream.resume_refused(refused),
            }
        }
        // A bound client's events never come before it is bound.
        Event::Stanza(_) | Event::ClientState { .. } | Event::EnableSm(_) => {
            connection.stream.close(StreamErrorCondition::InternalServerError);
        }
    }
}

async fn open(connection: &mut Connection, opened: &Opened) {
    let kernel = &connection.shared.kernel;
    let config = kernel.config();
    let host = kernel.host(config.resolve_host(opened.host.domain()));
    match host {
        Some(host) => {
            if let Err(why) = host.may_connect(connection.ip(), Protocol::C2s).await {
                return connection.refuse(why);
            }
            let offer = offer::offer(connection, &host, opened);
            connection.host = Some(host);
            connection.stream.provide_host(offer);
        }
        None => connection.stream.close(StreamErrorCondition::HostUnknown),
    }
}

/// Logs a failed attempt and tells whoever counts them. A client whose proof was right but that may not come in is no
/// guesser, nor is one that the server itself fails; a certificate can't be guessed.
async fn failed_attempt(connection: &mut Connection, failed: AuthFailed) {
    let user = failed.username.unwrap_or_default();
    let peer = connection.peer_name();
    tracing::info!(peer, user = user.as_str(), reason = failed.failure.reason, "authentication failed");
    let proved = std::mem::take(&mut connection.is_proved);
    let counted = std::mem::take(&mut connection.is_counted);
    let own_fault = failed.failure.condition == Condition::TemporaryAuthFailure;
    if !proved && !counted && !own_fault && failed.mechanism != Some(Mechanism::External) {
        authenticate::attempted(connection, user, false).await;
    }
}

async fn admit(connection: &mut Connection, authenticated: Authenticated) {
    let Some(host) = connection.host.clone() else {
        return connection.stream.deny(SaslFailure::temporary("no host"));
    };
    let account = authenticated.account.clone();
    connection.is_proved = true;
    if let Some(failure) = authenticate::refusal(connection, &host, &account).await {
        return connection.stream.deny(failure);
    }
    if authenticated.mechanism == Mechanism::Anonymous {
        match host.accounts.claim_anonymous(account.local().unwrap_or_default()) {
            Some(claim) => connection.claim = Some(claim),
            None => return connection.stream.deny(SaslFailure::not_authorized("anonymous name in use")),
        }
    }
    connection.free_place();
    connection.account = Some(account.clone());
    connection.mechanism = Some(authenticated.mechanism);
    let peer = connection.peer_name();
    tracing::info!(peer, %account, mechanism = authenticated.mechanism.name(), "authenticated");
    if authenticated.mechanism != Mechanism::Anonymous {
        let user = Text::new(account.local().unwrap_or_default());
        authenticate::attempted(connection, user, true).await;
    }
    let admission = match &authenticated.sasl2 {
        None => Admission::account(),
        Some(request) => sasl2(connection, &host, &authenticated, request).await,
    };
    let now = connection.now();
    connection.stream.admit(now, admission);
}

/// What a client asked for along with authentication (XEP-0388): a token, its former session, a new one.
async fn sasl2(
    connection: &mut Connection,
    host: &Arc<Host>,
    authenticated: &Authenticated,
    request: &Sasl2Request,
) -> Admission {
    let token = token(connection, host, authenticated, request).await;
    let mut resume_refused = None;
    if let Some(resume) = &request.resume {
        match super::resume::take_over(connection, resume).await {
            Ok(state) => {
                let jid = connection
                    .session
                    .as_ref()
                    .map_or_else(|| authenticated.account.clone(), |session| session.jid.clone());
                return Admission {
                    session: Admitted::Resumed { jid, session: state },
                    resume_refused: None,
                    token,
                };
            }
            Err(refused) => resume_refused = Some(refused),
        }
    }
    let session = match &request.bind {
        Some(wanted) => bind2(connection, request, wanted).await.unwrap_or(Admitted::Account),
        None => Admitted::Account,
    };
    Admission { session, resume_refused, token }
}

async fn token(
    connection: &mut Connection,
    host: &Arc<Host>,
    authenticated: &Authenticated,
    request: &Sasl2Request,
) -> Option<FastToken> {
    let tokens = host.get::<FastTokens>()?;
    let client = request.user_agent.as_ref().and_then(|agent| agent.id.clone())?;
    let binding = |mechanism: Mechanism| match mechanism {
        Mechanism::Token(binding) => Some(binding),
        _ => None,
    };
    let found = std::mem::take(&mut connection.tokens);
    if let Some((owner, count)) = connection.token_use.take().filter(|_| authenticated.token.is_some()) {
        connection.shared.kernel.shared::<authenticate::SpentCounts>().spend(owner, count);
    }
    let used: Option<(&StoredToken, TokenBinding)> =
        authenticated.token.and_then(|at| found.get(at)).zip(binding(authenticated.mechanism));
    let wish = TokenRequest {
        issue: request.request_token.and_then(binding),
        invalidate: request.fast.is_some_and(|fast| fast.invalidate),
    };
    let user = authenticated.account.local().unwrap_or_default();
    match tokens.after_login(user, &client, used, wish).await {
        Ok(issued) => issued.map(|issued| FastToken {
            token: nightjar_sasl::Secret::new(issued.token.as_bytes().to_vec()),
            expiry: issued.expires_unix_seconds.saturating_mul(1_000_000),
        }),
        Err(error) => {
            tracing::warn!(%error, "a token could not be issued");
            None
        }
    }
}

async fn upgrade_salt(
    connection: &Connection,
    account: &Jid,
    hash: nightjar_sasl::ScramHash,
) -> Option<([u8; 16], u32)> {
    let host = connection.host.as_ref()?;
    let stored = host.accounts.credentials(account.local()?).await.ok()??;
    if stored.keys_for(hash).is_some() {
        return None;
    }
    let mut salt = [0; 16];
    connection.shared.kernel.random.fill(&mut salt);
    Some((salt, UPGRADE_ITERATIONS))
}

async fn store_keys(connection: &Connection, account: &Jid, keys: nightjar_sasl::ScramKeys) {
    let (Some(host), Some(user)) = (&connection.host, account.local()) else { return };
    if let Err(error) = host.accounts.set_keys(user, keys).await {
        tracing::warn!(%account, %error, "upgraded keys could not be stored");
    }
}

/// A request before authentication: registration (XEP-0077) or legacy authentication (XEP-0078).
async fn early(connection: &mut Connection, mut stanza: Stanza) {
    let Some(host) = connection.host.clone() else { return };
    stanza.from = None;
    if legacy::is_wanted(&host, &stanza) {
        return legacy::answer(connection, &host, &stanza).await;
    }
    let ip = connection.peer.map(|peer| peer.ip());
    let refused = stanza.error_reply(&StanzaError::service_unavailable());
    let reply = host.iq.answer(&host, IqTarget::Stream, None, ip, stanza).await.or(refused);
    match reply {
        Some(mut reply) => {
            if reply.error().is_some() {
                // A refused password isn't sent back.
                reply.remove(|piece| piece.ns() == nightjar_xmpp::ns::REGISTER && piece.name() == "query");
            }
            connection.stream.reply_early(&reply);
        }
        None => connection.stream.close(StreamErrorCondition::InternalServerError),
    }
}

/// The grant of stream management for a session that asks for it now.
pub(super) fn grant(kernel: &Kernel, host: &Host, enable: &sm::Enable) -> Option<sm::Grant> {
    let options = host.get::<nightjar_base::stream_options::StreamManagementOptions>()?;
    let asked = enable.max_seconds.map(|seconds| std::time::Duration::from_secs(u64::from(seconds)));
    let timeout = asked.map_or(options.resume_timeout, |asked| asked.min(options.max_resume_timeout));
    let resumable = enable.resume && !timeout.is_zero();
    Some(sm::Grant {
        id: resumable.then(|| kernel.random.identifier()),
        max_seconds: resumable.then(|| u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX)),
        location: None,
        queue_max: options.max_ack_queue.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX)),
        ack_timeout: options.ack_timeout.unwrap_or_default(),
    })
}
