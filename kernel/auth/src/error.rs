use nightjar_sasl::{BadPassword, SaslFailure};
use nightjar_store::StoreError;
use thiserror::Error;

/// Why an operation on an account did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    /// No method of this host can do this.
    #[error("no authentication method of this host allows this")]
    NotAllowed,
    #[error("the account exists already")]
    Exists,
    #[error("the account does not exist")]
    NotFound,
    /// Not a local part (RFC 7622 §3.3).
    #[error("the user name is not valid")]
    InvalidUsername,
    /// Empty, or prohibited by SASLprep.
    #[error("the password is empty or holds prohibited characters")]
    InvalidPassword,
    /// The server is closing down.
    #[error("the server is stopping")]
    Stopping,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BadPassword> for AuthError {
    fn from(_: BadPassword) -> AuthError {
        AuthError::InvalidPassword
    }
}

impl From<&AuthError> for SaslFailure {
    fn from(error: &AuthError) -> SaslFailure {
        match error {
            AuthError::Store(_) => SaslFailure::temporary("the account database does not answer"),
            AuthError::Stopping => SaslFailure::temporary("the server is stopping"),
            _ => SaslFailure::not_authorized("no such account"),
        }
    }
}
