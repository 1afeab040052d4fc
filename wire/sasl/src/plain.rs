use nightjar_text::Text;

use crate::account::{local_part, own_authzid};
use crate::{SaslFailure, Secret};

/// PLAIN's message (RFC 4616 §2); X-OAUTH2 has the same shape.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) username: Text,
    pub(crate) authzid: Option<Text>,
    pub(crate) password: Secret,
}

impl Plain {
    pub(crate) fn read(input: &[u8], host: &str) -> Result<Plain, SaslFailure> {
        let message = std::str::from_utf8(input).map_err(|_| SaslFailure::malformed("not UTF-8 text"))?;
        let mut fields = message.split('\0');
        let (Some(authzid), Some(authcid), Some(password), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(SaslFailure::malformed("not three fields"));
        };
        if authcid.is_empty() || password.is_empty() {
            return Err(SaslFailure::malformed("empty username or password"));
        }
        let username = local_part(authcid, host)?;
        let authzid = own_authzid(Some(authzid), &username, host)?;
        Ok(Plain { username, authzid, password: Secret::from(password) })
    }
}
