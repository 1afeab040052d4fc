//! The vocabulary of events: who fires each, what a listener may change, what stopping means.
//!
//! An event is a plain value that travels through a chain of listeners ordered by [`Stage`].
//! A listener that needs no waiting answers at once and costs no allocation.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{Stanza, StanzaError};

use crate::attempts::{Attempt, Protocol};
use crate::disco::{DiscoInfo, DiscoItem};
use crate::guard::Guard;
use crate::host::Host;
use crate::session::Session;

/// When a listener runs, relative to the others of the same event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Refuses what must not pass: privacy, spam, rate.
    Screen,
    /// Changes what passes on: stripped or added elements.
    Rewrite,
    /// Writes to durable storage: archive, offline.
    Record,
    /// Sends copies elsewhere: carbons, push.
    Copy,
    /// Only looks: statistics, last activity.
    Observe,
}

/// What happens to an event after a listener.
#[derive(Debug)]
pub enum Flow {
    /// The next listener sees it.
    Continue,
    /// No further listener sees it and its default action doesn't happen; the listener has dealt with it.
    Stop,
    /// As `Stop`, and the stanza's sender is told why.
    Refuse(StanzaError),
}

/// A boxed future that may outlive its caller's stack frame.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A listener's answer: at once or later.
pub enum Outcome<'a> {
    /// The usual path; costs nothing.
    Now(Flow),
    /// For listeners that wait for storage.
    Later(BoxFuture<'a, Flow>),
}

impl Outcome<'_> {
    /// The event goes on.
    pub const CONTINUE: Self = Outcome::Now(Flow::Continue);
}

/// A listener for events of type `E`.
pub trait On<E>: Send + Sync {
    /// Sees the event, may change it, and says whether it goes on.
    fn on<'a>(&'a self, event: &'a mut E) -> Outcome<'a>;
}

/// An event type: a field of [`Hooks`].
pub trait Event: Sized + Send + 'static {
    /// Where its listeners are kept.
    fn chain(hooks: &Hooks) -> &Arc<Chain<Self>>;
}

struct Listener<E> {
    number: u64,
    stage: Stage,
    listener: Arc<dyn On<E>>,
}

impl<E> Clone for Listener<E> {
    fn clone(&self) -> Self {
        Self { number: self.number, stage: self.stage, listener: Arc::clone(&self.listener) }
    }
}

/// The listeners of one event, in order. Within a stage, in order of registration.
pub struct Chain<E> {
    listeners: ArcSwap<Vec<Listener<E>>>,
    next: AtomicU64,
}

impl<E> Default for Chain<E> {
    fn default() -> Self {
        Self { listeners: ArcSwap::from_pointee(Vec::new()), next: AtomicU64::new(0) }
    }
}

impl<E: Send + 'static> Chain<E> {
    /// Adds a listener; dropping the guard removes it.
    pub fn add(self: &Arc<Self>, stage: Stage, listener: Arc<dyn On<E>>) -> Guard {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.listeners.rcu(|old| {
            let mut all = Vec::clone(old);
            let at = all.partition_point(|other| other.stage <= stage);
            all.insert(at, Listener { number, stage, listener: Arc::clone(&listener) });
            all
        });
        let chain = Arc::clone(self);
        Guard::new(move || {
            chain.listeners.rcu(|old| {
                let mut all = Vec::clone(old);
                all.retain(|other| other.number != number);
                all
            });
        })
    }

    /// Whether anybody listens.
    pub fn is_empty(&self) -> bool {
        self.listeners.load().is_empty()
    }

    /// Passes the event through all listeners.
    pub async fn run(&self, event: &mut E) -> Flow {
        if self.is_empty() {
            return Flow::Continue;
        }
        let listeners = self.listeners.load_full();
        for entry in listeners.iter() {
            let flow = match entry.listener.on(event) {
                Outcome::Now(flow) => flow,
                Outcome::Later(future) => future.await,
            };
            if !matches!(flow, Flow::Continue) {
                return flow;
            }
        }
        Flow::Continue
    }
}

/// Which way a stanza travels, seen from the account a rule belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the account's client to somebody.
    Out,
    /// From somebody to the account.
    In,
}

/// A bound client sent a stanza; its `from` and `to` are set and checked. Fired by the session before routing.
/// Listeners may change the stanza. Stopping: it isn't routed. (ejabberd: user_send_packet)
pub struct UserSend {
    /// The sender.
    pub session: Arc<Session>,
    /// What it sent.
    pub stanza: Stanza,
}

/// A stanza is about to be written to a client. Fired by the session, for each resource it reaches.
/// Listeners may change the stanza. Stopping: this client doesn't get it, but gets `before` all the same.
/// (ejabberd: user_receive_packet)
pub struct UserReceive {
    /// The receiver.
    pub session: Arc<Session>,
    /// What it gets.
    pub stanza: Stanza,
    /// What was held back earlier and is written before it.
    pub before: Vec<Stanza>,
}

