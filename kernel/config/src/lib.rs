//! Reads ejabberd.yml: spanned YAML, option types, access rules, diagnostics.
//!
//! [`load`] reads a file and all it includes, checks everything against the declarations of the server and
//! ejabberd's own tables, and returns a [`Config`] or every mistake at once. It binds and writes nothing.

pub mod access;
pub mod catalogue;
mod compat;
mod config;
mod declare;
pub mod diagnostic;
mod diff;
mod dump;
mod environment;
mod include;
mod keywords;
mod kind;
mod load;
mod macros;
mod manual;
pub mod nearest;
pub mod node;
mod options;
mod pattern;
mod schema;
mod secret;
#[cfg(test)]
mod testing;
pub mod units;
mod value;
mod yaml;

pub use config::{Config, Endpoint, HostConfig, ListenerConfig, Transport};
pub use declare::{CORE, CORE_LISTENER, Declarations, ModuleSpec, OptionSpec, option};
pub use diagnostic::{Diagnostic, Severity};
pub use diff::{Change, OptionChange, diff};
pub use dump::{REDACTED, to_yaml};
pub use environment::{Disk, Environment, Files, MACRO_PREFIX};
pub use kind::{DefaultValue, Field, TextKind, Type, TypeError};
pub use load::{DEFAULT_FILE, Loaded, default_config, fuzz_load, load, load_with};
pub use manual::manual;
pub use node::Node;
pub use options::{Options, Setting};
pub use pattern::Pattern;
pub use schema::json_schema;
pub use secret::is_secret;
pub use value::Value;
