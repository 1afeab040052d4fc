//! OAuth tokens that let their holders log in: between whoever issues them and the protocols that take them.

use std::sync::Arc;

use nightjar_auth::AuthError;
use nightjar_sasl::{Answer, Condition, OauthCheck, SaslFailure, Secret};
use nightjar_text::Text;

use crate::hooks::BoxFuture;
use crate::host::Host;

/// The scope of tokens that log in.
const LOGIN_SCOPE: &str = "sasl_auth";

/// What a token is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenVerdict {
    /// It stands for this account, by its normalised localpart.
    Holds(Text),
    /// It is good for other things than what was asked.
    TooNarrow,
    /// It is unknown, expired, revoked, or of another host.
    Refused,
}

/// Who issues tokens for a host's accounts.
pub trait TokenIssuer: Send + Sync {
    /// Whether there may be tokens at all.
    fn is_open(&self) -> bool;

    /// What a token is worth now, for something that needs `scope`.
    ///
    /// # Errors
    /// If it can't be known.
    fn check<'a>(
        &'a self,
        token: &'a Secret,
        scope: &'a str,
    ) -> BoxFuture<'a, Result<TokenVerdict, AuthError>>;
}

/// The issuer of a host, found by [`Host::get`].
pub struct OauthTokens(pub Arc<dyn TokenIssuer>);

impl Host {
    /// Whether one may log in by a token.
    pub fn takes_tokens(&self) -> bool {
        self.get::<OauthTokens>().is_some_and(|tokens| tokens.0.is_open())
    }

    /// The answer to SASL's [`Step::NeedOauth`](nightjar_sasl::Step::NeedOauth): a token with the scope `sasl_auth` lets
    /// in the account it was issued for, as long as there is one that isn't banned.
    pub async fn token_answer(&self, check: &OauthCheck) -> Answer {
        match self.token_owner(check).await {
            Ok(Some(owner)) => Answer::Identity(owner),
            Ok(None) => Answer::InsufficientScope,
            Err(failure) => Answer::Refuse(failure),
        }
    }

    async fn token_owner(&self, check: &OauthCheck) -> Result<Option<Text>, SaslFailure> {
        let unknown = |error: AuthError| {
            tracing::warn!(%error, "a token could not be checked");
            SaslFailure::temporary("tokens can't be checked")
        };
        let issuer = self.get::<OauthTokens>().filter(|tokens| tokens.0.is_open());
        let issuer = issuer.ok_or(SaslFailure::not_authorized("no tokens are issued here"))?;
        let owner = match issuer.0.check(&check.token, LOGIN_SCOPE).await.map_err(unknown)? {
            TokenVerdict::Holds(owner) => owner,
            TokenVerdict::TooNarrow => return Ok(None),
            TokenVerdict::Refused => return Err(SaslFailure::not_authorized("the token doesn't hold")),
        };
        if check.username.as_ref().is_some_and(|claimed| *claimed != owner) {
            return Err(SaslFailure::not_authorized("token of another account"));
        }
        if let Some(text) = self.accounts.ban(&owner).await.map_err(unknown)? {
            return Err(SaslFailure::with_text(Condition::AccountDisabled, "account is banned", &text));
        }
        if !self.accounts.exists(&owner).await.map_err(unknown)? {
            return Err(SaslFailure::not_authorized("token of an account that is gone"));
        }
        Ok(Some(owner))
    }
}
