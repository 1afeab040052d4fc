//! Accounts of a virtual host and how they prove themselves.
//!
//! [`Accounts`] is what the rest of the server sees; [`HostAccounts`] implements it by asking the methods of
//! `auth_method` in their order. [`SqlAccounts`] keeps accounts in ejabberd's `users` table, [`AnonymousAccounts`]
//! lets in people without an account, [`FastTokens`] keeps the tokens of XEP-0484.
//! User names are local parts; they are normalised here, so callers may pass what they were given.

mod accounts;
mod anonymous;
mod cache;
mod environment;
mod error;
mod fast;
mod host;
mod mechanisms;
mod method;
mod options;
mod rows;
mod sql;
#[cfg(test)]
mod testing;
mod verifier;

pub use accounts::{Accounts, Bans, BoxFuture, Page, StoredCredentials, Verdict};
pub use anonymous::{AnonymousAccounts, AnonymousClaim};
pub use environment::Environment;
pub use error::AuthError;
pub use fast::{FastOptions, FastTokens, IssuedToken, Slot, StoredToken, TokenRequest};
pub use host::HostAccounts;
pub use mechanisms::{MechanismPolicy, fast_mechanisms, mechanisms};
pub use method::{Method, MethodVerdict};
pub use options::{AnonymousProtocol, AuthMethod, AuthOptions, CacheOptions, PasswordFormat, PasswordType};
pub use sql::SqlAccounts;
