//! Tokens that stand for the password (XEP-0484), in the table `auth_fast_tokens`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_sasl::{ScramHash, Secret, TokenBinding, TokenLookup};
use nightjar_store::{Call, Row, Statement, Store, StoreError, params};
use nightjar_text::Text;

use crate::{AuthError, Environment};

static SELECT: Statement = Statement::new(
    "SELECT type, token, created_at, expires FROM auth_fast_tokens WHERE username = ? AND ua = ? AND {host}",
);
static UPSERT: Statement =
    Statement::upsert("auth_fast_tokens", &["username", "ua", "type"], &["token", "created_at", "expires"]);
static MAKE_CURRENT: Statement = Statement::new(
    "UPDATE auth_fast_tokens SET type = 'c' WHERE username = ? AND ua = ? AND type = 'n' AND token = ? AND {host}",
);
static DELETE_CURRENT_BUT: Statement = Statement::new(
    "DELETE FROM auth_fast_tokens WHERE username = ? AND ua = ? AND type = 'c' AND EXISTS \
     (SELECT 1 FROM (SELECT token FROM auth_fast_tokens WHERE username = ? AND ua = ? AND type = 'n' AND token = ? \
     AND {host}) AS unused) AND {host}",
);
static DELETE_CLIENT: Statement =
    Statement::new("DELETE FROM auth_fast_tokens WHERE username = ? AND ua = ? AND {host}");
static DELETE_EXPIRED: Statement =
    Statement::new("DELETE FROM auth_fast_tokens WHERE username = ? AND ua = ? AND expires <= ? AND {host}");
static DELETE_USER: Statement = Statement::new("DELETE FROM auth_fast_tokens WHERE username = ? AND {host}");

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Options of mod_auth_fast.
#[derive(Clone, Copy, Debug)]
pub struct FastOptions {
    pub token_lifetime: Duration,
    /// A token older than this is replaced when it is used.
    pub token_refresh_age: Duration,
}

