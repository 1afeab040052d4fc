//! Rows of the table `users`: one for each form in which an account's password is kept.

#[cfg(test)]
mod tests;

use nightjar_sasl::{EncodedKeys, KeyError, ScramHash, ScramKeys, Secret};
use nightjar_store::{Params, Row, StoreError, params};

use crate::{PasswordType, StoredCredentials};

/// Values of `type`; 0 is from schemas before 26.x and tells the form by the row's content.
const UNTYPED: i64 = 0;
pub(crate) const TYPE_NUMBERS: [i64; 5] = [UNTYPED, 1, 2, 3, 4];

pub(crate) fn type_number(kind: PasswordType) -> i64 {
    match kind {
        PasswordType::Plain => 1,
        PasswordType::Scram(ScramHash::Sha1) => 2,
        PasswordType::Scram(ScramHash::Sha256) => 3,
        PasswordType::Scram(ScramHash::Sha512) => 4,
    }
}

/// A password in one form.
#[derive(Clone, Debug)]
pub(crate) enum Password {
    Plain(Secret),
    Keys(ScramKeys),
}

impl Password {
    pub(crate) fn type_number(&self) -> i64 {
        type_number(match self {
            Password::Plain(_) => PasswordType::Plain,
            Password::Keys(keys) => PasswordType::Scram(keys.hash()),
        })
    }

    /// Parameters of an insertion: username, type, password, serverkey, salt, iterationcount.
    pub(crate) fn params(&self, user: &str) -> Params {
        match self {
            Password::Plain(password) => {
                params![user, self.type_number(), password.expose_text().unwrap_or_default(), "", "", 0]
            }
            Password::Keys(keys) => {
                let EncodedKeys { stored_key, server_key, salt, iterations } = keys.encode();
                params![user, self.type_number(), stored_key, server_key, salt, iterations]
            }
        }
    }
}

/// All rows of one account, with the columns type, password, serverkey, salt, iterationcount. A damaged row is left out with a warning: the others may still let the user in.
pub(crate) fn read(user: &str, rows: &[Row]) -> Result<StoredCredentials, StoreError> {
    let mut stored = StoredCredentials::default();
    let mut untyped = None;
    for row in rows {
        let number = row.int(0)?;
        match read_row(number, row)? {
            Ok(password) if number == UNTYPED => untyped = Some(password),
            Ok(password) => keep(&mut stored, password),
            Err(error) => tracing::warn!(user, r#type = number, %error, "stored password is damaged"),
        }
    }
    // A row with a type is newer than one without.
    untyped.into_iter().for_each(|password| keep(&mut stored, password));
    Ok(stored)
}

fn keep(stored: &mut StoredCredentials, password: Password) {
    match password {
        Password::Plain(plain) => stored.plain = stored.plain.take().or(Some(plain)),
        Password::Keys(keys) if stored.keys_for(keys.hash()).is_none() => stored.keys.push(keys),
        Password::Keys(_) => {}
    }
}

fn read_row(number: i64, row: &Row) -> Result<Result<Password, KeyError>, StoreError> {
    let password = row.text(1)?;
    let encoded = |stored_key: &str| -> Result<EncodedKeys, StoreError> {
        Ok(EncodedKeys {
            stored_key: stored_key.to_owned(),
            server_key: row.text(2)?.to_string(),
            salt: row.text(3)?.to_string(),
            iterations: row.int(4)?.try_into().unwrap_or(0),
        })
    };
    let is_plain = row.text(2)?.is_empty() && row.text(3)?.is_empty() && row.int(4)? == 0;
    let (hash, stored_key) = match number {
        _ if is_plain && number <= type_number(PasswordType::Plain) => {
            return Ok(Ok(Password::Plain(Secret::from(password.as_str()))));
        }
        2 => (ScramHash::Sha1, password.as_str()),
        3 => (ScramHash::Sha256, password.as_str()),
        4 => (ScramHash::Sha512, password.as_str()),
        UNTYPED => untyped_hash(&password),
        _ => return Ok(Err(KeyError::Encoding)),
    };
    Ok(ScramKeys::decode(hash, &encoded(stored_key)?).map(Password::Keys))
}

fn untyped_hash(password: &str) -> (ScramHash, &str) {
    let tagged = |tag, hash| password.strip_prefix(tag).map(|key| (hash, key));
    tagged("sha256:", ScramHash::Sha256)
        .or_else(|| tagged("sha512:", ScramHash::Sha512))
        .unwrap_or((ScramHash::Sha1, password))
}
