#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use nightjar_jid::nodeprep;
use nightjar_sasl::{Answer, Condition, Lookup, Nonce, SaslFailure, ScramCredentials, ScramKeys, Secret};
use nightjar_store::Store;
use nightjar_text::Text;
use parking_lot::RwLock;

use crate::accounts::{BoxFuture, banned};
use crate::{
    Accounts, AnonymousAccounts, AnonymousClaim, AuthError, AuthMethod, AuthOptions, Bans, Environment,
    Method, MethodVerdict, Page, PasswordType, SqlAccounts, StoredCredentials, Verdict,
};

/// The accounts of a host: its methods, asked in the order of `auth_method`.
pub struct HostAccounts {
    methods: Vec<Arc<dyn Method>>,
    anonymous: Option<Arc<AnonymousAccounts>>,
    stored_types: Vec<PasswordType>,
    bans: RwLock<Option<Arc<dyn Bans>>>,
    environment: Environment,
}

impl HostAccounts {
    /// `others` are methods that are made elsewhere; each is used where `auth_method` names its kind. The second value
    /// lists the methods that are named and not there: nobody logs in through them.
    pub fn new(
        options: &AuthOptions,
        store: &Store,
        environment: &Environment,
        others: &[Arc<dyn Method>],
    ) -> (HostAccounts, Vec<AuthMethod>) {
        let mut accounts = HostAccounts {
            methods: Vec::new(),
            anonymous: None,
            stored_types: options.stored_types(),
            bans: RwLock::new(None),
            environment: environment.clone(),
        };
        let mut missing = Vec::new();
        for kind in &options.methods {
            if accounts.methods.iter().any(|method| method.kind() == *kind) {
                continue;
            }
            match kind {
                AuthMethod::Sql => {
                    let method = SqlAccounts::new(options, store.clone(), environment.clone());
                    accounts.methods.push(Arc::new(method));
                }
                AuthMethod::Anonymous => {
                    let method = Arc::new(AnonymousAccounts::new(options));
                    accounts.anonymous = Some(method.clone());
                    accounts.methods.push(method);
                }
                kind => match others.iter().find(|method| method.kind() == *kind) {
                    Some(method) => accounts.methods.push(method.clone()),
                    None => missing.push(*kind),
                },
            }
        }
        (accounts, missing)
    }

    /// Puts somebody in charge of bans; without, nobody is banned.
    pub fn set_bans(&self, bans: Option<Arc<dyn Bans>>) {
        *self.bans.write() = bans;
    }

    async fn ban_text(&self, user: &str) -> Result<Option<Text>, AuthError> {
        let bans = self.bans.read().clone();
        match bans {
            Some(bans) => bans.ban(user).await,
            None => Ok(None),
        }
    }

    /// Whether a method other than `kind` has the account. One that cannot tell counts as yes: an anonymous user must
    /// not get a name because the database is away.
    async fn exists_elsewhere(&self, kind: AuthMethod, user: &str) -> bool {
        for method in self.methods.iter().filter(|method| method.kind() != kind) {
            if method.exists(user).await.unwrap_or(true) {
                return true;
            }
        }
        false
    }

    async fn ask(&self, user: &str, password: &Secret) -> Result<Verdict, AuthError> {
        let mut failed = None;
        for method in &self.methods {
            let kind = method.kind();
            if kind == AuthMethod::Anonymous && self.exists_elsewhere(kind, user).await {
                continue;
            }
            match method.check_password(user, password).await {
                Ok(MethodVerdict::Accepted) => return Ok(Verdict::Accepted(kind)),
                Ok(MethodVerdict::Refused) => {}
                Ok(MethodVerdict::RefusedForGood) => return Ok(Verdict::Refused),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(Verdict::Refused), Err)
    }

    async fn any_exists(&self, user: &str) -> Result<bool, AuthError> {
        let mut failed = None;
        for method in &self.methods {
            match method.exists(user).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    async fn scram_credentials(&self, lookup: &Lookup) -> Result<ScramCredentials, SaslFailure> {
        let user = lookup.username.as_str();
        if let Some(text) = self.ban_text(user).await.map_err(|error| SaslFailure::from(&error))? {
            return Err(banned(&text));
        }
        for method in &self.methods {
            match method.scram_keys(user, lookup.hash).await {
                Ok(Some(keys)) => return Ok(ScramCredentials::Known(keys.as_ref().clone())),
                Ok(None) => {}
                Err(error) => return Err(SaslFailure::from(&error)),
            }
        }
        Ok(ScramCredentials::decoy(lookup.hash, self.environment.secret(), user, ScramKeys::ITERATIONS))
    }
}

/// Asks one method after the other until one can do it; the answer that says most is kept.
macro_rules! first_that_can {
    ($methods:expr, $method:ident => $operation:expr) => {{
        let mut outcome = Err(AuthError::NotAllowed);
        for $method in $methods {
            match $operation.await {
                Err(AuthError::NotAllowed) => {}
                Err(AuthError::NotFound) => outcome = Err(AuthError::NotFound),
                other => return other,
            }
        }
        outcome
    }};
}

impl Accounts for HostAccounts {
    fn exists<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<bool, AuthError>> {
        Box::pin(async move {
            match normal(user) {
                Ok(user) => self.any_exists(&user).await,
                Err(_) => Ok(false),
            }
        })
    }

    fn credentials<'a>(
        &'a self,
        user: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<StoredCredentials>>, AuthError>> {
        Box::pin(async move {
            let Ok(user) = normal(user) else { return Ok(None) };
            for method in &self.methods {
                if let Some(stored) = method.credentials(&user).await? {
                    return Ok(Some(stored));
                }
            }
            Ok(None)
        })
    }

    fn check_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<Verdict, AuthError>> {
        Box::pin(async move {
            let Ok(user) = normal(user) else { return Ok(Verdict::Refused) };
            match self.ban_text(&user).await? {
                Some(text) => Ok(Verdict::Banned(text)),
                None => self.ask(&user, password).await,
            }
        })
    }

    fn set_password<'a>(
        &'a self,
        user: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let user = normal(user)?;
            first_that_can!(&self.methods, method => method.set_password(&user, password))
        })
    }

