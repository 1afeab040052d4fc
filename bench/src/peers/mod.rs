//! Servers that are started side by side and given the same work.

pub mod compare;
mod configuration;
mod plan;
mod results;
mod server;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// No XMPP server: a relay of bytes, the floor for chat
    Relay,
    /// No TURN server: an echo of datagrams, the floor for relays
    Echo,
    /// Debian's coturn
    Coturn,
    /// Debian's mosquitto
    Mosquitto,
    /// Debian's ejabberd
    Ejabberd,
    /// Debian's Prosody
    Prosody,
    Nightjar,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Echo => "echo",
            Self::Coturn => "coturn",
            Self::Mosquitto => "mosquitto",
            Self::Ejabberd => "ejabberd",
            Self::Prosody => "prosody",
            Self::Nightjar => "nightjar",
        }
    }
}

/// How the servers are set up. Two set-ups are measured one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// Passwords stored as they are, no archive.
    Chat,
    /// Passwords stored as SCRAM-SHA-1 keys, every message archived in SQLite.
    Archive,
    /// As for chat, with a TURN server.
    Turn,
    /// As for chat, with an MQTT broker.
    Mqtt,
}

impl Setup {
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Archive => "archive",
            Self::Turn => "turn",
            Self::Mqtt => "mqtt",
        }
    }
}