impl Default for FastOptions {
    fn default() -> FastOptions {
        FastOptions {
            token_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            token_refresh_age: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// The tokens of a host. Every client, told by the `id` of its SASL2 user agent, has one token in use and at most one
/// that was issued and not used yet (XEP-0484 §5.1). User names are normalised ones.
pub struct FastTokens {
    store: Store,
    environment: Environment,
    options: FastOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Current,
    Next,
}

/// A token a client may use.
#[derive(Clone, Debug)]
pub struct StoredToken {
    pub slot: Slot,
    pub token: Secret,
    /// Old enough to be replaced.
    pub needs_refresh: bool,
}

/// A token for the client, to be sent in `<token/>`.
#[derive(Clone)]
pub struct IssuedToken {
    pub token: Text,
    pub expires_unix_seconds: i64,
}

/// What the client asked for in its `<authenticate/>`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenRequest {
    /// `<request-token/>` with this mechanism.
    pub issue: Option<TokenBinding>,
    /// `<fast invalidate='true'/>`
    pub invalidate: bool,
}

impl FastTokens {
    pub fn new(store: Store, environment: Environment, options: FastOptions) -> FastTokens {
        FastTokens { store, environment, options }
    }

    /// The tokens that fit a lookup of the SASL exchange, whose answer is the list of their `token`s. The index that
    /// comes back with success is passed to [`after_login`](FastTokens::after_login).
    pub async fn lookup(&self, lookup: &TokenLookup, client_id: &str) -> Result<Vec<StoredToken>, AuthError> {
        let (user, client) = (lookup.username.as_str(), client_key(client_id));
        let now = self.environment.unix_micros();
        let rows = self.store.query(&SELECT, params![user, &client]).await?;
        let mut tokens = Vec::with_capacity(rows.len());
        let mut expired = false;
        for row in &rows {
            match self.read(row, now)? {
                Some(token) => tokens.push(token),
                None => expired = true,
            }
        }
        if expired {
            let calls: Vec<Call> =
                vec![(&DELETE_EXPIRED, params![user, client, nightjar_store::Value::Time(now)])];
            drop(self.store.submit(calls));
        }
        tokens.retain(|token| is_bound_to(&token.token, lookup.binding));
        Ok(tokens)
    }

    /// To be called once the client is fully authenticated, by whatever mechanism: rotates the tokens, invalidates
    /// them if asked to, and issues a new one if it is asked for or due. `used` is the token the client logged in with.
    pub async fn after_login(
        &self,
        user: &str,
        client_id: &str,
        used: Option<(&StoredToken, TokenBinding)>,
        request: TokenRequest,
    ) -> Result<Option<IssuedToken>, AuthError> {
        let client = client_key(client_id);
        let mut calls: Vec<Call> = Vec::new();
        if request.invalidate {
            // "Log out": a token issued and not used yet would outlive it.
            calls.push((&DELETE_CLIENT, params![user, &client]));
        } else if let Some((StoredToken { slot: Slot::Next, token, .. }, _)) = used {
            let token = token.expose_text().unwrap_or_default();
            calls.push((&DELETE_CURRENT_BUT, params![user, &client, user, &client, token]));
            calls.push((&MAKE_CURRENT, params![user, &client, token]));
        }
        let due =
            used.filter(|(token, _)| token.needs_refresh && !request.invalidate).map(|(_, binding)| binding);
        let issued = request.issue.or(due).map(|binding| self.issue(user, &client, binding, &mut calls));
        if !calls.is_empty() {
            self.store.transaction(calls).await?;
        }
        Ok(issued)
    }

    /// Ends the validity of all tokens of an account. Setting a password and removing the account do it by themselves.
    pub async fn revoke_all(&self, user: &str) -> Result<(), AuthError> {
        self.store.execute(&DELETE_USER, params![user]).await?;
        Ok(())
    }

    fn issue(&self, user: &str, client: &str, binding: TokenBinding, calls: &mut Vec<Call>) -> IssuedToken {
        let random: [u8; 32] = self.environment.random();
        let token = Text::from(format!("{}{}", mark(binding), STANDARD.encode(random)));
        let now = self.environment.unix_micros();
        let life_time = micros(self.options.token_lifetime);
        // Whole seconds, so that the client and the database mean the same moment.
        let expires = now.saturating_add(life_time).div_euclid(MICROS_PER_SECOND);
        let time = nightjar_store::Value::Time;
        let row =
            params![user, client, "n", &token, time(now), time(expires.saturating_mul(MICROS_PER_SECOND))];
        calls.push((&UPSERT, row));
        IssuedToken { token, expires_unix_seconds: expires }
    }

    fn read(&self, row: &Row, now: i64) -> Result<Option<StoredToken>, StoreError> {
        let slot = match row.text(0)?.as_str() {
            "c" => Slot::Current,
            "n" => Slot::Next,
            _ => return Err(StoreError::Corrupt),
        };
        if row.time(3)? <= now {
            return Ok(None);
        }
        let age = now.saturating_sub(row.time(2)?);
        let needs_refresh = age > micros(self.options.token_refresh_age);
        Ok(Some(StoredToken { slot, token: Secret::from(row.text(1)?.as_str()), needs_refresh }))
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IssuedToken([hidden])")
    }
}

/// The column `ua`, as ejabberd writes it.
fn client_key(client_id: &str) -> String {
    STANDARD.encode(ScramHash::Sha256.digest(client_id.as_bytes()))
}

/// A token is good for the mechanism it was issued for only (XEP-0484 §3.4). The table has no column for it, so the
/// token says it itself; the characters before the point occur in no base64 followed by one.
const fn mark(binding: TokenBinding) -> &'static str {
    match binding {
        TokenBinding::None => "NONE.",
        TokenBinding::Exporter => "EXPR.",
        TokenBinding::EndPoint => "ENDP.",
    }
}

/// Tokens without a mark were issued by ejabberd, which lets any mechanism use them.
fn is_bound_to(token: &Secret, binding: TokenBinding) -> bool {
    let token = token.expose();
    token.starts_with(mark(binding).as_bytes()) || !token.contains(&b'.')
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
