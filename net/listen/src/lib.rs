//! What all listeners share: sockets, TLS, certificates. It moves bytes and decides nothing.

pub mod binding;
pub mod budget;
pub mod certificates;
pub mod chosen;
mod ciphers;
pub mod inherited;
pub mod listener;
pub mod options;
pub mod policy;
mod proxy;
pub mod socket;
pub mod tls;
pub mod transport;
pub mod upgrade;
pub mod websocket;

pub use budget::{Budget, Over, Permit};
pub use certificates::{CertificateError, Certificates};
pub use chosen::ListenerTls;
pub use listener::{Accept, Accepted, Endpoint, ListenOptions, Listening, listen};
pub use policy::TlsPolicy;
pub use upgrade::{Upgrade, Upgraded};
pub use websocket::WebSocket;
