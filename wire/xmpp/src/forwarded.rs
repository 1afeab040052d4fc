//! Stanza forwarding (XEP-0297).

use nightjar_text::Text;

use crate::delay::Delay;
use crate::ns;
use crate::stanza::Stanza;
use crate::write::{self, Sink};

/// Appends `<forwarded/>` with the stanza in `jabber:client`, behind its delay if there is one.
pub fn write<S: Sink>(out: &mut S, stanza: &Stanza, delay: Option<&Delay>) {
    write_stored(out, &stanza.to_xml(), delay);
}

/// As [`write`], for a stanza that is XML already: one complete element that declares its namespace.
pub fn write_stored<S: Sink>(out: &mut S, stanza_xml: &str, delay: Option<&Delay>) {
    out.put("<forwarded");
    write::attribute(out, "xmlns", ns::FORWARD);
    out.put(">");
    if let Some(delay) = delay {
        out.put(&delay.to_xml());
    }
    out.put(stanza_xml);
    out.put("</forwarded>");
}

/// The `<forwarded/>` element.
pub fn to_xml(stanza: &Stanza, delay: Option<&Delay>) -> Text {
    let mut out = String::with_capacity(stanza.size_hint() + 192);
    write(&mut out, stanza, delay);
    Text::from(out)
}
