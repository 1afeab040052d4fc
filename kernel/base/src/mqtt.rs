//! Between what moves MQTT's bytes and what serves its clients: a broker for each host, and a client's side of it for each
//! connection. The machine ([`nightjar_mqtt::Connection`]) belongs to the driver, who lends it for every step.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use nightjar_jid::Jid;
use nightjar_mqtt::{Connect, Connection, Delivery, Event, Finished, Publish, Reason, Text};
use nightjar_sasl::{ChannelBinding, claimed_authzid, claimed_username};

use crate::hooks::BoxFuture;
use crate::host::Host;
use crate::kernel::Kernel;

/// Milliseconds of the monotonic clock: the time of all machines.
pub fn now_ms(kernel: &Kernel) -> u64 {
    u64::try_from(kernel.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
}

/// The broker of a host, found by [`Host::get`].
pub struct MqttService(pub Arc<dyn MqttBroker>);

/// Somebody who wants in.
pub struct MqttOpening {
    /// What was asked for.
    pub connect: Box<Connect>,
    /// The localpart that the [claimed name](claimed_name) gives; none where there is no name.
    pub user: Option<String>,
    /// From where; none for UNIX sockets.
    pub ip: Option<IpAddr>,
    /// The accounts that the client's trusted certificate names.
    pub certified: Vec<Jid>,
    /// What ties an authentication to the TLS channel; none where there is no TLS of our own.
    pub bindings: Vec<ChannelBinding>,
    /// Messages that may wait for a connection that doesn't read.
    pub inbox_max: usize,
}

/// Why somebody isn't let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MqttRefusal {
    /// What CONNACK says.
    pub reason: Reason,
    /// The same in words.
    pub words: &'static str,
}

/// What becomes of somebody who wants in.
pub enum MqttOpened {
    /// It is in.
    In(Box<dyn MqttClient>),
    /// Enhanced authentication (§4.12): the client is to answer this first.
    Asked(Vec<u8>, Box<dyn MqttAuthentication>),
}

/// An enhanced authentication under way. Dropping it ends it.
pub trait MqttAuthentication: Send {
    /// Takes the client's answer.
    fn answer(self: Box<Self>, data: Option<Bytes>) -> BoxFuture<'static, Result<MqttOpened, MqttRefusal>>;
}

/// A host's broker.
pub trait MqttBroker: Send + Sync {
    /// Aliases that a client may give (§3.2.2.3.8).
    fn topic_alias_maximum(&self) -> u16;

    /// Authenticates a client, and takes its session from the connection that has it. Dropping what it gives without
    /// [`MqttClient::finish`] is a loss of the connection before it was accepted.
    fn open(&self, opening: MqttOpening) -> BoxFuture<'_, Result<MqttOpened, MqttRefusal>>;

    /// Lets a part of the server take part. Dropping what it gives ends that.
    fn attach(&self, attachment: MqttAttachment) -> Box<dyn MqttLocal>;

    /// Ends connections; gives how many. Sessions stay as long as they would without.
    fn end_connections(&self, of: MqttWhose<'_>, reason: Reason) -> usize;

    /// An account was banned, or its ban was lifted: what it has published is held back, or handed out again.
    fn reconsider<'a>(&'a self, user: &'a str) -> BoxFuture<'a, ()>;
}

/// Whose connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MqttWhose<'a> {
    /// The host's.
    Everybody,
    /// An account's, by its localpart.
    Account(&'a str),
    /// That of a client of an account: the localpart and the client identifier.
    Client(&'a str, &'a str),
}

/// A part of the server that wants to take part.
pub struct MqttAttachment {
    /// The localpart of the account in whose name it publishes.
    pub user: String,
    /// What access rules know as the client identifier.
    pub client_id: Text,
    /// The topics it gets: each as it is published, without what is retained already and without its own messages.
    pub topics: Vec<Text>,
    /// Messages that may wait for it; further ones are dropped.
    pub inbox_max: usize,
}

/// A part of the server at the broker. Nothing here waits.
pub trait MqttLocal: Send + Sync {
    /// Publishes with QoS 0, if the account may.
    fn publish(&self, now: u64, publish: &Publish) -> Reason;

