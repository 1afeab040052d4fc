//! Stream headers (RFC 6120 §4.7, RFC 7395 §3.4).

use nightjar_jid::Jid;
use nightjar_text::Text;

use super::FramingKind;
use crate::ns;
use crate::stream::{Header, is_version_supported, language};
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::write;

/// A header that passed the checks.
pub(super) struct Checked {
    pub(super) host: Jid,
    pub(super) from: Option<Jid>,
    pub(super) lang: Option<Text>,
}

/// Checks version and addresses. `host`, as the client named it, and `account` are what earlier headers and
/// authentication have settled.
pub(super) fn check(
    header: Header,
    host: Option<&Jid>,
    account: Option<&Jid>,
) -> Result<Checked, StreamError> {
    if !is_version_supported(header.version.as_deref()) {
        return Err(StreamErrorCondition::UnsupportedVersion.into());
    }
    let Some(to) = header.to.as_ref() else {
        return Err(StreamError::with_text(
            StreamErrorCondition::ImproperAddressing,
            "Missing 'to' attribute",
        ));
    };
    let to = Jid::from_text(to).ok().filter(Jid::is_domain);
    let to = to.ok_or(StreamErrorCondition::ImproperAddressing)?;
    if host.is_some_and(|host| *host != to) {
        // Authenticated at one host, a client must not end up at another.
        let text = "The host must not change during a stream";
        return Err(StreamError::with_text(StreamErrorCondition::NotAuthorized, text));
    }
    let from = match header.from.as_ref() {
        None => None,
        Some(from) => Some(Jid::from_text(from).map_err(|_| StreamErrorCondition::InvalidFrom)?),
    };
    if from.as_ref().is_some_and(|from| !may_be_from(from, &to, account)) {
        return Err(StreamErrorCondition::InvalidFrom.into());
    }
    Ok(Checked { host: to, from, lang: language(header.lang) })
}

/// XEP-0388 §2.1: the domain is the host's. Once the account is known it is the only one.
fn may_be_from(from: &Jid, host: &Jid, account: Option<&Jid>) -> bool {
    match account {
        Some(account) => {
            from.local() == account.local() && [host.domain(), account.domain()].contains(&from.domain())
        }
        None => from.domain() == host.as_str(),
    }
}

/// The server's header. `from` stays out where the host is not served here.
pub(super) fn write(framing: FramingKind, id: &str, from: Option<&Jid>, to: Option<&Jid>) -> String {
    let mut out = String::with_capacity(256);
    match framing {
        FramingKind::Stream => {
            out.push_str("<?xml version='1.0'?><stream:stream");
            write::attribute(&mut out, "xmlns", ns::CLIENT);
            write::attribute(&mut out, "xmlns:stream", ns::STREAMS);
        }
        FramingKind::WebSocket => {
            out.push_str("<open");
            write::attribute(&mut out, "xmlns", ns::FRAMING);
        }
    }
    write::attribute(&mut out, "id", id);
    write::attribute_if(&mut out, "from", from.map(Jid::as_str));
    write::attribute_if(&mut out, "to", to.map(Jid::as_str));
    write::attribute(&mut out, "version", "1.0");
    write::attribute(&mut out, "xml:lang", "en");
    out.push_str(match framing {
        FramingKind::Stream => ">",
        FramingKind::WebSocket => "/>",
    });
    out
}

/// The end of the server's stream.
pub(super) fn write_close(framing: FramingKind) -> String {
    match framing {
        FramingKind::Stream => "</stream:stream>".to_owned(),
        FramingKind::WebSocket => {
            let mut out = String::from("<close");
            write::attribute(&mut out, "xmlns", ns::FRAMING);
            out.push_str("/>");
            out
        }
    }
}
