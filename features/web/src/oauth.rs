//! OAuth tokens: who has one logs in as an account, or calls the API in its name, within the token's scopes.
//!
//! They are in ejabberd's tables, in the database of the first host.

mod clients;
mod commands;
mod endpoint;
mod issuer;
mod tokens;

use nightjar_config::{OptionSpec, option};

pub(crate) use commands::commands;
pub(crate) use endpoint::Endpoint;
pub use issuer::serve;
pub use tokens::{Token, Tokens, Validity};

/// Top-level options about tokens.
pub const OPTIONS: &[OptionSpec] = &[
    option("oauth_access", "access rule", "none", "For which accounts tokens are issued."),
    option(
        "oauth_expire",
        "duration(s)",
        "4294 seconds",
        "How long a token holds, where nobody says otherwise.",
    ),
    option("oauth_client_id_check", "allow|deny|db", "db", "Which client programs may ask for tokens."),
    option(
        "oauth_db_type",
        "mnesia|rest|sql",
        "= toplevel default_db",
        "Accepted: tokens are in the SQL database.",
    ),
    option("oauth_use_cache", "bool", "= toplevel use_cache", "Keep tokens that were read in memory."),
    option("oauth_cache_size", "int>0|infinity", "= toplevel cache_size", "Tokens kept in memory."),
    option(
        "oauth_cache_life_time",
        "duration(s)|infinity",
        "= toplevel cache_life_time",
        "How long a token is kept in memory.",
    ),
    option(
        "oauth_cache_missed",
        "bool",
        "= toplevel cache_missed",
        "Remember which tokens do not exist, too.",
    ),
];

#[cfg(test)]
mod tests;
