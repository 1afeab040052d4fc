//! Flexible offline message retrieval (XEP-0013).

use std::sync::Arc;

use nightjar_base::Session;
use nightjar_base::disco::{DiscoItem, Identity};
use nightjar_base::hooks::{BoxFuture, DiscoInfoQuery, DiscoItemsQuery, Flow, On, Outcome};
use nightjar_base::iq::{IqHandler, IqReply, IqRequest};
use nightjar_text::Text;
use nightjar_xmpp::forms::{DataForm, Field, FormType};
use nightjar_xmpp::{StanzaError, ns, write};

use super::deliver::Manual;
use super::{Offline, storage};
use crate::support::storage_error;

/// Messages listed at most.
const LISTED_MAX: i64 = 10_000;

fn is_own_node(node: &str, from: &nightjar_jid::Jid, to: &nightjar_jid::Jid) -> bool {
    node == ns::OFFLINE && from.bare_str() == to.as_str()
}

impl On<DiscoInfoQuery> for Offline {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        if !is_own_node(&event.node, &event.from, &event.to) {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            let user = event.to.local().unwrap_or_default();
            match storage::count(&event.host.store, user).await {
                Ok(count) => {
                    event.known = true;
                    event.info.identities.push(Identity {
                        category: Text::new("automation"),
                        kind: Text::new("message-list"),
                        name: Text::empty(),
                    });
                    event.info.features.push(Text::new(ns::OFFLINE));
                    let form = DataForm::typed(FormType::Result, ns::OFFLINE);
                    event.info.forms.push(form.with(Field::plain("number_of_messages", &count.to_string())));
                    Flow::Continue
                }
                Err(error) => Flow::Refuse(storage_error(&error)),
            }
        }))
    }
}

impl On<DiscoItemsQuery> for Offline {
    fn on<'a>(&'a self, event: &'a mut DiscoItemsQuery) -> Outcome<'a> {
        if !is_own_node(&event.node, &event.from, &event.to) {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            let user = event.to.local().unwrap_or_default();
            // §2.1: a client that asks wants to choose.
            if let Some(kernel) = self.kernel.upgrade()
                && let Some(session) = kernel.sessions.find(&event.from)
            {
                session.set_extension(Arc::new(Manual));
            }
            match storage::page(&event.host.store, user, 0, LISTED_MAX).await {
                Ok(kept) => {
                    event.known = true;
                    event.items.extend(kept.into_iter().map(|kept| {
                        let from = kept.stanza.and_then(|stanza| stanza.from);
                        let name = from.map(|from| Text::new(from.as_str())).unwrap_or_default();
                        DiscoItem { jid: event.to.clone(), node: node_of(kept.seq), name }
                    }));
                    Flow::Continue
                }
                Err(error) => Flow::Refuse(storage_error(&error)),
            }
        }))
    }
}

/// Nodes sort as the messages do.
fn node_of(seq: i64) -> Text {
    Text::from(format!("{seq:020}"))
}

impl IqHandler for Offline {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            let session = request.session.clone().ok_or_else(StanzaError::not_allowed)?;
            let mut items = Vec::new();
            let (mut fetch, mut purge) = (false, false);
            for child in request.query.children() {
                match child.name() {
                    "item" => items.push((
                        child.attr("action").unwrap_or_default().into_owned(),
                        child.attr("node").and_then(|node| node.parse::<i64>().ok()),
                    )),
                    "fetch" => fetch = true,
                    "purge" => purge = true,
                    _ => return Err(StanzaError::bad_request()),
                }
            }
            let user = request.to.local().unwrap_or_default();
            if fetch && !request.is_set {
                self.view_all(&request, &session, user).await?;
            }
            if purge && request.is_set {
                storage::delete_all(&request.host.store, user)
                    .await
                    .map_err(|error| storage_error(&error))?;
            }
            for (action, seq) in items {
                let seq = seq.ok_or_else(StanzaError::item_not_found)?;
                match (action.as_str(), request.is_set) {
                    ("view", false) => self.view(&request, &session, user, seq).await?,
                    ("remove", true) => {
                        let removed = storage::delete_one(&request.host.store, user, seq).await;
                        if !removed.map_err(|error| storage_error(&error))? {
                            return Err(StanzaError::item_not_found());
                        }
                    }
                    _ => return Err(StanzaError::bad_request()),
                }
            }
            Ok(None)
        })
    }
}

impl Offline {
    async fn view(
        &self,
        request: &IqRequest,
        session: &Session,
        user: &str,
        seq: i64,
    ) -> Result<(), StanzaError> {
        let kept =
            storage::one(&request.host.store, user, seq).await.map_err(|error| storage_error(&error))?;
        send(session, kept.ok_or_else(StanzaError::item_not_found)?);
        Ok(())
    }

    async fn view_all(&self, request: &IqRequest, session: &Session, user: &str) -> Result<(), StanzaError> {
        let kept = storage::page(&request.host.store, user, 0, LISTED_MAX).await;
        for kept in kept.map_err(|error| storage_error(&error))? {
            send(session, kept);
        }
        Ok(())
    }
}

/// A message with the node it came from, so that the client can remove it (§2.3).
fn send(session: &Session, kept: storage::Kept) {
    let Some(mut stanza) = kept.stanza else { return };
    let mut offline = format!("<offline xmlns='{}'><item", ns::OFFLINE);
    write::attribute(&mut offline, "node", &node_of(kept.seq));
    offline.push_str("/></offline>");
    stanza.append(Text::from(offline));
    // A full mailbox ends the session; the message stays where it is.
    let _ = session.deliver(stanza);
}
