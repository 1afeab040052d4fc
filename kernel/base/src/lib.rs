//! What a server is: hosts, hooks, router, sessions, commands, features.
//!
//! It knows neither sockets nor databases nor any single feature.

pub mod accounts;
pub mod adhoc;
pub mod attempts;
pub mod card;
pub mod catch;
pub mod client;
pub mod commands;
pub mod console;
pub mod contacts;
pub mod context;
pub mod delivery;
pub mod disco;
pub mod feature;
pub mod federation;
pub mod guard;
pub mod hooks;
pub mod host;
pub mod http;
pub mod iq;
pub mod kernel;
pub mod mailbox;
pub mod metrics;
pub mod mqtt;
pub mod oauth;
pub mod presence;
pub mod registry;
pub mod relay;
pub mod requests;
pub mod router;
pub mod session;
pub mod sessions;
pub mod stream_options;

pub use client::{OpenRequest, ResourceConflict};
pub use context::{Clock, Random};
pub use feature::{Feature, FeatureContext, FeatureError, Registration};
pub use host::Host;
pub use kernel::Kernel;
pub use session::{Connection, Control, Delivery, Session};
