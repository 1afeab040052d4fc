use nightjar_jid::{nameprep, nodeprep};
use nightjar_text::Text;

use crate::{Condition, SaslFailure};

const BAD_AUTHZID: SaslFailure =
    SaslFailure::new(Condition::InvalidAuthzid, "authorization identity is not the account's own");

/// The account an authentication identity names: a local part, or a bare JID of this host as some clients send it.
pub(crate) fn local_part(raw: &str, host: &str) -> Result<Text, SaslFailure> {
    let (local, domain) = split(raw);
    if domain.is_some_and(|domain| !is_host(domain, host)) {
        return Err(SaslFailure::not_authorized("username of another host"));
    }
    match nodeprep(local) {
        Ok(local) if !local.is_empty() => Ok(Text::new(&local)),
        _ => Err(SaslFailure::not_authorized("malformed username")),
    }
}

/// Accepts an authorization identity only if it is the account's own bare JID, or its local part (RFC 6120 §6.3.8).
/// Nobody acts for another account here, so anything else is refused before a password is looked at.
pub(crate) fn own_authzid(raw: Option<&str>, local: &str, host: &str) -> Result<Option<Text>, SaslFailure> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(None) };
    let (named, domain) = split(raw);
    let same_host = domain.is_none_or(|domain| is_host(domain, host));
    let same_account = nodeprep(named).is_ok_and(|named| named == local);
    if same_host && same_account { Ok(Some(Text::from(format!("{local}@{host}")))) } else { Err(BAD_AUTHZID) }
}

fn split(raw: &str) -> (&str, Option<&str>) {
    raw.split_once('@').map_or((raw, None), |(local, domain)| (local, Some(domain)))
}

fn is_host(domain: &str, host: &str) -> bool {
    nameprep(domain).is_ok_and(|domain| domain == host)
}
