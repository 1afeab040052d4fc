//! One bound resource as the rest of the server sees it.

use std::any::{Any, TypeId};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use nightjar_jid::Jid;
use nightjar_store::Ticket;
use nightjar_text::Text;
use nightjar_xmpp::{Stanza, StreamErrorCondition};
use parking_lot::Mutex;

use crate::host::Host;
use crate::mailbox::{Mailbox, Refused};

/// How a client is connected, for the administrator's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// ejabberd's word for it: `c2s`, `c2s_tls`, `http_bind`, `websocket`.
    pub kind: &'static str,
    /// The client's address; absent for UNIX sockets.
    pub ip: Option<IpAddr>,
    /// The client's port, or 0.
    pub port: u16,
    /// Whether the stream is encrypted.
    pub tls: bool,
    /// The SASL mechanism that authenticated it.
    pub mechanism: Text,
}

/// What a session's mailbox takes.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are stanzas; a box would cost each an allocation")]
pub enum Delivery {
    /// A stanza for the client.
    Stanza(Stanza),
    /// Something for the session itself.
    Control(Control),
}

/// Orders to a session.
pub enum Control {
    /// Close the stream with this error and end the session.
    End {
        /// The stream error.
        condition: StreamErrorCondition,
        /// Its text.
        text: Option<Text>,
    },
    /// Something between drivers, such as handing a stream over to the connection that resumes it.
    Driver(Box<dyn Any + Send>),
}

impl std::fmt::Debug for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Control::End { condition, .. } => write!(formatter, "End({condition:?})"),
            Control::Driver(_) => formatter.write_str("Driver"),
        }
    }
}

#[derive(Default)]
struct PresenceState {
    /// The last available presence without `to`; none while unavailable.
    current: Option<Stanza>,
    /// Entities that got directed presence and must learn when this resource goes (RFC 6121 §4.6).
    directed: Vec<Jid>,
}

/// One feature's state in a session, found by its type.
type Extension = (TypeId, Arc<dyn Any + Send + Sync>);

/// A bound resource. The driver that owns the socket reads the mailbox; everybody else writes to it.
pub struct Session {
    /// Unique in this server's life; a later session has a larger one.
    pub id: u64,
    /// The full address.
    pub jid: Jid,
    /// Its host.
    pub host: Arc<Host>,
    /// How it is connected; changes when a stream is resumed.
    connection: Mutex<Arc<Connection>>,
    /// When it was opened, in microseconds since the UNIX epoch.
    pub opened_micros: i64,
    /// Deliveries for it.
    pub mailbox: Mailbox<Delivery>,
    available: AtomicBool,
    /// Whether the client asked for its roster (an interested resource, RFC 6121 §2.1.6).
    interested: AtomicBool,
    detached: AtomicBool,
    priority: AtomicI64,
    /// Monotonic milliseconds of the last stanza from the client.
    active_ms: AtomicU64,
    presence: Mutex<PresenceState>,
    extensions: Mutex<Vec<Extension>>,
    /// Writes that stanzas of this client caused and that are not durable yet.
    promises: Mutex<Vec<Ticket>>,
}

/// Directed presence is remembered for at most this many entities.
const DIRECTED_MAX: usize = 4096;

impl Session {
    pub(crate) fn new(
        id: u64,
        jid: Jid,
        host: Arc<Host>,
        connection: Connection,
        opened_micros: i64,
        capacity: usize,
    ) -> Self {
        Self {
            id,
            jid,
            host,
            connection: Mutex::new(Arc::new(connection)),
            opened_micros,
            mailbox: Mailbox::new(capacity),
            available: AtomicBool::new(false),
            interested: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            priority: AtomicI64::new(0),
            active_ms: AtomicU64::new(0),
            presence: Mutex::default(),
            extensions: Mutex::default(),
            promises: Mutex::default(),
        }
    }

