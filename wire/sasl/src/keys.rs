#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_jid::saslprep;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{ScramHash, Secret};

/// What a server stores instead of a password (RFC 5802 §3), for one hash function.
#[derive(Clone)]
pub struct ScramKeys {
    hash: ScramHash,
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Secret,
    server_key: Secret,
}

/// [`ScramKeys`] as databases keep them: base64 texts and a number.
#[derive(Clone)]
pub struct EncodedKeys {
    pub stored_key: String,
    pub server_key: String,
    pub salt: String,
    pub iterations: u32,
}

/// The password is empty or holds characters SASLprep (RFC 4013) prohibits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the password is empty or holds prohibited characters")]
pub struct BadPassword;

/// Stored keys that cannot be keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("stored key is not base64")]
    Encoding,
    #[error("stored key has the wrong length for its hash")]
    Length,
    #[error("salt is empty")]
    Salt,
    #[error("iteration count is outside 1 to {max}", max = ScramKeys::ITERATIONS_MAX)]
    Iterations,
}

impl ScramKeys {
    /// Iteration count of new keys (RFC 5802 §5.1 and ejabberd's default).
    pub const ITERATIONS: u32 = 4096;
    /// A stored count above this is taken for damage: one login would occupy a core for minutes.
    pub const ITERATIONS_MAX: u32 = 10_000_000;
    /// Length of new salts in bytes.
    pub const SALT_BYTES: usize = 16;

    /// Derives keys from a password: PBKDF2, so about 0.4 ms for 4096 iterations. `iterations` is at least 1.
    pub fn derive(
        hash: ScramHash,
        password: &Secret,
        salt: &[u8],
        iterations: u32,
    ) -> Result<ScramKeys, BadPassword> {
        let salted = hash.salted_password(&prepare(password)?, salt, iterations);
        Ok(ScramKeys::from_salted_password(hash, &salted, salt, iterations))
    }

    /// Derives keys from RFC 5802's SaltedPassword, which XEP-0480 has the client send.
    pub fn from_salted_password(hash: ScramHash, salted: &[u8], salt: &[u8], iterations: u32) -> ScramKeys {
        let client_key = Zeroizing::new(hash.hmac(salted, &[b"Client Key"]));
        ScramKeys {
            hash,
            salt: salt.to_vec(),
            iterations,
            stored_key: Secret::new(hash.digest(&client_key)),
            server_key: Secret::new(hash.hmac(salted, &[b"Server Key"])),
        }
    }

    /// Keys nobody has a password for, the same ones each time for one account name: what an unknown account shows,
    /// so that its salt and iteration count look like a real account's. `secret` is the server's.
    pub fn decoy(hash: ScramHash, secret: &Secret, username: &str, iterations: u32) -> ScramKeys {
        let material =
            |label: &str| hash.hmac(secret.expose(), &[label.as_bytes(), &[0], username.as_bytes()]);
        let mut salt = material("salt");
        salt.truncate(ScramKeys::SALT_BYTES);
        ScramKeys {
            hash,
            salt,
            iterations,
            stored_key: Secret::new(material("stored key")),
            server_key: Secret::new(material("server key")),
        }
    }

    /// Whether `password` is the one these keys were derived from. Costs one PBKDF2.
    pub fn check_password(&self, password: &Secret) -> bool {
        ScramKeys::derive(self.hash, password, &self.salt, self.iterations)
            .is_ok_and(|derived| self.stored_key.same_as(derived.stored_key.expose()))
    }

    /// A stand-in for a check that was made before: equal only for the same keys and password. `process_key` must be
    /// random and never leave the process, or the tag would be a hash that is cheap to guess against.
    pub fn verification_tag(&self, process_key: &Secret, password: &Secret) -> Secret {
        let parts = [self.stored_key.expose(), password.expose()];
        Secret::new(self.hash.hmac(process_key.expose(), &parts))
    }

    pub fn hash(&self) -> ScramHash {
        self.hash
    }

    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(crate) fn stored_key(&self) -> &Secret {
        &self.stored_key
    }

    pub(crate) fn server_key(&self) -> &Secret {
        &self.server_key
    }

    pub fn encode(&self) -> EncodedKeys {
        EncodedKeys {
            stored_key: STANDARD.encode(self.stored_key.expose()),
            server_key: STANDARD.encode(self.server_key.expose()),
            salt: STANDARD.encode(&self.salt),
            iterations: self.iterations,
        }
    }

    /// Reads stored keys; checks lengths and the iteration count, since what a database holds is input too.
    pub fn decode(hash: ScramHash, encoded: &EncodedKeys) -> Result<ScramKeys, KeyError> {
        let stored_key = key(hash, &encoded.stored_key)?;
        let server_key = key(hash, &encoded.server_key)?;
        let salt = STANDARD.decode(&encoded.salt).map_err(|_| KeyError::Encoding)?;
        if salt.is_empty() {
            return Err(KeyError::Salt);
        }
        if !(1..=ScramKeys::ITERATIONS_MAX).contains(&encoded.iterations) {
            return Err(KeyError::Iterations);
        }
        Ok(ScramKeys { hash, salt, iterations: encoded.iterations, stored_key, server_key })
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScramKeys")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EncodedKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EncodedKeys([hidden])")
    }
}

fn key(hash: ScramHash, encoded: &str) -> Result<Secret, KeyError> {
    let key = Secret::new(STANDARD.decode(encoded).map_err(|_| KeyError::Encoding)?);
    if key.expose().len() == hash.size() { Ok(key) } else { Err(KeyError::Length) }
}

fn prepare(password: &Secret) -> Result<Zeroizing<Vec<u8>>, BadPassword> {
    let text = password.expose_text().ok_or(BadPassword)?;
    let prepared = saslprep(text).map_err(|_| BadPassword)?;
    if prepared.is_empty() {
        return Err(BadPassword);
    }
    Ok(Zeroizing::new(prepared.into_owned().into_bytes()))
}
