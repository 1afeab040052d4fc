//! The table `oauth_token`, and a cache before it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nightjar_base::commands::CommandError;
use nightjar_base::{Host, Kernel};
use nightjar_config::access::Who;
use nightjar_jid::Jid;
use nightjar_store::{Statement, StoreError, params};
use nightjar_text::Text;
use quick_cache::sync::Cache;

static FIND: Statement = Statement::new("SELECT jid, scope, expire FROM oauth_token WHERE token = ?");
static PAGE: Statement = Statement::new(
    "SELECT token, jid, scope, expire FROM oauth_token WHERE token > ? ORDER BY token LIMIT 1000",
);
static PUT: Statement = Statement::upsert("oauth_token", &["token"], &["jid", "scope", "expire"]);
static DELETE: Statement = Statement::new("DELETE FROM oauth_token WHERE token = ?");
static DELETE_OF: Statement = Statement::new("DELETE FROM oauth_token WHERE jid = ?");
static DELETE_OLD: Statement = Statement::new("DELETE FROM oauth_token WHERE expire < ?");

/// A token is longer than any that ejabberd or this server makes, so it isn't looked for.
const TOKEN_MAX: usize = 191;
/// Scopes that aren't names of commands.
const SCOPES: [&str; 3] = ["ejabberd:user", "ejabberd:admin", "sasl_auth"];

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The account.
    pub jid: Jid,
    /// What it is good for: names of commands, `ejabberd:admin`, `ejabberd:user`, `sasl_auth`.
    pub scopes: Vec<Text>,
    /// Until when it holds, in seconds since the UNIX epoch.
    pub expires: i64,
}

/// Whether a token holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It does.
    Valid(Arc<Token>),
    /// It did.
    Expired,
    /// There is no such token.
    Unknown,
}

type Entries = Cache<Text, (Option<Arc<Token>>, Duration)>;

/// The tokens of the server: [`Kernel::shared`] has them.
#[derive(Default)]
pub struct Tokens {
    cache: OnceLock<Option<Entries>>,
}

impl Tokens {
    fn cache(&self, kernel: &Kernel) -> Option<&Entries> {
        let cache = self.cache.get_or_init(|| {
            let options = &kernel.config().global;
            let size = options.limit("oauth_cache_size").unwrap_or(1_000_000);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            options.bool("oauth_use_cache").then(|| Cache::new(size))
        });
        cache.as_ref()
    }

