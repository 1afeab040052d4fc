use std::sync::Arc;

use nightjar_sasl::{ScramHash, ScramKeys, Secret};
use nightjar_text::Text;

use crate::accounts::BoxFuture;
use crate::{AuthError, AuthMethod, Page, PasswordType, StoredCredentials};

/// One source of accounts: a value of `auth_method`. Everything a method may lack is refused by default.
///
/// `user` is normalised.
pub trait Method: Send + Sync {
    fn kind(&self) -> AuthMethod;

    fn exists<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<bool, AuthError>>;

    fn check_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<MethodVerdict, AuthError>>;

    /// What is stored for the account; `None` if it is unknown or the method stores nothing.
    fn credentials<'a>(
        &'a self,
        _user: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<StoredCredentials>>, AuthError>> {
        Box::pin(async { Ok(None) })
    }

    /// Keys to run SCRAM against; `None` if the account is unknown or has none and none can be derived.
    fn scram_keys<'a>(
        &'a self,
        _user: &'a str,
        _hash: ScramHash,
    ) -> BoxFuture<'a, Result<Option<Arc<ScramKeys>>, AuthError>> {
        Box::pin(async { Ok(None) })
    }

    /// [`AuthError::NotFound`] if the account does not exist.
    fn set_password<'a>(
        &'a self,
        _user: &'a str,
        _password: &'a Secret,
    ) -> BoxFuture<'a, Result<(), AuthError>> {
        not_allowed()
    }

    /// [`AuthError::NotFound`] if the account does not exist.
    fn set_keys<'a>(&'a self, _user: &'a str, _keys: ScramKeys) -> BoxFuture<'a, Result<(), AuthError>> {
        not_allowed()
    }

    /// [`AuthError::Exists`] if the account exists.
    fn register<'a>(&'a self, _user: &'a str, _password: &'a Secret) -> BoxFuture<'a, Result<(), AuthError>> {
        not_allowed()
    }

    fn remove<'a>(&'a self, _user: &'a str) -> BoxFuture<'a, Result<(), AuthError>> {
        not_allowed()
    }

    fn list<'a>(&'a self, _page: &'a Page) -> BoxFuture<'a, Result<Vec<Text>, AuthError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn count<'a>(&'a self, _prefix: &'a str) -> BoxFuture<'a, Result<u64, AuthError>> {
        Box::pin(async { Ok(0) })
    }

    fn drop_password_type(&self, _kind: PasswordType) -> BoxFuture<'_, Result<u64, AuthError>> {
        Box::pin(async { Ok(0) })
    }
}

/// What a method says about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodVerdict {
    Accepted,
    /// Not here; the next method may know better.
    Refused,
    /// No, and no other method may be asked.
    RefusedForGood,
}

fn not_allowed<'a>() -> BoxFuture<'a, Result<(), AuthError>> {
    Box::pin(async { Err(AuthError::NotAllowed) })
}
