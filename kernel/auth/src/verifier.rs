#[cfg(test)]
mod tests;

use std::sync::Arc;

use nightjar_sasl::{BadPassword, ScramHash, ScramKeys, Secret};
use nightjar_text::Text;
use quick_cache::sync::Cache;

use crate::{AuthError, Environment, PasswordType, StoredCredentials};

/// How many accounts' verified passwords, and derived keys, are remembered: about 200 bytes each.
const REMEMBERED_MAX: usize = 16_384;

/// Checks passwords against what is stored, and makes keys for SCRAM where only the password is stored.
///
/// A derivation costs about half a millisecond, so it runs aside, and its outcome is remembered as a hash under a key
/// that only this process knows. The hash covers what was stored too: after a change of the password, by whomever, the
/// memory does not fit any more and needs no clearing.
pub(crate) struct Verifier {
    environment: Environment,
    process_key: Secret,
    /// Whether accounts here keep the password itself, so that SCRAM means deriving keys.
    derives: bool,
    kept_hashes: Vec<ScramHash>,
    verified: Cache<Text, Secret>,
    derived: Cache<(Text, ScramHash), Derived>,
}

#[derive(Clone)]
struct Derived {
    /// Of the password the keys are for.
    tag: Secret,
    keys: Arc<ScramKeys>,
}

impl Verifier {
    pub(crate) fn new(environment: Environment, types: &[PasswordType]) -> Verifier {
        let kept_hashes = types.iter().filter_map(|kind| match kind {
            PasswordType::Plain => None,
            PasswordType::Scram(hash) => Some(*hash),
        });
        Verifier {
            process_key: Secret::new(environment.random::<32>().to_vec()),
            environment,
            derives: types.contains(&PasswordType::Plain),
            kept_hashes: kept_hashes.collect(),
            verified: Cache::new(REMEMBERED_MAX),
            derived: Cache::new(REMEMBERED_MAX),
        }
    }

    /// Whether `password` is the account's; for an account that does not exist, no, in the same time.
    pub(crate) async fn check(
        &self,
        user: &str,
        stored: Option<&StoredCredentials>,
        password: &Secret,
    ) -> Result<bool, AuthError> {
        let Some(stored) = stored else { return self.check_unknown(user, password).await };
        if let Some(plain) = &stored.plain {
            return Ok(!password.is_empty() && self.tag(plain).same_as(self.tag(password).expose()));
        }
        // SHA-256 is the fastest of the three on common processors, SHA-512 the slowest.
        let order = [ScramHash::Sha256, ScramHash::Sha1, ScramHash::Sha512];
        let Some(keys) = order.into_iter().find_map(|hash| stored.keys_for(hash)) else { return Ok(false) };
        let tag = keys.verification_tag(&self.process_key, password);
        if self.verified.get(user).is_some_and(|known| known.same_as(tag.expose())) {
            return Ok(true);
        }
        let right = self.check_keys(keys, password).await?;
        if right {
            self.verified.insert(Text::new(user), tag);
        }
        Ok(right)
    }

    /// Keys of an account that keeps the password itself.
    pub(crate) async fn derive(
        &self,
        user: &str,
        hash: ScramHash,
        password: &Secret,
    ) -> Result<Arc<ScramKeys>, AuthError> {
        let tag = self.tag(password);
        let name = (Text::new(user), hash);
        if let Some(known) = self.derived.get(&name).filter(|known| known.tag.same_as(tag.expose())) {
            return Ok(known.keys);
        }
        // The salt an unknown account of this name would show: coming and going changes nothing that can be seen.
        let salt = self.decoy(user, hash).salt().to_vec();
        let password = password.clone();
        let derive = move || ScramKeys::derive(hash, &password, &salt, ScramKeys::ITERATIONS);
        let keys = Arc::new(self.environment.derive(derive).await??);
        self.derived.insert(name, Derived { tag, keys: keys.clone() });
        Ok(keys)
    }

    /// Spends the time on an unknown account that SCRAM would spend on a known one.
    pub(crate) async fn pretend_to_derive(&self, user: &str, hash: ScramHash) -> Result<(), AuthError> {
        if self.derives && !self.kept_hashes.contains(&hash) {
            self.derive(user, hash, &Secret::from("an account that does not exist")).await?;
        }
        Ok(())
    }

    /// The forms in which a new password is kept.
    pub(crate) async fn keys(&self, password: &Secret) -> Result<Vec<ScramKeys>, AuthError> {
        let salted: Vec<(ScramHash, [u8; ScramKeys::SALT_BYTES])> =
            self.kept_hashes.iter().map(|hash| (*hash, self.environment.random())).collect();
        let password = password.clone();
        let derive = move || -> Result<Vec<ScramKeys>, BadPassword> {
            let derive = |(hash, salt): &(_, [u8; _])| {
                ScramKeys::derive(*hash, &password, salt, ScramKeys::ITERATIONS)
            };
            salted.iter().map(derive).collect()
        };
        Ok(self.environment.derive(derive).await??)
    }

    fn decoy(&self, user: &str, hash: ScramHash) -> ScramKeys {
        ScramKeys::decoy(hash, self.environment.secret(), user, ScramKeys::ITERATIONS)
    }

    async fn check_unknown(&self, user: &str, password: &Secret) -> Result<bool, AuthError> {
        if !self.derives {
            let hash = self.kept_hashes.first().copied().unwrap_or(ScramHash::Sha256);
            self.check_keys(&self.decoy(user, hash), password).await?;
        }
        Ok(false)
    }

    async fn check_keys(&self, keys: &ScramKeys, password: &Secret) -> Result<bool, AuthError> {
        let (keys, password) = (keys.clone(), password.clone());
        self.environment.derive(move || keys.check_password(&password)).await
    }

    fn tag(&self, password: &Secret) -> Secret {
        Secret::new(ScramHash::Sha256.hmac(self.process_key.expose(), &[password.expose()]))
    }
}
