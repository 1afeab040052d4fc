//! Which ports a configuration opens, for whom, and the rules a firewall needs.
//!
//! [`openings`] is a pure function of a configuration; [`render`] writes what it found for a person or a firewall.

mod erlang;
mod line;
mod opening;
mod openings;
mod render;

pub use erlang::{DistributionPorts, Epmd, Erlang, ErlangError};
pub use line::Line;
pub use opening::{Endpoint, Opening, Ports, Protocol, Tls, Zone};
pub use openings::openings;
pub use render::{Format, Request, render};
