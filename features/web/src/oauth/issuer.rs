//! Tokens as the protocols that let people in see them, and the end of those whose account is gone.

use std::sync::{Arc, Weak};

use nightjar_auth::AuthError;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::{AccountRemoved, BoxFuture, Event, Flow, On, Outcome, Stage};
use nightjar_base::oauth::{OauthTokens, TokenIssuer, TokenVerdict};
use nightjar_base::{Host, Kernel};
use nightjar_config::access::AccessRef;
use nightjar_sasl::Secret;
use nightjar_text::Text;

use super::tokens::{Tokens, Validity};

/// Serves a host's accounts with tokens until the guards are dropped.
pub fn serve(kernel: &Arc<Kernel>, host: &Arc<Host>) -> Vec<Guard> {
    let issuer = Issuer { kernel: Arc::downgrade(kernel), host: Arc::downgrade(host) };
    let revoke = Arc::new(Revoke(Arc::downgrade(kernel)));
    vec![
        host.provide(Arc::new(OauthTokens(Arc::new(issuer)))),
        AccountRemoved::chain(&host.hooks).add(Stage::Record, revoke),
    ]
}

struct Issuer {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
}

impl TokenIssuer for Issuer {
    fn is_open(&self) -> bool {
        let host = self.host.upgrade();
        host.is_some_and(|host| host.config().options.access("oauth_access") != AccessRef::None)
    }

    fn check<'a>(
        &'a self,
        token: &'a Secret,
        scope: &'a str,
    ) -> BoxFuture<'a, Result<TokenVerdict, AuthError>> {
        Box::pin(async move {
            let (Some(kernel), Some(host)) = (self.kernel.upgrade(), self.host.upgrade()) else {
                return Err(AuthError::Stopping);
            };
            let Some(token) = token.expose_text() else { return Ok(TokenVerdict::Refused) };
            let Validity::Valid(token) = kernel.shared::<Tokens>().check(&kernel, token).await? else {
                return Ok(TokenVerdict::Refused);
            };
            let owner = token.jid.local().filter(|_| token.jid.domain() == host.name.as_str());
            Ok(match owner {
                None => TokenVerdict::Refused,
                Some(_) if !token.scopes.iter().any(|granted| granted == scope) => TokenVerdict::TooNarrow,
                Some(owner) => TokenVerdict::Holds(Text::new(owner)),
            })
        })
    }
}

/// Whoever takes the name of an account that is gone doesn't fall to its tokens.
struct Revoke(Weak<Kernel>);

impl On<AccountRemoved> for Revoke {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        let Some(kernel) = self.0.upgrade() else { return Outcome::Now(Flow::Continue) };
        Outcome::Later(Box::pin(async move {
            if let Err(error) = kernel.shared::<Tokens>().revoke_all(&kernel, &event.account).await {
                tracing::warn!(account = %event.account, %error, "tokens could not be revoked");
            }
            Flow::Continue
        }))
    }
}
