//! Server side of the SASL mechanisms that XMPP uses, as state machines.
//!
//! [`Exchange`] is fed what the client sent (already decoded from base64) and answers with a [`Step`]: bytes
//! to send back, a question only the driver can answer (keys, a password check, tokens), or the end. The driver
//! looks the answer up, however long that takes, and hands it to [`Exchange::provide`].
//! Nothing here knows sockets, clocks, randomness or XML.

mod account;
mod downgrade;
mod exchange;
mod failure;
mod hash;
mod keys;
mod mechanism;
mod oauth;
mod offer;
mod plain;
mod scram;
mod secret;
#[cfg(test)]
mod test_client;
mod token;
mod upgrade;

pub use downgrade::downgrade_hash;
pub use exchange::{
    Answer, Exchange, ExternalCheck, Lookup, MESSAGE_LIMIT_BYTES, OauthCheck, PasswordCheck, Step, Success,
    TokenLookup,
};
pub use failure::{Condition, SaslFailure};
pub use hash::ScramHash;
pub use keys::{BadPassword, EncodedKeys, KeyError, ScramKeys};
pub use mechanism::{Mechanism, TokenBinding};
pub use oauth::claimed_authzid;
pub use offer::{ChannelBinding, ChannelBindingKind, Offer};
pub use scram::{Nonce, ScramCredentials, claimed_username};
pub use secret::Secret;
pub use upgrade::{ScramUpgrade, UpgradeTask};
