//! Stream headers between servers (RFC 6120 §4.7, XEP-0220 §2.4.1).

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::ns;
use crate::stream::{Header, is_version_supported, language};
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::write;

/// A header that passed the checks.
pub(super) struct Checked {
    pub(super) from: Option<Jid>,
    pub(super) to: Option<Jid>,
    pub(super) lang: Option<Text>,
    /// Of XMPP 1.0; features follow.
    pub(super) xmpp: bool,
}

/// Checks addresses and version: without one (§4.7.5) the peer must at least declare dialback.
pub(super) fn check(header: Header) -> Result<Checked, StreamError> {
    let xmpp = is_version_supported(header.version.as_deref());
    if !xmpp && !header.dialback {
        return Err(StreamErrorCondition::UnsupportedVersion.into());
    }
    Ok(Checked {
        from: domain(header.from.as_ref(), StreamErrorCondition::InvalidFrom)?,
        to: domain(header.to.as_ref(), StreamErrorCondition::ImproperAddressing)?,
        lang: language(header.lang),
        xmpp,
    })
}

fn domain(text: Option<&Text>, condition: StreamErrorCondition) -> Result<Option<Jid>, StreamError> {
    let Some(text) = text else { return Ok(None) };
    match Jid::from_text(text) {
        Ok(jid) if jid.is_domain() => Ok(Some(jid)),
        _ => Err(condition.into()),
    }
}

/// Our header. `id` is the receiving server's to give.
pub(super) fn write(id: Option<&str>, from: Option<&Jid>, to: Option<&Jid>, xmpp: bool) -> String {
    let mut out = String::with_capacity(256);
    out.push_str("<?xml version='1.0'?><stream:stream");
    write::attribute(&mut out, "xmlns", ns::SERVER);
    write::attribute(&mut out, "xmlns:stream", ns::STREAMS);
    write::attribute(&mut out, "xmlns:db", ns::DIALBACK);
    write::attribute_if(&mut out, "id", id);
    write::attribute_if(&mut out, "from", from.map(Jid::as_str));
    write::attribute_if(&mut out, "to", to.map(Jid::as_str));
    write::attribute_if(&mut out, "version", xmpp.then_some("1.0"));
    write::attribute(&mut out, "xml:lang", "en");
    out.push('>');
    out
}