/// A client says that its user looks at it, or no longer does (XEP-0352).
pub struct ClientState {
    /// The client.
    pub session: Arc<Session>,
    /// Whether it is active.
    pub active: bool,
    /// What was held back and is written now.
    pub flush: Vec<Stanza>,
}

/// A stanza reached a local account, once, before resources are chosen. Fired by local delivery for messages
/// that are not errors. Stopping: it isn't delivered. (ejabberd: sm_receive_packet)
pub struct AccountReceive {
    /// The account's host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
    /// The message.
    pub stanza: Stanza,
}

/// A message was handed to at least one resource of a local account; fired once per message.
/// Stopping has no meaning beyond later listeners.
pub struct MessageDelivered {
    /// The account's host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
    /// The message as delivered.
    pub stanza: Stanza,
    /// The resources that got it.
    pub receivers: Vec<Arc<Session>>,
}

/// A message for a local account that no resource can take. Fired by local delivery after [`AccountReceive`].
/// Stopping: somebody took care of it; otherwise its sender gets service-unavailable. (ejabberd: offline_message_hook)
pub struct OfflineMessage {
    /// The account's host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
    /// The message.
    pub stanza: Stanza,
}

/// May this stanza pass between the account and its peer? Asked wherever a stanza enters or leaves an account.
/// `Stop` drops it silently, `Refuse` tells its sender. (ejabberd: privacy_check_packet)
pub struct PacketCheck {
    /// The account's host.
    pub host: Arc<Host>,
    /// The account whose rules apply, bare or full.
    pub account: Jid,
    /// The session whose active list applies, where there is one.
    pub session: Option<Arc<Session>>,
    /// The stanza, unchanged by listeners.
    pub stanza: Stanza,
    /// Whether the account sends or receives it.
    pub direction: Direction,
}

/// A connection to the host opens; nothing was said to it yet. Fired by whatever serves it as soon as it knows which
/// host is meant. Setting `refusal` refuses it. (ejabberd: c2s_stream_started)
pub struct ConnectionOpening {
    /// The host that is meant.
    pub host: Arc<Host>,
    /// From where; none for UNIX sockets.
    pub ip: Option<IpAddr>,
    /// Through what.
    pub protocol: Protocol,
    /// Why it may not, in a sentence for the client.
    pub refusal: Option<Text>,
}

/// Somebody tried to authenticate. Attempts that failed by the server's own fault aren't told of, nor those with a
/// certificate. Setting `refusal` ends the connection. (ejabberd: c2s_auth_result)
pub struct AuthenticationResult {
    /// The host of the account.
    pub host: Arc<Host>,
    /// Who, from where, with what result.
    pub attempt: Attempt,
    /// Why the connection is to be ended, in a sentence for the client.
    pub refusal: Option<Text>,
}

/// A resource was bound. Fired once, after it can be found by others. (ejabberd: sm_register_connection_hook)
pub struct SessionOpened {
    /// The new session.
    pub session: Arc<Session>,
}

/// A resource is gone for good. (ejabberd: sm_remove_connection_hook)
pub struct SessionClosed {
    /// The former session.
    pub session: Arc<Session>,
}

/// A client sent available presence without `to`. Fired before it is broadcast; listeners may change it.
/// (ejabberd: c2s_self_presence)
pub struct SelfPresence {
    /// The client.
    pub session: Arc<Session>,
    /// Its presence, available or unavailable.
    pub stanza: Stanza,
    /// Whether it was unavailable until now.
    pub first: bool,
}

/// A client became available with a priority that is not negative, and its presence was broadcast: messages kept
/// for it may be delivered now.
pub struct SessionAvailable {
    /// The client.
    pub session: Arc<Session>,
}

/// An available client became unavailable, by its own word or because it went away. Its mailbox still exists in the
/// former case. (ejabberd: unset_presence_hook)
pub struct SessionUnavailable {
    /// The client.
    pub session: Arc<Session>,
    /// The text of `<status/>` in its last presence, or empty.
    pub status: Text,
}

/// An account was made. (ejabberd: register_user)
pub struct AccountRegistered {
    /// Its host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
}

/// An account was removed: delete what you hold of it. (ejabberd: remove_user)
pub struct AccountRemoved {
    /// Its host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
}

/// An account's password was changed. (ejabberd: set_password)
pub struct PasswordChanged {
    /// Its host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
}

/// A roster changed in a way that alters who may see whom.
pub struct SubscriptionChanged {
    /// The account's host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
    /// The other side, bare.
    pub contact: Jid,
}

/// Somebody asks what a host, service or account is. Listeners add to `info`. Stopping: `info` is the answer as it
/// stands; refusing: the error is. (ejabberd: disco_local_identity, disco_local_features, disco_sm_*, disco_info)
pub struct DiscoInfoQuery {
    /// The host asked.
    pub host: Arc<Host>,
    /// Who asks.
    pub from: Jid,
    /// Who is asked: the host or a bare account.
    pub to: Jid,
    /// The node asked for, or empty.
    pub node: Text,
    /// The asker's language.
    pub lang: Option<Text>,
    /// The answer so far.
    pub info: DiscoInfo,
    /// Whether any listener knows the node; an unknown node gets item-not-found.
    pub known: bool,
}

