//! Instant messaging: one folder per module of ejabberd.

mod account_cache;
mod cache_options;
mod command_support;
mod purge;
mod support;
#[cfg(test)]
mod testing;

pub mod adhoc;
pub mod announce;
pub mod auth_fast;
pub mod caps;
pub mod carboncopy;
pub mod client_state;
pub mod disco;
pub mod last;
pub mod legacy_auth;
pub mod mam;
pub mod offline;
pub mod ping;
pub mod privacy;
pub mod private;
pub mod register;
pub mod roster;
pub mod scram_upgrade;
pub mod sic;
pub mod stats;
pub mod stream_mgmt;
pub mod stun_disco;
pub mod time;
pub mod vcard;
pub mod vcard_xupdate;
pub mod version;
