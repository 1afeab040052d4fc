//! What happens to accounts, whoever asks for it: made, removed, given a new password, and everybody is told.

use std::sync::Arc;

use nightjar_auth::AuthError;
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_xmpp::StreamErrorCondition;

use crate::hooks::{AccountRegistered, AccountRemoved, PasswordChanged};
use crate::host::Host;
use crate::kernel::Kernel;

impl Kernel {
    /// Makes an account. Whether the requester may is the caller's business.
    ///
    /// # Errors
    /// [`AuthError::Exists`] if it is there already; as [`nightjar_auth::Accounts::register`] otherwise.
    pub async fn register_account(
        self: &Arc<Self>,
        host: &Arc<Host>,
        user: &str,
        password: &Secret,
    ) -> Result<Jid, AuthError> {
        let account = host.account(user).map_err(|_| AuthError::InvalidUsername)?;
        host.accounts.register(user, password).await?;
        tracing::info!(account = %account, "an account was registered");
        let mut event = AccountRegistered { host: Arc::clone(host), account: account.clone() };
        host.hooks.account_registered.run(&mut event).await;
        Ok(account)
    }

    /// Removes an account with all that features hold of it, and ends its sessions. One that doesn't exist is no
    /// error: what was left of it is removed.
    ///
    /// # Errors
    /// As [`nightjar_auth::Accounts::remove`].
    pub async fn remove_account(self: &Arc<Self>, host: &Arc<Host>, user: &str) -> Result<(), AuthError> {
        let account = host.account(user).map_err(|_| AuthError::InvalidUsername)?;
        host.accounts.remove(user).await?;
        tracing::info!(account = %account, "an account was removed");
        // Ended first: a session that lives on would store anew what is deleted below.
        for session in self.sessions.resources(&account) {
            session.end(StreamErrorCondition::Conflict, Some("User removed"));
        }
        let mut event = AccountRemoved { host: Arc::clone(host), account };
        host.hooks.account_removed.run(&mut event).await;
        Ok(())
    }

    /// Gives an account a new password. Its sessions stay.
    ///
    /// # Errors
    /// [`AuthError::NotFound`] if there is no such account; as [`nightjar_auth::Accounts::set_password`] otherwise.
    pub async fn change_password(
        self: &Arc<Self>,
        host: &Arc<Host>,
        user: &str,
        password: &Secret,
    ) -> Result<(), AuthError> {
        let account = host.account(user).map_err(|_| AuthError::InvalidUsername)?;
        host.accounts.set_password(user, password).await?;
        tracing::info!(account = %account, "a password was changed");
        let mut event = PasswordChanged { host: Arc::clone(host), account };
        host.hooks.password_changed.run(&mut event).await;
        Ok(())
    }
}
