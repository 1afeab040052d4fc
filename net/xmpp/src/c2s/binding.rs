//! Binding a resource, by RFC 6120 or along with authentication (XEP-0386).

use std::sync::Arc;

use nightjar_base::iq::IqTarget;
use nightjar_base::{Host, OpenRequest, ResourceConflict, Session};
use nightjar_config::access::Who;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::c2s::{Admitted, BindRequest, Sasl2Request};
use nightjar_xmpp::{Condition, IqType, Stanza, StanzaError, ns};

use super::answers::grant;
use super::connection::Connection;

/// Opens the session of an authenticated client.
pub(super) async fn bind(
    connection: &mut Connection,
    resource: Option<Text>,
) -> Result<Arc<Session>, StanzaError> {
    let host = connection.host.clone().ok_or_else(StanzaError::internal_server_error)?;
    let account = connection.account.clone().ok_or_else(StanzaError::not_authorized)?;
    let request = OpenRequest {
        sessions_max: sessions_max(&host, &account),
        conflict: conflict(&host),
        host,
        account,
        resource,
        connection: connection.describe(),
        mailbox_capacity: connection.shared.options.mailbox_capacity,
    };
    let session = connection.shared.kernel.open_session(request).await?;
    tracing::info!(peer = connection.peer_name(), session = %session.jid, "a session was opened");
    connection.session = Some(Arc::clone(&session));
    Ok(session)
}

fn sessions_max(host: &Host, account: &Jid) -> Option<u64> {
    let rule = nightjar_config::access::ShaperRef::Named(Text::new("max_user_sessions"));
    host.config().access.shaper_value(&rule, &Who::jid(account)).number()
}

fn conflict(host: &Host) -> ResourceConflict {
    match host.config().options.text("resource_conflict").as_str() {
        "setresource" => ResourceConflict::SetResource,
        "closenew" => ResourceConflict::CloseNew,
        _ => ResourceConflict::CloseOld,
    }
}

/// XEP-0386: the session with what is to be on from its first moment.
pub(super) async fn bind2(
    connection: &mut Connection,
    request: &Sasl2Request,
    wanted: &BindRequest,
) -> Option<Admitted> {
    let resource = resource(connection, request, wanted);
    let session = bind(connection, Some(resource)).await.ok()?;
    let kernel = Arc::clone(&connection.shared.kernel);
    if wanted.carbons {
        enable_carbons(&session).await;
    }
    if let Some(active) = wanted.active {
        kernel.client_state(&session, active).await;
    }
    let sm = wanted.sm.as_ref().map(|enable| {
        let grant = grant(&kernel, &session.host, enable).ok_or(Condition::FeatureNotImplemented)?;
        connection.shared.resumable.add(grant.id.as_ref(), &session, grant.max_seconds);
        Ok(grant)
    });
    Some(Admitted::Bound { jid: session.jid.clone(), sm, extra: Vec::new() })
}

/// §4: the client's tag, if no other client of the account has it; otherwise with something that stays the same for
/// its installation, or is random.
fn resource(connection: &Connection, request: &Sasl2Request, wanted: &BindRequest) -> Text {
    let kernel = &connection.shared.kernel;
    let tag = wanted.tag.clone().filter(|tag| !tag.is_empty());
    let is_free = |tag: &Text| {
        let full = connection.account.as_ref().and_then(|account| account.with_resource(tag).ok());
        full.is_some_and(|full| kernel.sessions.find(&full).is_none())
    };
    let unique = match request.user_agent.as_ref().and_then(|agent| agent.id.as_ref()) {
        Some(id) => Text::from(stable(id)),
        None => kernel.random.identifier().slice(0..8),
    };
    match tag {
        Some(tag) if is_free(&tag) => tag,
        Some(tag) => Text::from(format!("{tag}.{unique}")),
        None => unique,
    }
}

/// A short hash: the identifier itself is nobody else's business (XEP-0388 §2.3).
fn stable(id: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// As if the client had sent the request by which carbons are turned on (XEP-0280 §4).
async fn enable_carbons(session: &Arc<Session>) {
    let host = &session.host;
    let enable = Stanza::iq(IqType::Set, "carbons")
        .with_from(&session.jid)
        .with_to(&session.jid.bare())
        .with_child(Text::from(format!("<enable xmlns='{}'/>", ns::CARBONS)));
    host.iq.answer(host, IqTarget::Account, Some(Arc::clone(session)), None, enable).await;
}
