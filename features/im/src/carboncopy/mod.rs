//! mod_carboncopy: every client of an account sees its conversations (XEP-0280).

use std::sync::Arc;

use nightjar_base::hooks::{AccountReceive, BoxFuture, Flow, MessageDelivered, On, Outcome, Stage, UserSend};
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_set};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration, Session};
use nightjar_config::ModuleSpec;
use nightjar_text::Text;
use nightjar_xmpp::hints::Hints;
use nightjar_xmpp::{MessageType, Stanza, StanzaError, StanzaType, forwarded, ns};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_carboncopy",
    doc: "Copies of messages for an account's other clients (XEP-0280).",
    options: &[],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let carbons = Arc::new(Carbons { kernel: Arc::downgrade(&context.kernel) });
        let mut registration = context.registration();
        registration.iq(IqTarget::Account, ns::CARBONS, Arc::clone(&carbons));
        registration.disco(IqTarget::Host, ns::CARBONS);
        registration.disco(IqTarget::Host, ns::CARBONS_RULES);
        registration.on::<UserSend>(Stage::Copy, Arc::clone(&carbons));
        registration.on::<AccountReceive>(Stage::Rewrite, Arc::clone(&carbons));
        registration.on::<MessageDelivered>(Stage::Copy, carbons);
        Ok(registration)
    })
}

/// In a session's extensions: it wants copies.
struct Enabled;

struct Carbons {
    kernel: std::sync::Weak<Kernel>,
}

impl IqHandler for Carbons {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_set(&request)?;
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            let session = request.session.as_ref().ok_or_else(StanzaError::not_allowed)?;
            match request.query.name() {
                "enable" => session.set_extension(Arc::new(Enabled)),
                "disable" => session.remove_extension::<Enabled>(),
                _ => return Err(StanzaError::bad_request()),
            }
            Ok(None)
        })
    }
}

/// Turns carbons on for a session that asked while it was bound (XEP-0386 §3).
pub fn enable(session: &Session) {
    session.set_extension(Arc::new(Enabled));
}

impl On<UserSend> for Carbons {
    fn on<'a>(&'a self, event: &'a mut UserSend) -> Outcome<'a> {
        let StanzaType::Message(_) = event.stanza.kind else { return Outcome::CONTINUE };
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        if is_eligible(&event.stanza) {
            for other in kernel.sessions.resources(&event.session.jid) {
                if other.id != event.session.id && other.extension::<Enabled>().is_some() {
                    copy(&other, &event.stanza, "sent");
                }
            }
        }
        // §9: it has done its work and is nobody else's business.
        event.stanza.remove(|piece| piece.is("private", ns::CARBONS));
        Outcome::CONTINUE
    }
}

impl On<AccountReceive> for Carbons {
    fn on<'a>(&'a self, event: &'a mut AccountReceive) -> Outcome<'a> {
        // §11: only the account's own server makes carbons; what claims to be one is forged.
        let own = event.stanza.from.as_ref().is_some_and(|from| from.bare_str() == event.account.as_str());
        if !own {
            event
                .stanza
                .remove(|piece| piece.ns() == ns::CARBONS && matches!(piece.name(), "received" | "sent"));
        }
        Outcome::Now(Flow::Continue)
    }
}

impl On<MessageDelivered> for Carbons {
    fn on<'a>(&'a self, event: &'a mut MessageDelivered) -> Outcome<'a> {
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        if !is_eligible(&event.stanza) || is_private_room_message(&event.stanza) {
            return Outcome::CONTINUE;
        }
        for other in kernel.sessions.resources(&event.account) {
            let got_it = event.receivers.iter().any(|receiver| receiver.id == other.id);
            if !got_it && other.extension::<Enabled>().is_some() {
                copy(&other, &event.stanza, "received");
            }
        }
        Outcome::CONTINUE
    }
}

/// Whether a message is one that people would miss on their other clients (§6.1, urn:xmpp:carbons:rules:0).
fn is_eligible(stanza: &Stanza) -> bool {
    let StanzaType::Message(kind) = stanza.kind else { return false };
    if Hints::of(stanza).no_copy || stanza.has_child("private", ns::CARBONS) {
        return false;
    }
    if stanza.children().any(|piece| piece.ns() == ns::CARBONS) {
        return false;
    }
    match kind {
        MessageType::Chat => true,
        MessageType::Normal => stanza.children().any(|piece| {
            piece.is("body", ns::CLIENT)
                || matches!(
                    piece.ns(),
                    ns::RECEIPTS | ns::CHAT_STATES | ns::CHAT_MARKERS | ns::JINGLE_MESSAGE
                )
        }),
        MessageType::Error => false,
        MessageType::Groupchat | MessageType::Headline => false,
    }
}

/// A private message through a room reaches every client that is in the room by itself.
fn is_private_room_message(stanza: &Stanza) -> bool {
    stanza.child("x", ns::MUC_USER).is_some_and(|x| x.parse().child("invite", ns::MUC_USER).is_none())
}

fn copy(session: &Arc<Session>, stanza: &Stanza, name: &str) {
    let StanzaType::Message(kind) = stanza.kind else { return };
    let forwarded = forwarded::to_xml(stanza, None);
    let xml = format!("<{name} xmlns='{}'>{forwarded}</{name}>", ns::CARBONS);
    let mut carbon = Stanza::message(kind)
        .with_from(&session.jid.bare())
        .with_to(&session.jid)
        .with_child(Text::from(xml));
    carbon.id.clone_from(&stanza.id);
    // A full mailbox ends that session; the copy is in the archive.
    let _ = session.deliver(carbon);
}

#[cfg(test)]
mod tests;
