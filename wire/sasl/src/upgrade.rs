#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{SaslFailure, ScramHash, ScramKeys, Secret};

/// An upgrade task (XEP-0480): the client hands over the SaltedPassword of a hash the server has no keys of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpgradeTask(ScramHash);

impl UpgradeTask {
    /// `None` for SHA-1: nothing is upgraded to it.
    pub fn to(hash: ScramHash) -> Option<UpgradeTask> {
        (hash != ScramHash::Sha1).then_some(UpgradeTask(hash))
    }

    pub fn hash(self) -> ScramHash {
        self.0
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            ScramHash::Sha512 => "UPGR-SCRAM-SHA-512",
            _ => "UPGR-SCRAM-SHA-256",
        }
    }

    pub fn from_name(name: &str) -> Option<UpgradeTask> {
        ScramHash::ALL.into_iter().filter_map(UpgradeTask::to).find(|task| task.name() == name)
    }
}

/// A running upgrade: salt and iteration count are sent, the client's `<hash/>` is awaited (XEP-0480 §3).
#[derive(Clone, Debug)]
pub struct ScramUpgrade {
    task: UpgradeTask,
    salt: [u8; ScramKeys::SALT_BYTES],
    iterations: u32,
}

impl ScramUpgrade {
    /// `salt` must be fresh random bytes.
    pub fn start(task: UpgradeTask, salt: [u8; ScramKeys::SALT_BYTES], iterations: u32) -> ScramUpgrade {
        ScramUpgrade { task, salt, iterations: iterations.max(1) }
    }

    pub fn task(&self) -> UpgradeTask {
        self.task
    }

    /// Content of `<salt/>`.
    pub fn salt_base64(&self) -> String {
        STANDARD.encode(self.salt)
    }

    /// Attribute `iterations` of `<salt/>`.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Takes the content of `<hash/>`, base64 of the SaltedPassword, and gives the keys to store.
    pub fn finish(self, hash_base64: &str) -> Result<ScramKeys, SaslFailure> {
        let hash = self.task.hash();
        let decoded = STANDARD.decode(hash_base64.trim()).map_err(|_| SaslFailure::incorrect_encoding())?;
        let salted = Secret::new(decoded);
        if salted.expose().len() != hash.size() {
            return Err(SaslFailure::malformed("salted password has the wrong length"));
        }
        Ok(ScramKeys::from_salted_password(hash, salted.expose(), &self.salt, self.iterations))
    }
}
