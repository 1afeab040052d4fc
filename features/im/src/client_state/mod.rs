//! mod_client_state: an inactive client isn't woken for what can wait (XEP-0352).

use std::sync::Arc;

use nightjar_base::hooks::{BoxFuture, ClientState, Flow, On, Outcome, Stage, UserReceive};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, Stanza, StanzaType, delay::Delay, ns};
use parking_lot::Mutex;

#[cfg(test)]
mod tests;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_client_state",
    doc: "Holds back what an inactive client doesn't need now (XEP-0352).",
    options: &[
        OptionSpec {
            name: "queue_presence",
            kind: "bool",
            default: "true",
            doc: "Whether only the newest presence of each sender is sent, and later.",
        },
        OptionSpec {
            name: "queue_chat_states",
            kind: "bool",
            default: "true",
            doc: "Whether chat states without a message are sent later.",
        },
        OptionSpec {
            name: "queue_pep",
            kind: "bool",
            default: "true",
            doc: "Whether only the newest personal event of each sender and node is sent, and later.",
        },
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let option = |name| context.options.bool(name);
        let filter = Arc::new(Filter {
            presence: option("queue_presence"),
            chat_states: option("queue_chat_states"),
            pep: option("queue_pep"),
            clock: Arc::clone(&context.kernel),
        });
        let mut registration = context.registration();
        registration.stream_feature("<csi xmlns='urn:xmpp:csi:0'/>", true);
        registration.on::<ClientState>(Stage::Observe, Arc::clone(&filter));
        registration.on::<UserReceive>(Stage::Observe, filter);
        Ok(registration)
    })
}

struct Filter {
    presence: bool,
    chat_states: bool,
    pep: bool,
    clock: Arc<nightjar_base::Kernel>,
}

/// What is held back for an inactive client, oldest first; one stanza for each key.
#[derive(Default)]
struct Held {
    queue: Mutex<Vec<(Key, Stanza)>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    sender: Text,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Presence,
    ChatState,
    Event(Text),
}

/// Beyond this many stanzas everything is sent, so that an inactive client can't cost unbounded memory.
const HELD_MAX: usize = 100;

impl On<ClientState> for Filter {
    fn on<'a>(&'a self, event: &'a mut ClientState) -> Outcome<'a> {
        if event.active {
            if let Some(held) = event.session.extension::<Held>() {
                event.flush.extend(held.queue.lock().drain(..).map(|(_, stanza)| stanza));
            }
            event.session.remove_extension::<Held>();
        } else if event.session.extension::<Held>().is_none() {
            event.session.set_extension(Arc::new(Held::default()));
        }
        Outcome::CONTINUE
    }
}

impl On<UserReceive> for Filter {
    fn on<'a>(&'a self, event: &'a mut UserReceive) -> Outcome<'a> {
        let Some(held) = event.session.extension::<Held>() else { return Outcome::CONTINUE };
        let key = self.classify(&event.stanza);
        let mut queue = held.queue.lock();
        match key {
            Some(key) if queue.len() < HELD_MAX => {
                let mut stanza = event.stanza.clone();
                if stanza.child("delay", ns::DELAY).is_none() {
                    let now = self.clock.clock.unix_micros();
                    stanza.append(Delay::new(&event.session.host.jid, now).to_xml());
                }
                queue.retain(|(other, _)| *other != key);
                queue.push((key, stanza));
                Outcome::Now(Flow::Stop)
            }
            // What matters wakes the client; what its sender said before goes first, in order. The rest goes on waiting.
            _ => {
                let full = queue.len() >= HELD_MAX;
                let sender = event.stanza.from.as_ref().map(|from| Text::new(from.bare_str()));
                let goes =
                    |key: &Key| full || sender.as_ref().is_some_and(|sender| is_of(&key.sender, sender));
                let (go, stay) = queue.drain(..).partition(|(key, _)| goes(key));
                *queue = stay;
                let go: Vec<(Key, Stanza)> = go;
                event.before.extend(go.into_iter().map(|(_, stanza)| stanza));
                Outcome::CONTINUE
            }
        }
    }
}

/// Whether an address is the bare address or one of its resources.
fn is_of(full: &str, bare: &str) -> bool {
    full.strip_prefix(bare).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Filter {
    /// The key of a stanza that can wait; `None` for all others.
    fn classify(&self, stanza: &Stanza) -> Option<Key> {
        let from = stanza.from.as_ref()?;
        let key = |what| Some(Key { sender: Text::new(from.as_str()), what });
        match stanza.kind {
            StanzaType::Presence(PresenceType::Available | PresenceType::Unavailable) if self.presence => {
                key(What::Presence)
            }
            StanzaType::Message(_) if self.pep && stanza.has_child("event", ns::PUBSUB_EVENT) => {
                key(What::Event(event_node(stanza)?))
            }
            StanzaType::Message(_) if self.chat_states && is_only_chat_state(stanza) => key(What::ChatState),
            _ => None,
        }
    }
}

/// The node of a personal event; `None` for other events, which don't supersede each other.
fn event_node(stanza: &Stanza) -> Option<Text> {
    // PEP services are bare accounts; rooms' and services' events come from elsewhere and matter.
    let from = stanza.from.as_ref()?;
    from.local()?;
    let event = stanza.child("event", ns::PUBSUB_EVENT)?.parse();
    let items = event.child("items", ns::PUBSUB_EVENT)?;
    items.attr("node").map(|node| Text::new(&node))
}

fn is_only_chat_state(stanza: &Stanza) -> bool {
    let mut states = 0;
    for piece in stanza.children() {
        match piece.ns() {
            ns::CHAT_STATES => states += 1,
            ns::DELAY | ns::HINTS | ns::STANZA_ID => {}
            _ if piece.is("thread", ns::CLIENT) => {}
            _ => return false,
        }
    }
    states > 0
}
