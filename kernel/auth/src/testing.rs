//! A clock, a random source and a database that tests own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use nightjar_sasl::{ScramHash, Secret};
use nightjar_store::{Params, Statement, Store};

use crate::{AuthOptions, Environment, PasswordType};

pub(crate) const HOST: &str = "example.org";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) environment: Environment,
    now_micros: Arc<AtomicI64>,
}

impl World {
    pub(crate) fn new() -> World {
        let now_micros = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let (clock, state) = (now_micros.clone(), AtomicU64::new(1));
        let random = move |bytes: &mut [u8]| {
            for byte in bytes {
                // Knuth's generator; its upper bits are good enough to be told apart.
                let next = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let old = state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |state| Some(next(state)));
                *byte = (old.unwrap() >> 56) as u8;
            }
        };
        let secret = Secret::from("the server's secret");
        World {
            store: nightjar_sqlite::temporary(HOST),
            environment: Environment::new(random, move || clock.load(Ordering::SeqCst), secret),
            now_micros,
        }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now_micros.fetch_add(time.as_micros().try_into().unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.now_micros.load(Ordering::SeqCst)
    }

    /// Changes the database behind everybody's back.
    pub(crate) async fn sql(&self, sql: &'static str, params: Params) -> u64 {
        self.store.execute(Statement::interned(sql), params).await.unwrap()
    }

    /// The first column of all rows, as texts.
    pub(crate) async fn column(&self, sql: &'static str, params: Params) -> Vec<String> {
        let rows = self.store.query(Statement::interned(sql), params).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_string()).collect()
    }
}

pub(crate) const PLAIN: PasswordType = PasswordType::Plain;
pub(crate) const SHA1: PasswordType = PasswordType::Scram(ScramHash::Sha1);
pub(crate) const SHA256: PasswordType = PasswordType::Scram(ScramHash::Sha256);
pub(crate) const SHA512: PasswordType = PasswordType::Scram(ScramHash::Sha512);

pub(crate) fn storing(types: &[PasswordType]) -> AuthOptions {
    AuthOptions { stored_password_types: types.to_vec(), ..AuthOptions::default() }
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from(text)
}
