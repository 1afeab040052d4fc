//! How XMPP streams move: client connections and other servers. Drivers only: they move bytes, time and answers, and
//! decide nothing that the machines or the kernel can decide.

pub mod c2s;
mod component;
mod limits;
mod s2s;

pub use c2s::{C2S_SPEC, ClientListener, TOPLEVEL as C2S_TOPLEVEL};
pub use component::{ComponentListener, SERVICE_SPEC, TOPLEVEL as COMPONENT_TOPLEVEL, stop_components};
pub use s2s::{Federation, S2S_BIDI, S2S_DIALBACK, S2S_SPEC, ServerListener, TOPLEVEL as S2S_TOPLEVEL};
