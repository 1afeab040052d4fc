//! How MQTT moves: a listener and a loop for each connection, which moves bytes, time and events, and decides nothing.

mod listener;
mod serve;

pub use listener::{MQTT_SPEC, MqttListener};
