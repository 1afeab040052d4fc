//! How MQTT moves: a listener and a loop for each connection, which moves bytes, time and events, and decides nothing.

mod bridge;
mod listener;
mod serve;

pub use bridge::BRIDGE;
pub use listener::{MQTT_SPEC, MqttListener};
