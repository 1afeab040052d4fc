use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use nightjar_sasl::Secret;
use tokio::sync::Semaphore;

use crate::AuthError;

type Random = dyn Fn(&mut [u8]) + Send + Sync;
type Clock = dyn Fn() -> i64 + Send + Sync;

/// Time, randomness and processor time, shared by the accounts of all hosts.
#[derive(Clone)]
pub struct Environment {
    random: Arc<Random>,
    unix_micros: Arc<Clock>,
    secret: Secret,
    derivations: Arc<Semaphore>,
}

impl Environment {
    /// `random` fills with bytes nobody can guess, `unix_micros` is the wall clock. `secret` makes unknown accounts
    /// look like known ones: at least 16 random bytes that stay the same over restarts and on all nodes.
    pub fn new(
        random: impl Fn(&mut [u8]) + Send + Sync + 'static,
        unix_micros: impl Fn() -> i64 + Send + Sync + 'static,
        secret: Secret,
    ) -> Environment {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Environment {
            random: Arc::new(random),
            unix_micros: Arc::new(unix_micros),
            secret,
            derivations: Arc::new(Semaphore::new(cores)),
        }
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    pub(crate) fn unix_micros(&self) -> i64 {
        (self.unix_micros)()
    }

    /// From now on every derivation fails: shows which checks can do without.
    #[cfg(test)]
    pub(crate) fn refuse_derivations(&self) {
        self.derivations.close();
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Runs a key derivation beside the threads that serve connections, as many at a time as there are cores: a
    /// flood of logins queues here and slows nobody who is logged in.
    pub(crate) async fn derive<T: Send + 'static>(
        &self,
        derivation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let permit = self.derivations.clone().acquire_owned().await.map_err(|_| AuthError::Stopping)?;
        let run = move || {
            let derived = derivation();
            drop(permit);
            derived
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| AuthError::Stopping)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment")
    }
}
