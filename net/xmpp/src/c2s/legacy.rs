//! Authentication before SASL (XEP-0078), for hosts that name mod_legacy_auth, over TLS only.

use std::sync::Arc;

use nightjar_auth::Verdict;
use nightjar_base::Host;
use nightjar_base::stream_options::LegacyAuth;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xmpp::{IqType, Stanza, StanzaError, StanzaType, StreamErrorCondition, ns};

use super::authenticate;
use super::binding::bind;
use super::connection::Connection;

/// Whether the request is one of XEP-0078 and the host takes them.
pub(super) fn is_wanted(host: &Host, stanza: &Stanza) -> bool {
    stanza.has_child("query", ns::LEGACY_AUTH) && host.get::<LegacyAuth>().is_some()
}

/// Answers the request; a `set` with the right password logs the client in and binds its resource.
pub(super) async fn answer(connection: &mut Connection, host: &Arc<Host>, stanza: &Stanza) {
    if stanza.kind != StanzaType::Iq(IqType::Set) {
        let fields = format!("<query xmlns='{}'><username/><password/><resource/></query>", ns::LEGACY_AUTH);
        return connection.stream.reply_early(&stanza.result_reply(Some(Text::from(fields))));
    }
    match log_in(connection, host, stanza).await {
        Ok(()) => connection.stream.legacy_authenticated(&stanza.result_reply(None)),
        Err(error) => {
            tracing::info!(peer = connection.peer_name(), "legacy authentication failed");
            // The password isn't sent back with the error, and one attempt a stream bounds guessing.
            let mut request = stanza.clone();
            request.remove(|_| true);
            if let Some(reply) = request.error_reply(&error) {
                connection.stream.reply_early(&reply);
            }
            connection.stream.close(StreamErrorCondition::NotAuthorized);
        }
    }
}

async fn log_in(connection: &mut Connection, host: &Arc<Host>, stanza: &Stanza) -> Result<(), StanzaError> {
    let query = stanza.child("query", ns::LEGACY_AUTH).ok_or_else(StanzaError::bad_request)?.parse();
    let field = |name: &str| query.child(name, ns::LEGACY_AUTH).map(|field| field.text().into_owned());
    // §3.2: each of them is required; a digest would need the password in the clear.
    let missing = StanzaError::not_acceptable;
    let user = field("username").ok_or_else(missing)?;
    let password = Secret::new(field("password").ok_or_else(missing)?.into_bytes());
    let resource = field("resource").filter(|resource| !resource.is_empty()).ok_or_else(missing)?;
    let account = host.account(&user).map_err(|_| StanzaError::not_authorized())?;
    match host.accounts.check_password(&user, &password).await {
        Ok(Verdict::Accepted(_)) => {}
        Ok(_) => {
            authenticate::attempted(connection, Text::from(user), false).await;
            return Err(StanzaError::not_authorized());
        }
        Err(error) => {
            tracing::warn!(%error, "a password could not be checked");
            return Err(StanzaError::internal_server_error());
        }
    }
    if authenticate::refusal(connection, host, &account).await.is_some() {
        return Err(StanzaError::not_authorized());
    }
    authenticate::attempted(connection, Text::from(user), true).await;
    connection.free_place();
    connection.account = Some(account);
    bind(connection, Some(Text::from(resource))).await.map(|_| ())
}
