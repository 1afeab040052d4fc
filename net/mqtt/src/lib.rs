//! How MQTT moves: a listener, WebSocket for HTTP's, and a loop for each connection, which moves bytes, time and events, and decides nothing.

mod bridge;
mod listener;
mod serve;
mod stream;
mod websocket;

pub use bridge::BRIDGE;
pub use listener::{MQTT_SPEC, MqttListener};
pub use websocket::offer as offer_websocket;
