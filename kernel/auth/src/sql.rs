#[cfg(test)]
mod tests;

use std::sync::Arc;

use nightjar_jid::saslprep;
use nightjar_sasl::{ScramHash, ScramKeys, Secret};
use nightjar_store::{Call, Statement, Store, StoreError, like_escape, params};
use nightjar_text::Text;

use crate::accounts::BoxFuture;
use crate::cache::{CredentialCache, Known};
use crate::rows::{self, Password};
use crate::verifier::Verifier;
use crate::{
    AuthError, AuthMethod, AuthOptions, Environment, Method, MethodVerdict, Page, PasswordType,
    StoredCredentials,
};

static SELECT: Statement = Statement::new(
    "SELECT type, password, serverkey, salt, iterationcount FROM users WHERE username = ? AND {host}",
);
static INSERT: Statement =
    Statement::insert("users", &["username", "type", "password", "serverkey", "salt", "iterationcount"]);
static UPSERT: Statement =
    Statement::upsert("users", &["username", "type"], &["password", "serverkey", "salt", "iterationcount"]);
static DELETE: Statement = Statement::new("DELETE FROM users WHERE username = ? AND {host}");
static DELETE_TYPE: Statement =
    Statement::new("DELETE FROM users WHERE username = ? AND type = ? AND {host}");
static DELETE_TOKENS: Statement =
    Statement::new("DELETE FROM auth_fast_tokens WHERE username = ? AND {host}");
static LIST_AFTER: Statement = Statement::new(
    "SELECT DISTINCT username FROM users \
     WHERE username > ? AND username LIKE ? ESCAPE '^' AND {host} ORDER BY username LIMIT ?",
);
static LIST_FROM: Statement = Statement::new(
    "SELECT DISTINCT username FROM users \
     WHERE username >= ? AND username LIKE ? ESCAPE '^' AND {host} ORDER BY username LIMIT ?",
);
static COUNT: Statement =
    Statement::new("SELECT COUNT(DISTINCT username) FROM users WHERE username LIKE ? ESCAPE '^' AND {host}");
/// Accounts that keep their password in this form only keep it: without it they would be gone.
static DROP_TYPE: Statement = Statement::new(
    "DELETE FROM users WHERE type = ? AND {host} AND username IN (SELECT username FROM \
     (SELECT username FROM users WHERE type <> ? AND {host}) AS others)",
);

/// Accounts in the table `users`, in the forms ejabberd 26.07 writes and all it ever wrote.
pub struct SqlAccounts {
    store: Store,
    types: Vec<PasswordType>,
    verifier: Verifier,
    cache: Option<CredentialCache>,
    environment: Environment,
}

impl SqlAccounts {
    pub fn new(options: &AuthOptions, store: Store, environment: Environment) -> SqlAccounts {
        let types = options.stored_types();
        SqlAccounts {
            store,
            verifier: Verifier::new(environment.clone(), &types),
            types,
            cache: options.cache.as_ref().map(CredentialCache::new),
            environment,
        }
    }

    async fn load(&self, user: &str) -> Result<Known, AuthError> {
        let Some(cache) = &self.cache else { return self.read(user).await };
        if let Some(known) = cache.get(user, self.environment.unix_micros()) {
            return Ok(known);
        }
        let ticket = cache.ticket();
        let known = self.read(user).await?;
        cache.remember(user, known.clone(), ticket, self.environment.unix_micros());
        Ok(known)
    }

    async fn read(&self, user: &str) -> Result<Known, AuthError> {
        let rows = self.store.query(&SELECT, params![user]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(rows::read(user, &rows)?)))
    }

    /// Hands a change to the database and forgets what was known of the account.
    async fn write(&self, user: &str, calls: Vec<Call>) -> Result<(), StoreError> {
        let ticket = self.store.submit(calls);
        // At once, not when the change is durable: reads see it from now on, and this future may be dropped.
        self.forget(user);
        ticket.await
    }

    fn forget(&self, user: &str) {
        self.cache.iter().for_each(|cache| cache.forget(user));
    }

    async fn require(&self, user: &str) -> Result<Arc<StoredCredentials>, AuthError> {
        self.load(user).await?.ok_or(AuthError::NotFound)
    }

    /// A new password in every form this host keeps.
    async fn forms(&self, password: &Secret) -> Result<Vec<Password>, AuthError> {
        let text = password.expose_text().ok_or(AuthError::InvalidPassword)?;
        saslprep(text).map_err(|_| AuthError::InvalidPassword)?;
        let plain = self.types.contains(&PasswordType::Plain).then(|| Password::Plain(password.clone()));
        let keys = self.verifier.keys(password).await?.into_iter().map(Password::Keys);
        Ok(plain.into_iter().chain(keys).collect())
    }
}

