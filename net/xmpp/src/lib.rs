//! How XMPP streams move: listeners, TLS, client connections. Drivers only: they move bytes, time and answers, and
//! decide nothing that the machines or the kernel can decide.

pub mod c2s;
pub mod certificates;
pub mod listener;
mod proxy;
pub mod socket;
pub mod tls;
pub mod transport;

pub use c2s::{C2S_SPEC, ClientListener};
pub use certificates::{CertificateError, Certificates};
pub use listener::{Listening, listen};
