//! Who answers which IQ request: handlers by namespace and by what is asked.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{IqType, Stanza, StanzaError, StanzaType};

use crate::guard::Guard;
use crate::hooks::BoxFuture;
use crate::host::Host;
use crate::session::Session;

/// What kind of address a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IqTarget {
    /// A bare account; the server answers in its name.
    Account,
    /// The host itself.
    Host,
    /// The stream's own server, before authentication (XEP-0077 §3.1).
    Stream,
}

/// A request (type `get` or `set`) with its one child element.
pub struct IqRequest {
    /// The host that answers.
    pub host: Arc<Host>,
    /// Who asks.
    pub from: Jid,
    /// Who is asked: the host, or a bare account.
    pub to: Jid,
    /// The asking session, if it is one of ours.
    pub session: Option<Arc<Session>>,
    /// The asker's network address, where known.
    pub ip: Option<IpAddr>,
    /// Whether it is a `set`.
    pub is_set: bool,
    /// The payload.
    pub query: Element,
    /// The whole stanza.
    pub stanza: Stanza,
}

impl IqRequest {
    /// Whether the asker is the very account that is asked.
    pub fn is_own(&self) -> bool {
        self.from.bare_str() == self.to.as_str()
    }
}

/// The payload of the result (one element, or nothing), or the error.
pub type IqReply = Result<Option<Text>, StanzaError>;

/// Answers requests of one namespace.
pub trait IqHandler: Send + Sync {
    /// The reply's payload.
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply>;

    /// Whether the reply waits for somebody else, such as a component. It is then made in a task of its own, and the
    /// asker may send and get other stanzas meanwhile.
    fn is_slow(&self) -> bool {
        false
    }
}

struct Entry {
    number: u64,
    target: IqTarget,
    namespace: Text,
    handler: Arc<dyn IqHandler>,
}

impl Clone for Entry {
    fn clone(&self) -> Self {
        Self { handler: Arc::clone(&self.handler), namespace: self.namespace.clone(), ..*self }
    }
}

/// The handlers of one host.
#[derive(Default)]
pub struct IqTable {
    entries: ArcSwap<Vec<Entry>>,
}

impl IqTable {
    /// Adds a handler; a later one for the same namespace takes its place. Dropping the guard removes it.
    pub fn add(
        self: &Arc<Self>,
        target: IqTarget,
        namespace: impl Into<Text>,
        handler: Arc<dyn IqHandler>,
    ) -> Guard {
        let namespace = namespace.into();
        let number = self.entries.load().iter().map(|entry| entry.number + 1).max().unwrap_or(0);
        self.entries.rcu(|old| {
            let mut all = Vec::clone(old);
            all.push(Entry { number, target, namespace: namespace.clone(), handler: Arc::clone(&handler) });
            all
        });
        let table = Arc::clone(self);
        Guard::new(move || {
            table.entries.rcu(|old| {
                let mut all = Vec::clone(old);
                all.retain(|entry| entry.number != number);
                all
            });
        })
    }

    /// The handler for a namespace.
    pub fn find(&self, target: IqTarget, namespace: &str) -> Option<Arc<dyn IqHandler>> {
        let entries = self.entries.load();
        let mut all = entries.iter().rev();
        all.find(|entry| entry.target == target && entry.namespace.as_str() == namespace)
            .map(|entry| Arc::clone(&entry.handler))
    }

    /// Answers a request (`get` or `set`) and returns the reply, addressed back to the asker.
    pub async fn answer(
        &self,
        host: &Arc<Host>,
        target: IqTarget,
        session: Option<Arc<Session>>,
        ip: Option<IpAddr>,
        stanza: Stanza,
    ) -> Option<Stanza> {
        let reply = self.dispatch(host, target, session, ip, &stanza).await;
        match reply {
            Ok(payload) => Some(stanza.result_reply(payload)),
            Err(error) => stanza.error_reply(&error),
        }
    }

    async fn dispatch(
        &self,
        host: &Arc<Host>,
        target: IqTarget,
        session: Option<Arc<Session>>,
        ip: Option<IpAddr>,
        stanza: &Stanza,
    ) -> IqReply {
        let child = stanza.children().next().ok_or_else(StanzaError::bad_request)?;
        let handler = self.find(target, child.ns()).ok_or_else(StanzaError::service_unavailable)?;
        let query = child.parse();
        let domain = || host.jid.clone();
        let request = IqRequest {
            host: Arc::clone(host),
            from: stanza.from.clone().unwrap_or_else(domain),
            to: stanza.to.clone().unwrap_or_else(domain),
            ip: ip.or_else(|| session.as_ref().and_then(|session| session.connection().ip)),
            session,
            is_set: stanza.kind == StanzaType::Iq(IqType::Set),
            query,
            stanza: stanza.clone(),
        };
        // A feature's bug ends one request, never the session: the panic is caught here.
        crate::catch::caught(handler.handle(request)).await.unwrap_or_else(|()| {
            tracing::error!(host = %host.name, namespace = %child.ns(), "a request handler panicked");
            Err(StanzaError::internal_server_error())
        })
    }
}

/// Refuses a `get` where only a `set` makes sense.
pub fn require_set(request: &IqRequest) -> Result<(), StanzaError> {
    if request.is_set { Ok(()) } else { Err(StanzaError::not_allowed()) }
}

/// Refuses a `set` where only a `get` makes sense.
pub fn require_get(request: &IqRequest) -> Result<(), StanzaError> {
    if request.is_set { Err(StanzaError::not_allowed()) } else { Ok(()) }
}