impl Method for SqlAccounts {
    fn kind(&self) -> AuthMethod {
        AuthMethod::Sql
    }

    fn exists<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<bool, AuthError>> {
        Box::pin(async move { Ok(self.load(user).await?.is_some()) })
    }

    fn check_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<MethodVerdict, AuthError>> {
        Box::pin(async move {
            let stored = self.load(user).await?;
            let right = self.verifier.check(user, stored.as_deref(), password).await?;
            Ok(if right { MethodVerdict::Accepted } else { MethodVerdict::Refused })
        })
    }

    fn credentials<'a>(
        &'a self,
        user: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<StoredCredentials>>, AuthError>> {
        Box::pin(self.load(user))
    }

    fn scram_keys<'a>(
        &'a self,
        user: &'a str,
        hash: ScramHash,
    ) -> BoxFuture<'a, Result<Option<Arc<ScramKeys>>, AuthError>> {
        Box::pin(async move {
            let stored = self.load(user).await?;
            if let Some(keys) = stored.as_ref().and_then(|stored| stored.keys_for(hash)) {
                return Ok(Some(Arc::new(keys.clone())));
            }
            match stored.as_ref().and_then(|stored| stored.plain.as_ref()) {
                // A password SASLprep refuses, as old servers stored them, opens PLAIN only.
                Some(plain) => match self.verifier.derive(user, hash, plain).await {
                    Err(AuthError::InvalidPassword) => Ok(None),
                    keys => keys.map(Some),
                },
                None => self.verifier.pretend_to_derive(user, hash).await.map(|()| None),
            }
        })
    }

    fn set_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let forms = self.forms(password).await?;
            self.require(user).await?;
            let mut calls: Vec<Call> = vec![(&DELETE_TOKENS, params![user])];
            calls.extend(rows::TYPE_NUMBERS.map(|number| {
                match forms.iter().find(|form| form.type_number() == number) {
                    Some(form) => (&UPSERT, form.params(user)),
                    None => (&DELETE_TYPE, params![user, number]),
                }
            }));
            Ok(self.write(user, calls).await?)
        })
    }

    fn set_keys<'a>(&'a self, user: &'a str, keys: ScramKeys) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            self.require(user).await?;
            Ok(self.write(user, vec![(&UPSERT, Password::Keys(keys).params(user))]).await?)
        })
    }

    fn register<'a>(&'a self, user: &'a str, password: &'a Secret) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            if self.load(user).await?.is_some() {
                return Err(AuthError::Exists);
            }
            let forms = self.forms(password).await?;
            let calls = forms.iter().map(|form| -> Call { (&INSERT, form.params(user)) }).collect();
            self.write(user, calls).await.map_err(|error| match error {
                // Somebody else took the name meanwhile.
                StoreError::Constraint => AuthError::Exists,
                error => error.into(),
            })
        })
    }

    fn remove<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let calls: Vec<Call> = vec![(&DELETE, params![user]), (&DELETE_TOKENS, params![user])];
            Ok(self.write(user, calls).await?)
        })
    }

    fn list<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Vec<Text>, AuthError>> {
        Box::pin(async move {
            let pattern = format!("{}%", like_escape(&page.prefix));
            let rows = if page.after >= page.prefix && !page.after.is_empty() {
                self.store.query(&LIST_AFTER, params![&page.after, pattern, page.limit]).await?
            } else {
                self.store.query(&LIST_FROM, params![&page.prefix, pattern, page.limit]).await?
            };
            Ok(rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?)
        })
    }

    fn count<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, AuthError>> {
        Box::pin(async move {
            let pattern = format!("{}%", like_escape(prefix));
            let row = self.store.query_one(&COUNT, params![pattern]).await?;
            let count = row.map_or(Ok(0), |row| row.int(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn drop_password_type(&self, kind: PasswordType) -> BoxFuture<'_, Result<u64, AuthError>> {
        Box::pin(async move {
            let number = rows::type_number(kind);
            let dropped = self.store.execute(&DROP_TYPE, params![number, number]).await;
            self.cache.iter().for_each(CredentialCache::forget_all);
            Ok(dropped?)
        })
    }
}
