//! What Nightjar keeps: portable SQL statements over ejabberd's own tables, run by a backend.
//!
//! A feature writes each statement once as a `static` [`Statement`] and runs it through its host's [`Store`].
//! Rules every statement follows:
//! - a table that has `server_host` is filtered by `{host}` (or `{host:alias}`), never by hand;
//! - pages are read by key (`WHERE timestamp > ? ORDER BY timestamp LIMIT ?`), never by `OFFSET`;
//! - patterns are `LIKE ? ESCAPE '^'` with the parameter through [`like_escape`];
//! - full text is `{search:column}`, which takes one placeholder: the words as typed;
//! - a limited delete goes through a derived table, which all dialects accept:
//!   `DELETE FROM t WHERE id IN (SELECT id FROM (SELECT id FROM t WHERE … LIMIT ?) AS page)`.

mod backend;
mod breaker;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod like;
pub mod migrate;
mod options;
pub mod remote;
pub mod schema;
pub mod statement;
mod store;
pub mod time;
mod value;

pub use backend::{Backend, Batch, BoxFuture, Call, Counts, Receipt, Request};
pub use breaker::{Breaker, BreakerState};
pub use error::StoreError;
pub use like::like_escape;
pub use options::{Secret, SqlOptions, SqlType};
pub use schema::{Dialect, Layout};
pub use statement::{Argument, Rendered, Renderer, Statement};
pub use store::{Health, Limits, Store, Ticket};
pub use value::{Params, Row, RowBuilder, Value};
