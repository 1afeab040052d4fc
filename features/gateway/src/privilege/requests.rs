//! Requests of components: for rosters (§5) and in accounts' names (§8).

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::hooks::{ComponentSend, Flow, Outcome};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{IqType, Stanza, StanzaError, StanzaType, forwarded, ns};

use super::Privileges;
use super::grants::Grant;
use crate::support::{payload_of, stanza_in};

/// How long an answer to a request in an account's name is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

impl Privileges {
    pub(super) fn request<'a>(&'a self, event: &'a ComponentSend, kind: IqType) -> Outcome<'a> {
        if !matches!(kind, IqType::Get | IqType::Set) {
            return Outcome::CONTINUE;
        }
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        let Some(to) = event.stanza.to.clone() else { return Outcome::CONTINUE };
        let grant = self.grant_for(event);
        if let Some(privileged) = event.stanza.child("privileged_iq", ns::PRIVILEGE) {
            let granted = grant.ok_or_else(StanzaError::forbidden);
            return match granted.and_then(|grant| enclosed(&grant, &to, kind, &privileged.parse())) {
                Ok(inner) => {
                    let (host, outer) = (Arc::clone(&event.host), event.stanza.clone());
                    // Its answer may need this very component, so nobody waits here.
                    tokio::spawn(async move { in_name_of(&kernel, &host, to, outer, inner).await });
                    Outcome::Now(Flow::Stop)
                }
                Err(error) => {
                    tracing::info!(component = %event.component, ?error, "a privileged request was refused");
                    Outcome::Now(Flow::Refuse(error))
                }
            };
        }
        let is_roster = to.local().is_some() && event.stanza.has_child("query", ns::ROSTER);
        if is_roster && grant.is_some_and(|grant| grant.roster.allows(kind)) {
            return Outcome::Later(Box::pin(async move {
                roster(&kernel, &event.host, to, event.stanza.clone()).await;
                Flow::Stop
            }));
        }
        Outcome::CONTINUE
    }
}

/// The request that goes out in the account's name, if the grant covers it.
fn enclosed(grant: &Grant, account: &Jid, kind: IqType, privileged: &Element) -> Result<Stanza, StanzaError> {
    let inner = stanza_in(privileged.root())?;
    if inner.kind != StanzaType::Iq(kind) {
        return Err(StanzaError::bad_request().with_text("The types of the two requests differ"));
    }
    if inner.from.as_ref().is_some_and(|from| from != account) {
        return Err(StanzaError::forbidden().with_text("The enclosed request is in another account's name"));
    }
    let allows = |namespace: &str| grant.requests(namespace).allows(kind);
    if !inner.children().next().is_some_and(|child| allows(child.ns())) {
        return Err(StanzaError::forbidden().with_text("Insufficient privilege"));
    }
    Ok(inner)
}

/// Sends a request in the account's name and tells the component what comes back.
async fn in_name_of(kernel: &Arc<Kernel>, host: &Arc<Host>, account: Jid, outer: Stanza, inner: Stanza) {
    let (StanzaType::Iq(kind), Some(payload)) = (inner.kind, payload_of(&inner)) else { return };
    if !exists(host, &account).await {
        return kernel.bounce(&outer, &StanzaError::item_not_found()).await;
    }
    let to = inner.to.clone().unwrap_or_else(|| account.clone());
    let Some(mut answer) = kernel.request(host, &account, &to, kind, payload, ANSWER_WITHIN).await else {
        return kernel.bounce(&outer, &StanzaError::remote_server_timeout()).await;
    };
    answer.id = inner.id;
    let forwarded = forwarded::to_xml(&answer, None);
    let xml = format!("<privilege xmlns='{}'>{forwarded}</privilege>", ns::PRIVILEGE);
    kernel.route_boxed(outer.result_reply(Some(Text::from(xml)))).await;
}

/// Answers a roster request of a component as if the account itself had made it.
async fn roster(kernel: &Arc<Kernel>, host: &Arc<Host>, account: Jid, mut stanza: Stanza) {
    if !exists(host, &account).await {
        return kernel.bounce(&stanza, &StanzaError::item_not_found()).await;
    }
    let component = stanza.from.replace(account);
    if let Some(mut reply) = host.iq.answer(host, IqTarget::Account, None, None, stanza).await {
        reply.to = component;
        kernel.route_boxed(reply).await;
    }
}

/// Whether there is such an account; the host itself counts as one.
async fn exists(host: &Host, account: &Jid) -> bool {
    match account.local() {
        Some(user) => host.accounts.exists(user).await.unwrap_or(false),
        None => true,
    }
}
