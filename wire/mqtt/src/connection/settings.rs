//! What a server lets its clients do.

use crate::packet::read::VARIABLE_MAX;
use crate::topic;

/// Limits of all connections of a listener.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Milliseconds from the start to CONNECT, and through all of the client's steps of authentication; as long for
    /// an authentication while connected. Too short, and
    /// clients on slow lines never get in; too long, and connections that say nothing hold their places.
    pub connect_timeout_ms: u64,
    /// Bytes of CONNECT: what anybody may make the server hold. Must have room for a will and a token. No packet but
    /// PUBLISH may be larger later: what SUBSCRIBE lists takes some ten times its size when it is read.
    pub connect_size_max: u32,
    /// Bytes of any later packet (§3.2.2.3.6).
    pub packet_size_max: u32,
    /// Messages with QoS 1 and 2 that a client may send before they are answered (§3.2.2.3.3); not 0.
    pub receive_maximum: u16,
    /// Messages with QoS 1 and 2 that are sent to a client before it answers, if it takes as many. Each answer looks
    /// through them.
    pub in_flight_max: u16,
    /// Aliases that a client may give (§3.2.2.3.8). Each holds a topic in memory.
    pub topic_alias_maximum: u16,
    /// Aliases that are given to a client, if it takes as many.
    pub topic_alias_out_max: u16,
    /// What topics may be.
    pub topic: topic::Limits,
    /// Seconds. A client of MQTT 5 that wants more, or none, is told this (§3.2.2.3.14); one of MQTT 3.1.1 is cut after
    /// one and a half times as long. 0 leaves it to the clients, who then hold their places as long as they like.
    pub keep_alive_max: u16,
    /// Whether payloads are compared with their format indicator (§3.3.2.3.2).
    pub check_payload_format: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 30_000,
            connect_size_max: 256 * 1024,
            packet_size_max: VARIABLE_MAX + 5,
            receive_maximum: 1000,
            in_flight_max: 1000,
            topic_alias_maximum: 100,
            topic_alias_out_max: 100,
            topic: topic::Limits::default(),
            keep_alive_max: 0,
            check_payload_format: true,
        }
    }
}
