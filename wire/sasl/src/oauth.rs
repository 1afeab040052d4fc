use std::borrow::Cow;

use nightjar_text::Text;

use crate::account::local_part;
use crate::scram::sasl_name;
use crate::{Condition, OauthCheck, SaslFailure, Secret};

/// What OAUTHBEARER's server sends before it fails (RFC 7628 §3.2.2); the client answers with one `\x01`.
pub(crate) const INVALID_TOKEN: &[u8] = br#"{"status":"invalid_token","scope":"sasl_auth"}"#;
/// The same for a token that holds, but for other things (RFC 6750 §3.1).
pub(crate) const INSUFFICIENT_SCOPE: &[u8] = br#"{"status":"insufficient_scope","scope":"sasl_auth"}"#;

/// The name in OAUTHBEARER's client message, as the client wrote it; `None` if there is none, or if the header can't be
/// read.
pub fn claimed_authzid(message: &[u8]) -> Option<String> {
    let header = message.split(|byte| *byte == 1).next()?;
    let authzid = header_authzid(std::str::from_utf8(header).ok()?).ok()?;
    authzid.map(Cow::into_owned)
}

/// Reads OAUTHBEARER's client message (RFC 7628 §3.1): `gs2-header \x01 *(key "=" value \x01) \x01`.
pub(crate) fn read_bearer(input: &[u8], host: &str) -> Result<OauthCheck, SaslFailure> {
    let message = std::str::from_utf8(input).map_err(|_| malformed("not UTF-8 text"))?;
    let (header, rest) = message.split_once('\u{1}').ok_or(malformed("no header"))?;
    let pairs = rest.strip_suffix("\u{1}\u{1}").ok_or(malformed("message is not closed"))?;
    let username = match header_authzid(header)? {
        None => None,
        Some(authzid) => Some(account(&authzid, host)?),
    };
    let mut token = None;
    for pair in pairs.split('\u{1}') {
        match pair.split_once('=').ok_or(malformed("pair without value"))? {
            ("auth", value) if token.is_none() => token = Some(bearer(value)?),
            ("auth", _) => return Err(malformed("two tokens")),
            (key, _) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic()) => {}
            _ => return Err(malformed("bad key")),
        }
    }
    Ok(OauthCheck { username, token: token.ok_or(malformed("no token"))? })
}

/// `n,,` or `n,a=saslname,` (RFC 5801 §4).
fn header_authzid(header: &str) -> Result<Option<Cow<'_, str>>, SaslFailure> {
    let bad = malformed("bad header");
    let rest = header.strip_prefix("n,").or_else(|| header.strip_prefix("y,")).ok_or(bad.clone())?;
    let authzid = rest.strip_suffix(',').ok_or(bad.clone())?;
    if authzid.is_empty() {
        return Ok(None);
    }
    let name = authzid.strip_prefix("a=").filter(|name| !name.contains(',')).ok_or(bad)?;
    sasl_name(name).map(Some)
}

fn account(authzid: &str, host: &str) -> Result<Text, SaslFailure> {
    local_part(authzid, host)
        .map_err(|_| SaslFailure::new(Condition::InvalidAuthzid, "authorization identity is no account here"))
}

/// RFC 6750 §2.1: the scheme is case-insensitive, the token b64token.
fn bearer(value: &str) -> Result<Secret, SaslFailure> {
    let (scheme, token) = value.split_once(' ').ok_or(malformed("no token"))?;
    let token = token.trim_start_matches(' ');
    let valid = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && valid {
        Ok(Secret::from(token))
    } else {
        Err(malformed("not a bearer token"))
    }
}

fn malformed(reason: &'static str) -> SaslFailure {
    SaslFailure::malformed(reason)
}