    /// Whether a token holds now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn check(&self, kernel: &Kernel, token: &str) -> Result<Validity, StoreError> {
        if token.is_empty() || token.len() > TOKEN_MAX || token.contains('\0') {
            return Ok(Validity::Unknown);
        }
        let found = match self.remembered(kernel, token) {
            Some(found) => found,
            None => {
                let found = read(kernel, token).await?.map(Arc::new);
                self.remember(kernel, token, found.clone());
                found
            }
        };
        Ok(match found {
            None => Validity::Unknown,
            Some(token) if token.expires <= kernel.clock.unix_seconds() => Validity::Expired,
            Some(token) => Validity::Valid(token),
        })
    }

    fn remembered(&self, kernel: &Kernel, token: &str) -> Option<Option<Arc<Token>>> {
        let (found, since) = self.cache(kernel)?.get(token)?;
        let life = kernel.config().global.duration("oauth_cache_life_time");
        let age = kernel.clock.monotonic().saturating_sub(since);
        life.is_none_or(|life| age < life).then_some(found)
    }

    fn remember(&self, kernel: &Kernel, token: &str, found: Option<Arc<Token>>) {
        let Some(cache) = self.cache(kernel) else { return };
        if found.is_some() || kernel.config().global.bool("oauth_cache_missed") {
            cache.insert(Text::new(token), (found, kernel.clock.monotonic()));
        }
    }

    /// Makes a token of 256 unpredictable bits for an account.
    ///
    /// # Errors
    /// `access_denied` unless `oauth_access` allows the account; `invalid_scope` for scopes that nothing here has;
    /// those of the database.
    pub async fn issue(
        &self,
        kernel: &Kernel,
        jid: Jid,
        scopes: Vec<Text>,
        seconds: i64,
    ) -> Result<Text, CommandError> {
        let config = kernel.config();
        let rule = config.host(jid.domain()).options.access("oauth_access");
        if !config.access_of(Some(jid.domain())).allows(&rule, &Who::jid(&jid)) {
            return Err(CommandError::Failed("access_denied".to_owned()));
        }
        if !scopes.iter().all(|scope| is_scope(kernel, scope)) {
            return Err(CommandError::Failed("invalid_scope".to_owned()));
        }
        let mut bytes = [0; 32];
        kernel.random.fill(&mut bytes);
        let token = Text::from(URL_SAFE_NO_PAD.encode(bytes));
        let now = kernel.clock.unix_seconds();
        let (scope, expires) = (joined(&scopes), now.saturating_add(seconds));
        let host = first_host(kernel).map_err(internal)?;
        let row = params![token.clone(), jid.as_text().clone(), scope, expires];
        host.store.transaction(vec![(&DELETE_OLD, params![now]), (&PUT, row)]).await.map_err(internal)?;
        if let Some(cache) = self.cache(kernel) {
            cache.remove(&token);
        }
        Ok(token)
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn revoke(&self, kernel: &Kernel, token: &str) -> Result<(), StoreError> {
        first_host(kernel)?.store.execute(&DELETE, params![token]).await?;
        if let Some(cache) = self.cache(kernel) {
            cache.remove(token);
        }
        Ok(())
    }

    /// Makes all tokens of an account worthless.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn revoke_all(&self, kernel: &Kernel, jid: &Jid) -> Result<(), StoreError> {
        first_host(kernel)?.store.execute(&DELETE_OF, params![jid.bare_str()]).await?;
        if let Some(cache) = self.cache(kernel) {
            cache.retain(|_, (token, _)| token.as_ref().is_none_or(|token| token.jid != *jid));
        }
        Ok(())
    }
}

/// Scopes in the form of the table.
pub(super) fn joined(scopes: &[Text]) -> String {
    scopes.iter().map(Text::as_str).collect::<Vec<_>>().join(" ")
}

/// Scopes out of the form of the table, or of a request.
pub(super) fn split(scopes: &str, separator: char) -> Vec<Text> {
    scopes.split(separator).filter(|scope| !scope.is_empty()).map(Text::new).collect()
}

fn is_scope(kernel: &Kernel, scope: &str) -> bool {
    let is_command = || {
        let spec = kernel.commands.find(scope, None);
        spec.is_some_and(|spec| !spec.tags.contains(&"internal"))
    };
    SCOPES.contains(&scope) || is_command()
}

/// The host whose database has what belongs to the server.
pub(super) fn first_host(kernel: &Kernel) -> Result<Arc<Host>, StoreError> {
    let config = kernel.config();
    let host = config.hosts().first().and_then(|name| kernel.host(name));
    host.ok_or(StoreError::Unavailable)
}

pub(super) fn internal(error: StoreError) -> CommandError {
    CommandError::Internal(error.to_string())
}

async fn read(kernel: &Kernel, token: &str) -> Result<Option<Token>, StoreError> {
    let Some(row) = first_host(kernel)?.store.query_one(&FIND, params![token]).await? else {
        return Ok(None);
    };
    let Ok(jid) = Jid::parse(&row.text(0)?) else { return Ok(None) };
    Ok(Some(Token { jid, scopes: split(&row.text(1)?, ' '), expires: row.int(2)? }))
}

/// The tokens after `token`, by name, and what they are.
pub(super) async fn page(kernel: &Kernel, after: &str) -> Result<Vec<(Text, Text, Text, i64)>, StoreError> {
    let rows = first_host(kernel)?.store.query(&PAGE, params![after]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?, row.text(2)?, row.int(3)?))).collect()
}
