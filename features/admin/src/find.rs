//! What the arguments of a command mean.

use std::sync::Arc;

use nightjar_auth::AuthError;
use nightjar_base::commands::{Call, CommandError};
use nightjar_base::{Host, Session};
use nightjar_jid::{Jid, nameprep};

/// The host that argument `at` names, if it is served here.
pub(crate) fn host(call: &Call, at: usize) -> Option<Arc<Host>> {
    let given = call.text(at);
    call.kernel.host(&nameprep(&given).ok()?)
}

/// As [`host`].
///
/// # Errors
/// ejabberd's words for a host it doesn't serve.
pub(crate) fn known_host(call: &Call, at: usize) -> Result<Arc<Host>, CommandError> {
    host(call, at).ok_or_else(|| CommandError::Failed("Unknown virtual host".to_owned()))
}

/// The host and account that the arguments from `at` on name, whether the account exists or not.
pub(crate) fn account(call: &Call, at: usize) -> Option<(Arc<Host>, Jid)> {
    let host = host(call, at + 1)?;
    let account = host.account(&call.text(at)).ok()?;
    Some((host, account))
}

/// As [`account`], for an account that exists.
///
/// # Errors
/// ejabberd's words for one that doesn't.
pub(crate) async fn known_account(call: &Call, at: usize) -> Result<(Arc<Host>, Jid), CommandError> {
    let unknown = || CommandError::NotFound("unknown_user".to_owned());
    let (host, account) = account(call, at).ok_or_else(unknown)?;
    let user = account.local().unwrap_or_default();
    match host.accounts.exists(user).await {
        Ok(true) => Ok((host, account)),
        Ok(false) => Err(unknown()),
        Err(error) => Err(failed(&error)),
    }
}

/// The sessions of the account that the arguments from `at` on name.
pub(crate) fn sessions(call: &Call, at: usize) -> Vec<Arc<Session>> {
    match account(call, at) {
        Some((_, account)) => call.kernel.sessions.resources(&account).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The session that user, host and resource from argument `at` on name.
pub(crate) fn session(call: &Call, at: usize) -> Option<Arc<Session>> {
    let (_, account) = account(call, at)?;
    call.kernel.sessions.find(&account.with_resource(&call.text(at + 2)).ok()?)
}

/// A failure of the account database in the caller's words.
pub(crate) fn failed(error: &AuthError) -> CommandError {
    CommandError::Failed(error.to_string())
}
