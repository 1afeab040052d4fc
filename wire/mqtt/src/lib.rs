//! MQTT 3.1, 3.1.1 and 5.0 without sockets: packets, topics, the tree of subscriptions, and sessions as machines for both
//! ends. Time is given: milliseconds of a clock that never goes back.
//!
//! Sections are those of MQTT 5.0 (OASIS Standard, 2019); `[MQTT-x.y.z-n]` is its numbering of what must hold.

pub mod client;
pub mod connection;
pub mod error;
pub mod frame;
pub mod message;
pub mod outgoing;
pub mod packet;
pub mod reason;
pub mod session;
pub mod text;
pub mod topic;
pub mod tree;
pub mod version;

pub use connection::{Accept, Connection, Event, Finished, Settings};
pub use error::Error;
pub use message::{Delivery, Identifiers, Kept, Message};
pub use outgoing::Outgoing;
pub use packet::properties::Properties;
pub use packet::{
    Auth, Connack, Connect, Disconnect, Packet, Publish, RetainHandling, Suback, Subscribe, Subscription,
    Unsubscribe, Will,
};
pub use reason::Reason;
pub use session::{Refused, Session, Stage, Stored, packet_id};
pub use text::Text;
pub use version::{QoS, Version};
