//! The vCards of a host's accounts, in `vcard` and `vcard_search`.

use std::sync::{Arc, Weak};

use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::host::Host;
use nightjar_base::registry::Registry;
use nightjar_base::{FeatureContext, Kernel};
use nightjar_jid::Jid;
use nightjar_store::{Call, Statement, StoreError, params};
use nightjar_text::Text;
use nightjar_xml::Element;

use super::search;
use crate::account_cache::AccountCache;
use crate::support::AccountLocks;

static GET: Statement = Statement::new("SELECT vcard FROM vcard WHERE username = ? AND {host}");
static PUT: Statement = Statement::upsert("vcard", &["username"], &["vcard"]);
static DELETE: Statement = Statement::new("DELETE FROM vcard WHERE username = ? AND {host}");

/// Learns of changes.
pub trait VcardObserver: Send + Sync {
    /// The account's vCard is another one now; the account is bare.
    fn changed<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, ()>;
}

/// The vCards of one host.
pub struct Vcards {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    cache: AccountCache<Option<Text>>,
    locks: AccountLocks,
    observers: Arc<Registry<Arc<dyn VcardObserver>>>,
}

impl Vcards {
    pub(super) fn new(context: &FeatureContext) -> Vcards {
        Vcards {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            cache: AccountCache::new(&context.options),
            locks: AccountLocks::default(),
            observers: Arc::default(),
        }
    }

    /// Tells `observer` of changes until the guard is dropped.
    pub fn observe(&self, observer: Arc<dyn VcardObserver>) -> Guard {
        self.observers.add(observer)
    }

    fn server(&self) -> Result<(Arc<Kernel>, Arc<Host>), StoreError> {
        self.kernel.upgrade().zip(self.host.upgrade()).ok_or(StoreError::Unavailable)
    }

    /// The vCard of a bare account as XML.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn get(&self, account: &Jid) -> Result<Option<Text>, StoreError> {
        let (kernel, host) = self.server()?;
        let clock = &*kernel.clock;
        if let Some(found) = self.cache.get(account.bare_str(), clock) {
            return Ok(found);
        }
        // Under the lock, so that what is read can't take the place of what is being written.
        let _lock = self.locks.lock(account).await;
        let row = host.store.query_one(&GET, params![user_of(account)]).await?;
        let found = row.map(|row| row.text(0)).transpose()?;
        self.cache.put(account.bare_str(), found.clone(), found.is_none(), clock);
        Ok(found)
    }

    /// Replaces the vCard of a bare account.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set(&self, account: &Jid, vcard: &Element) -> Result<(), StoreError> {
        let user = user_of(account);
        let xml = vcard.raw().detach();
        let calls = vec![(&PUT, params![user, &xml]), search::put(user, vcard.root())];
        self.write(account, calls, Some(xml)).await
    }

    /// Removes the vCard of a bare account.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn remove(&self, account: &Jid) -> Result<(), StoreError> {
        let user = user_of(account);
        let calls: Vec<Call> = vec![(&DELETE, params![user]), search::delete(user)];
        self.write(account, calls, None).await
    }

    async fn write(&self, account: &Jid, calls: Vec<Call>, xml: Option<Text>) -> Result<(), StoreError> {
        let (kernel, host) = self.server()?;
        {
            let _lock = self.locks.lock(account).await;
            host.store.transaction(calls).await?;
            let is_missed = xml.is_none();
            self.cache.put(account.bare_str(), xml, is_missed, &*kernel.clock);
        }
        for observer in self.observers.all() {
            observer.changed(account).await;
        }
        Ok(())
    }
}

fn user_of(account: &Jid) -> &str {
    account.local().unwrap_or_default()
}