/// Somebody asks what a host or account holds. Listeners add to `items`. (ejabberd: disco_local_items, disco_sm_items)
pub struct DiscoItemsQuery {
    /// The host asked.
    pub host: Arc<Host>,
    /// Who asks.
    pub from: Jid,
    /// Who is asked: the host or a bare account.
    pub to: Jid,
    /// The node asked for, or empty.
    pub node: Text,
    /// The asker's language.
    pub lang: Option<Text>,
    /// The answer so far.
    pub items: Vec<DiscoItem>,
    /// Whether any listener knows the node.
    pub known: bool,
}

/// Stanzas are about to pass between a host and another server for the first time on a link. Stopping or refusing: they
/// may not. (ejabberd: s2s_allow_host)
pub struct S2sAllow {
    /// The host.
    pub host: Arc<Host>,
    /// The other server's domain.
    pub remote: Jid,
}

/// A stanza leaves for another server. Stopping: it doesn't. (ejabberd: s2s_send_packet)
pub struct S2sSend {
    /// The sender's host.
    pub host: Arc<Host>,
    /// The stanza.
    pub stanza: Stanza,
}

/// A stanza came from another server, which has proved to be the domain of its `from`. Stopping: it is not routed.
/// (ejabberd: s2s_receive_packet)
pub struct S2sReceive {
    /// The addressee's host.
    pub host: Arc<Host>,
    /// The other server's domain.
    pub remote: Jid,
    /// The stanza.
    pub stanza: Stanza,
}

/// A component has connected and its domain is routed to it. Every host hears of it. (ejabberd: component_connected)
pub struct ComponentConnected {
    /// Its domain.
    pub component: Jid,
}

/// The last connection that served a component's domain is gone. (ejabberd: component_disconnected)
pub struct ComponentDisconnected {
    /// Its domain.
    pub component: Jid,
}

/// A component sends a stanza to a host or its accounts. Stopping: it is not routed. (ejabberd: component_send_packet)
pub struct ComponentSend {
    /// The addressee's host.
    pub host: Arc<Host>,
    /// The component's domain.
    pub component: Jid,
    /// The stanza.
    pub stanza: Stanza,
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $field:ident: $event:ident,)*) => {
        /// The chains of one host.
        #[derive(Default)]
        pub struct Hooks {
            $($(#[$doc])* pub $field: Arc<Chain<$event>>,)*
        }
        $(impl Event for $event {
            fn chain(hooks: &Hooks) -> &Arc<Chain<Self>> {
                &hooks.$field
            }
        })*
    };
}

hooks! {
    /// See [`UserSend`].
    user_send: UserSend,
    /// See [`UserReceive`].
    user_receive: UserReceive,
    /// See [`ClientState`].
    client_state: ClientState,
    /// See [`AccountReceive`].
    account_receive: AccountReceive,
    /// See [`MessageDelivered`].
    message_delivered: MessageDelivered,
    /// See [`OfflineMessage`].
    offline_message: OfflineMessage,
    /// See [`PacketCheck`].
    packet_check: PacketCheck,
    /// See [`ConnectionOpening`].
    connection_opening: ConnectionOpening,
    /// See [`AuthenticationResult`].
    authentication_result: AuthenticationResult,
    /// See [`SessionOpened`].
    session_opened: SessionOpened,
    /// See [`SessionClosed`].
    session_closed: SessionClosed,
    /// See [`SelfPresence`].
    self_presence: SelfPresence,
    /// See [`SessionAvailable`].
    session_available: SessionAvailable,
    /// See [`SessionUnavailable`].
    session_unavailable: SessionUnavailable,
    /// See [`AccountRegistered`].
    account_registered: AccountRegistered,
    /// See [`AccountRemoved`].
    account_removed: AccountRemoved,
    /// See [`PasswordChanged`].
    password_changed: PasswordChanged,
    /// See [`SubscriptionChanged`].
    subscription_changed: SubscriptionChanged,
    /// See [`S2sAllow`].
    s2s_allow: S2sAllow,
    /// See [`S2sSend`].
    s2s_send: S2sSend,
    /// See [`S2sReceive`].
    s2s_receive: S2sReceive,
    /// See [`ComponentConnected`].
    component_connected: ComponentConnected,
    /// See [`ComponentDisconnected`].
    component_disconnected: ComponentDisconnected,
    /// See [`ComponentSend`].
    component_send: ComponentSend,
    /// See [`DiscoInfoQuery`].
    disco_info: DiscoInfoQuery,
    /// See [`DiscoItemsQuery`].
    disco_items: DiscoItemsQuery,
}
