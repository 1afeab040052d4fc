#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use nightjar_sasl::Secret;
use nightjar_text::Text;
use parking_lot::Mutex;

use crate::accounts::BoxFuture;
use crate::{AnonymousProtocol, AuthError, AuthMethod, AuthOptions, Method, MethodVerdict, Page};

/// Accounts that exist as long as somebody is logged in with them.
///
/// Which names are in use is known on this node only.
pub struct AnonymousAccounts {
    protocol: AnonymousProtocol,
    allow_multiple_connections: bool,
    online: Arc<Mutex<BTreeMap<Text, usize>>>,
}

/// A name in use by an anonymous session; free again when every claim on it is dropped.
#[derive(Debug)]
pub struct AnonymousClaim {
    user: Text,
    online: Arc<Mutex<BTreeMap<Text, usize>>>,
}

impl AnonymousAccounts {
    pub fn new(options: &AuthOptions) -> AnonymousAccounts {
        AnonymousAccounts {
            protocol: options.anonymous_protocol,
            allow_multiple_connections: options.allow_multiple_connections,
            online: Arc::default(),
        }
    }

    pub fn protocol(&self) -> AnonymousProtocol {
        self.protocol
    }

    /// Takes a name, normalised; `None` if it is in use and may not be shared.
    pub fn claim(&self, user: &str) -> Option<AnonymousClaim> {
        let mut online = self.online.lock();
        let user = Text::new(user);
        let sessions = online.entry(user.clone()).or_insert(0);
        if *sessions > 0 && !self.allow_multiple_connections {
            return None;
        }
        *sessions += 1;
        Some(AnonymousClaim { user, online: self.online.clone() })
    }

    fn is_online(&self, user: &str) -> bool {
        self.online.lock().contains_key(user)
    }
}

impl Drop for AnonymousClaim {
    fn drop(&mut self) {
        let mut online = self.online.lock();
        if let Some(sessions) = online.get_mut(&self.user) {
            *sessions -= 1;
            if *sessions == 0 {
                online.remove(&self.user);
            }
        }
    }
}

impl Method for AnonymousAccounts {
    fn kind(&self) -> AuthMethod {
        AuthMethod::Anonymous
    }

    fn exists<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<bool, AuthError>> {
        Box::pin(async move { Ok(self.is_online(user)) })
    }

    fn check_password<'a>(
        &'a self,
        user: &'a str,
        _password: &'a Secret,
    ) -> BoxFuture<'a, Result<MethodVerdict, AuthError>> {
        Box::pin(async move {
            let free = self.allow_multiple_connections || !self.is_online(user);
            let accepted = self.protocol.allows_login() && free;
            Ok(if accepted { MethodVerdict::Accepted } else { MethodVerdict::Refused })
        })
    }

    fn list<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Vec<Text>, AuthError>> {
        Box::pin(async move {
            let start = if page.after >= page.prefix && !page.after.is_empty() {
                Bound::Excluded(&page.after)
            } else {
                Bound::Included(&page.prefix)
            };
            let online = self.online.lock();
            let names = online.range::<Text, _>((start, Bound::Unbounded)).map(|(name, _)| name.clone());
            let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
            Ok(names.take_while(|name| name.starts_with(page.prefix.as_str())).take(limit).collect())
        })
    }

    fn count<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<u64, AuthError>> {
        Box::pin(async move {
            let online = self.online.lock();
            let from = (Bound::Included(Text::new(prefix)), Bound::Unbounded);
            let names = online.range::<Text, _>(from).take_while(|(name, _)| name.starts_with(prefix));
            Ok(u64::try_from(names.count()).unwrap_or(0))
        })
    }
}