    /// How the client is connected now.
    pub fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection.lock())
    }

    /// Notes that another connection carries this session from now on.
    pub fn set_connection(&self, connection: Connection) {
        *self.connection.lock() = Arc::new(connection);
    }

    /// Puts a stanza into the mailbox.
    ///
    /// # Errors
    /// The stanza comes back when the mailbox is full or closed.
    pub fn deliver(&self, stanza: Stanza) -> Result<(), Refused<Stanza>> {
        self.mailbox.push(Delivery::Stanza(stanza)).map_err(|refused| match refused {
            Refused::Full(Delivery::Stanza(stanza)) => Refused::Full(stanza),
            Refused::Closed(Delivery::Stanza(stanza)) => Refused::Closed(stanza),
            Refused::Full(Delivery::Control(_)) | Refused::Closed(Delivery::Control(_)) => {
                unreachable!("a stanza was pushed")
            }
        })
    }

    /// Tells the session to end with a stream error; false if it is gone already.
    pub fn end(&self, condition: StreamErrorCondition, text: Option<&str>) -> bool {
        let text = text.map(Text::new);
        self.mailbox.push_urgent(Delivery::Control(Control::End { condition, text })).is_ok()
    }

    /// Whether the client sent available presence.
    pub fn is_available(&self) -> bool {
        self.available.load(Ordering::Acquire)
    }

    /// Whether the client asked for its roster and so gets roster pushes.
    pub fn is_interested(&self) -> bool {
        self.interested.load(Ordering::Acquire)
    }

    /// Notes that the client asked for its roster.
    pub fn set_interested(&self) {
        self.interested.store(true, Ordering::Release);
    }

    /// Whether the session has lost its connection and waits to be resumed.
    pub fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }

    /// Notes whether the session has a connection.
    pub fn set_detached(&self, detached: bool) {
        self.detached.store(detached, Ordering::Release);
    }

    /// Presence priority, −128 to 127 (RFC 6121 §4.7.2.3); none while unavailable.
    pub fn priority(&self) -> Option<i8> {
        self.is_available().then(|| i8::try_from(self.priority.load(Ordering::Relaxed)).unwrap_or(0))
    }

    /// The last available presence; none while unavailable.
    pub fn presence(&self) -> Option<Stanza> {
        self.presence.lock().current.clone()
    }

    /// Replaces the presence; returns the one before.
    pub fn set_presence(&self, presence: Option<(Stanza, i8)>) -> Option<Stanza> {
        let mut state = self.presence.lock();
        self.available.store(presence.is_some(), Ordering::Release);
        let stanza = presence.map(|(stanza, priority)| {
            self.priority.store(i64::from(priority), Ordering::Relaxed);
            stanza
        });
        std::mem::replace(&mut state.current, stanza)
    }

    /// Remembers that `to` got directed presence.
    pub fn remember_directed(&self, to: &Jid) {
        let mut state = self.presence.lock();
        if state.directed.len() < DIRECTED_MAX && !state.directed.contains(to) {
            state.directed.push(to.detach());
        }
    }

    /// Forgets that `to` got directed presence.
    pub fn forget_directed(&self, to: &Jid) {
        self.presence.lock().directed.retain(|other| other != to);
    }

    /// Takes the list of entities that got directed presence.
    pub fn take_directed(&self) -> Vec<Jid> {
        std::mem::take(&mut self.presence.lock().directed)
    }

    /// Whether `to` (or its bare address) got directed presence.
    pub fn has_directed(&self, to: &Jid) -> bool {
        self.presence.lock().directed.iter().any(|other| other == to || other.as_str() == to.bare_str())
    }

    /// Whether an address with this bare one got directed presence, such as a room by an occupant of it.
    pub fn has_directed_within(&self, bare: &str) -> bool {
        self.presence.lock().directed.iter().any(|other| other.bare_str() == bare)
    }

    /// Notes the time of the client's last stanza, in monotonic milliseconds.
    pub fn touch(&self, monotonic_ms: u64) {
        self.active_ms.store(monotonic_ms, Ordering::Relaxed);
    }

    /// Monotonic milliseconds of the client's last stanza.
    pub fn active_ms(&self) -> u64 {
        self.active_ms.load(Ordering::Relaxed)
    }

    /// A feature's state, found by its type.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let found = {
            let extensions = self.extensions.lock();
            extensions.iter().find(|(id, _)| *id == TypeId::of::<T>()).map(|(_, value)| Arc::clone(value))
        };
        found.and_then(|value| value.downcast().ok())
    }

    /// Sets a feature's state.
    pub fn set_extension<T: Any + Send + Sync>(&self, value: Arc<T>) {
        let mut extensions = self.extensions.lock();
        extensions.retain(|(id, _)| *id != TypeId::of::<T>());
        extensions.push((TypeId::of::<T>(), value));
    }

    /// A feature's state, made on first use.
    pub fn extension_or_default<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        if let Some(found) = self.extension() {
            return found;
        }
        let made = Arc::new(T::default());
        self.set_extension(Arc::clone(&made));
        made
    }

    /// Notes a write that a stanza of this client caused: an acknowledgement to the client waits for it.
    pub fn promise(&self, ticket: Ticket) {
        self.promises.lock().push(ticket);
    }

    /// Takes the writes that were noted, if there are at least `least`.
    pub fn take_promises(&self, least: usize) -> Vec<Ticket> {
        let mut promises = self.promises.lock();
        if promises.len() < least { Vec::new() } else { std::mem::take(&mut *promises) }
    }

    /// Removes a feature's state.
    pub fn remove_extension<T: Any + Send + Sync>(&self) {
        self.extensions.lock().retain(|(id, _)| *id != TypeId::of::<T>());
    }
}