    fn set_keys<'a>(&'a self, user: &'a str, keys: ScramKeys) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let user = normal(user)?;
            first_that_can!(&self.methods, method => method.set_keys(&user, keys.clone()))
        })
    }

    fn register<'a>(&'a self, user: &'a str, password: &'a Secret) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let user = normal(user)?;
            if self.any_exists(&user).await? {
                return Err(AuthError::Exists);
            }
            first_that_can!(&self.methods, method => method.register(&user, password))
        })
    }

    fn remove<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let user = normal(user)?;
            let mut outcome = Ok(());
            for method in &self.methods {
                match method.remove(&user).await {
                    Ok(()) | Err(AuthError::NotAllowed | AuthError::NotFound) => {}
                    Err(error) => outcome = Err(error),
                }
            }
            outcome
        })
    }

    fn list<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Vec<Text>, AuthError>> {
        Box::pin(async move {
            let page = Page { prefix: normal_prefix(&page.prefix), ..page.clone() };
            let mut names = Vec::new();
            for method in &self.methods {
                names.extend(method.list(&page).await?);
            }
            if self.methods.len() > 1 {
                names.sort_unstable();
                names.dedup();
                names.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
            }
            Ok(names)
        })
    }

    fn count<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, AuthError>> {
        Box::pin(async move {
            let prefix = normal_prefix(prefix);
            let mut sum = 0;
            for method in &self.methods {
                sum += method.count(&prefix).await?;
            }
            Ok(sum)
        })
    }

    fn drop_password_type(&self, kind: PasswordType) -> BoxFuture<'_, Result<u64, AuthError>> {
        Box::pin(async move {
            let mut sum = 0;
            for method in &self.methods {
                sum += method.drop_password_type(kind).await?;
            }
            Ok(sum)
        })
    }

    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>> {
        Box::pin(async move { self.ban_text(&normal(user)?).await })
    }

    fn scram_answer<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            match self.scram_credentials(lookup).await {
                Ok(credentials) => {
                    Answer::Keys { credentials, nonce: Nonce::from_entropy(&self.environment.random()) }
                }
                Err(failure) => Answer::Refuse(failure),
            }
        })
    }

    fn anonymous_answer(&self) -> Answer {
        match &self.anonymous {
            Some(anonymous) if anonymous.protocol().allows_sasl() => {
                let name = self.environment.random::<16>().map(|byte| format!("{byte:02x}")).concat();
                Answer::Identity(Text::from(name))
            }
            _ => Answer::Refuse(SaslFailure::new(Condition::InvalidMechanism, "anonymous login is off")),
        }
    }

    fn claim_anonymous(&self, user: &str) -> Option<AnonymousClaim> {
        self.anonymous.as_ref()?.claim(&normal(user).ok()?)
    }

    fn stored_types(&self) -> &[PasswordType] {
        &self.stored_types
    }
}

fn normal(user: &str) -> Result<Cow<'_, str>, AuthError> {
    nodeprep(user).map_err(|_| AuthError::InvalidUsername)
}

/// The beginning of a name need not be a valid name, and finds nothing if it is not.
fn normal_prefix(prefix: &str) -> Text {
    Text::from(nodeprep(prefix).unwrap_or(Cow::Borrowed(prefix)))
}
