//! SCRAM client (RFC 5802, RFC 7677) without channel binding.

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// The hash of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// Runs `$body` with `$digest` naming the hash's type.
macro_rules! with_digest {
    ($hash:expr, $digest:ident => $body:expr) => {
        match $hash {
            Hash::Sha1 => {
                type $digest = sha1::Sha1;
                $body
            }
            Hash::Sha256 => {
                type $digest = sha2::Sha256;
                $body
            }
            Hash::Sha512 => {
                type $digest = sha2::Sha512;
                $body
            }
        }
    };
}

/// What a server asked the password to be salted with, and the result: the costly part, worth keeping between logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salted {
    salt: String,
    iterations: u32,
    password: Vec<u8>,
}

/// The client's last message, and the signature the server must answer with.
#[derive(Debug)]
pub struct Final {
    pub message: String,
    pub server_signature: String,
    pub salted: Salted,
}

/// The message without its gs2 header (`n,,`): `n=user,r=nonce`.
pub fn first_bare(user: &str, nonce: &str) -> String {
    format!("n={user},r={nonce}")
}

/// Answers the server's first message. `known`: the result of an earlier login of the same account.
pub fn finish(
    hash: Hash,
    password: &str,
    first_bare: &str,
    challenge: &str,
    known: Option<&Salted>,
) -> Result<Final> {
    let field = |name: &str| {
        challenge
            .split(',')
            .find_map(|part| part.strip_prefix(name))
            .with_context(|| format!("no {name} in {challenge}"))
    };
    let (nonce, salt, iterations) = (field("r=")?, field("s=")?, field("i=")?.parse::<u32>()?);
    ensure!(iterations <= 1_000_000, "{iterations} iterations asked for");
    let salted = match known {
        Some(known) if known.salt == salt && known.iterations == iterations => known.clone(),
        _ => Salted {
            salt: salt.into(),
            iterations,
            password: salt_password(hash, password, salt, iterations)?,
        },
    };
    let without_proof = format!("c=biws,r={nonce}");
    let auth_message = format!("{first_bare},{challenge},{without_proof}");
    let client_key = mac(hash, &salted.password, b"Client Key")?;
    let signature = mac(hash, &digest(hash, &client_key), auth_message.as_bytes())?;
    let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, mask)| key ^ mask).collect();
    let server_key = mac(hash, &salted.password, b"Server Key")?;
    let server_signature = BASE64.encode(mac(hash, &server_key, auth_message.as_bytes())?);
    Ok(Final { message: format!("{without_proof},p={}", BASE64.encode(proof)), server_signature, salted })
}

fn salt_password(hash: Hash, password: &str, salt: &str, iterations: u32) -> Result<Vec<u8>> {
    let salt = BASE64.decode(salt)?;
    Ok(with_digest!(hash, D => {
        let mut out = vec![0; <D as Digest>::output_size()];
        pbkdf2::pbkdf2_hmac::<D>(password.as_bytes(), &salt, iterations, &mut out);
        out
    }))
}

fn mac(hash: Hash, key: &[u8], data: &[u8]) -> Result<Vec<u8>> {
    Ok(with_digest!(hash, D => {
        let mut mac = Hmac::<D>::new_from_slice(key)?;
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    }))
}

fn digest(hash: Hash, data: &[u8]) -> Vec<u8> {
    with_digest!(hash, D => D::digest(data).to_vec())
}

#[cfg(test)]
mod tests;