    /// What came; `context` is woken when there is more. While `is_ready` is false, messages wait where they are bounded.
    fn poll(&self, context: &Context<'_>, is_ready: bool) -> VecDeque<Delivery>;

    /// Messages for which there was no room, so far.
    fn dropped(&self) -> u64;
}

/// The broker's side of one connection. Nothing here waits.
pub trait MqttClient: Send {
    /// Who it is, for the log.
    fn name(&self) -> String;

    /// Lets the client in.
    fn accept(&mut self, now: u64, machine: &mut Connection);

    /// Answers an event of the machine.
    fn handle_event(&mut self, now: u64, machine: &mut Connection, event: Event);

    /// Hands the machine what others have for this client, and answers that have become due; `context` is woken when
    /// there is more. While the client doesn't read (`is_writable` is false), messages wait where they are bounded.
    fn poll(&mut self, context: &mut Context<'_>, now: u64, machine: &mut Connection, is_writable: bool);

    /// Counts bytes that came and went.
    fn moved(&self, received: usize, sent: usize);

    /// The connection is over.
    fn finish(self: Box<Self>, now: u64, finished: Finished);
}

/// Ends connections with the reason that administrators have; gives how many. Where no MQTT is served there are none.
pub fn kick(host: &Host, of: MqttWhose<'_>) -> usize {
    end_connections(host, of, Reason::ADMINISTRATIVE_ACTION)
}

/// Ends connections of an account that may not be here any more; gives how many.
pub fn expel(host: &Host, user: &str) -> usize {
    end_connections(host, MqttWhose::Account(user), Reason::NOT_AUTHORIZED)
}

/// Ends all connections because the node ends; gives how many.
pub fn shut_down(host: &Host) -> usize {
    end_connections(host, MqttWhose::Everybody, Reason::SERVER_SHUTTING_DOWN)
}

/// Has what an account published looked at anew, after it was banned or its ban was lifted.
pub async fn reconsider(host: &Host, user: &str) {
    if let Some(service) = host.get::<MqttService>() {
        service.0.reconsider(user).await;
    }
}

fn end_connections(host: &Host, of: MqttWhose<'_>, reason: Reason) -> usize {
    host.get::<MqttService>().map_or(0, |service| service.0.end_connections(of, reason))
}

/// The name of the account that a CONNECT claims: that in the first message of SCRAM or OAUTHBEARER if there is one, since
/// it is what is proved, else the user name.
pub fn claimed_name(connect: &Connect) -> Option<String> {
    let proved = match (connect.authentication_method(), connect.authentication_data()) {
        (Some(method), Some(data)) if method.as_str().starts_with("SCRAM-") => claimed_username(&data),
        (Some(method), Some(data)) if method.as_str() == "OAUTHBEARER" => claimed_authzid(&data),
        _ => None,
    };
    proved.or_else(|| connect.user_name.as_ref().map(|name| name.as_str().to_owned()))
}

/// The host and the localpart that a user name means: an address has its own host; any other name belongs to the host
/// that TLS asked for, or to the first one. None if there is no such host.
pub fn find_host(
    kernel: &Kernel,
    user_name: Option<&str>,
    server_name: Option<&str>,
) -> Option<(Arc<Host>, Option<String>)> {
    if let Some(jid) = user_name.filter(|name| name.contains('@')).and_then(|name| Jid::parse(name).ok()) {
        let config = kernel.config();
        let host = kernel.host(config.resolve_host(jid.domain()))?;
        return Some((host, jid.local().map(ToOwned::to_owned)));
    }
    let config = kernel.config();
    let asked = server_name.and_then(|name| kernel.host(config.resolve_host(name)));
    let host = asked.or_else(|| config.hosts().first().and_then(|name| kernel.host(name)))?;
    Some((host, user_name.map(ToOwned::to_owned)))
}
