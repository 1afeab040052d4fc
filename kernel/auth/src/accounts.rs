use std::pin::Pin;
use std::sync::Arc;

use nightjar_sasl::{Answer, Condition, Lookup, SaslFailure, ScramHash, ScramKeys, Secret};
use nightjar_text::Text;

use crate::{AnonymousClaim, AuthError, AuthMethod, PasswordType};

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The accounts of one host.
///
/// `user` is a local part, normalised by the callee; one that is not valid is [`AuthError::InvalidUsername`], except
/// where the answer is a plain no.
pub trait Accounts: Send + Sync {
    /// Whether the account exists, in any method.
    fn exists<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<bool, AuthError>>;

    /// What is stored for the account; `None` if it is unknown or its method stores nothing.
    fn credentials<'a>(
        &'a self,
        user: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<StoredCredentials>>, AuthError>>;

    /// Asks the methods in order; a banned account is refused before its password is looked at.
    fn check_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<Verdict, AuthError>>;

    /// Gives an account a new password, in every form the host stores, and ends the validity of its tokens.
    fn set_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<(), AuthError>>;

    /// Adds or replaces the keys of one hash (XEP-0480) and leaves the others.
    fn set_keys<'a>(&'a self, user: &'a str, keys: ScramKeys) -> BoxFuture<'a, Result<(), AuthError>>;

    /// Makes an account. Whether the requester may is the caller's business.
    fn register<'a>(&'a self, user: &'a str, password: &'a Secret) -> BoxFuture<'a, Result<(), AuthError>>;

    /// Removes the account and its tokens; everything else a user owns is the business of the features that keep it.
    /// An account that does not exist is not an error.
    fn remove<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<(), AuthError>>;

    /// A page of user names, ascending.
    fn list<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Vec<Text>, AuthError>>;

    /// Number of accounts whose name begins with `prefix`.
    fn count<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, AuthError>>;

    /// Forgets one form of the passwords of all accounts that have another (`drop_password_type`). Returns how many
    /// accounts lost it.
    fn drop_password_type(&self, kind: PasswordType) -> BoxFuture<'_, Result<u64, AuthError>>;

    /// Why the account may not log in, if somebody banned it.
    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>>;

    /// The answer to SASL's [`Step::NeedCredentials`](nightjar_sasl::Step::NeedCredentials).
    fn scram_answer<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Answer>;

    /// The answer to SASL's [`Step::NeedAnonymous`](nightjar_sasl::Step::NeedAnonymous).
    fn anonymous_answer(&self) -> Answer;

    /// Takes a name for an anonymous session, which keeps the claim as long as it lives. `None` if the name is in use
    /// and `allow_multiple_connections` is off, or if the host has no anonymous method.
    fn claim_anonymous(&self, user: &str) -> Option<AnonymousClaim>;

    /// In which forms passwords are stored.
    fn stored_types(&self) -> &[PasswordType];
}

/// What is stored for one account: the password itself, keys, or both.
#[derive(Clone, Debug, Default)]
pub struct StoredCredentials {
    pub plain: Option<Secret>,
    pub keys: Vec<ScramKeys>,
}

impl StoredCredentials {
    pub fn keys_for(&self, hash: ScramHash) -> Option<&ScramKeys> {
        self.keys.iter().find(|keys| keys.hash() == hash)
    }

    pub fn types(&self) -> Vec<PasswordType> {
        let plain = self.plain.iter().map(|_| PasswordType::Plain);
        plain.chain(self.keys.iter().map(|keys| PasswordType::Scram(keys.hash()))).collect()
    }
}

/// Outcome of a password check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted, by this method.
    Accepted(AuthMethod),
    /// Unknown account or wrong password.
    Refused,
    /// Banned; the text is for the user.
    Banned(Text),
}

impl Verdict {
    pub fn into_answer(self) -> Answer {
        match self {
            Verdict::Accepted(_) => Answer::Accept,
            Verdict::Refused => {
                Answer::Refuse(SaslFailure::not_authorized("unknown account or wrong password"))
            }
            Verdict::Banned(text) => Answer::Refuse(banned(&text)),
        }
    }
}

pub(crate) fn banned(text: &str) -> SaslFailure {
    SaslFailure::with_text(Condition::AccountDisabled, "account is banned", text)
}

/// Which user names to list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Only names that begin so; empty for all.
    pub prefix: Text,
    /// Only names behind this one; empty for the first page.
    pub after: Text,
    pub limit: u32,
}

impl Page {
    pub fn first(limit: u32) -> Page {
        Page { prefix: Text::empty(), after: Text::empty(), limit }
    }
}

/// Who is banned: given to [`HostAccounts`](crate::HostAccounts) by the part that keeps bans.
pub trait Bans: Send + Sync {
    /// The text a banned user is shown; `None` if the account is not banned. `user` is normalised.
    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>>;
}
