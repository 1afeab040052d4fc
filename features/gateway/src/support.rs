//! What several features need: stanzas inside stanzas.

use nightjar_text::Text;
use nightjar_xml::{Element, ElementRef, Limits, parse_document};
use nightjar_xmpp::{Stanza, StanzaError, ns};

/// The stanza that is the first child of this element, itself a child of a stanza.
///
/// # Errors
/// `bad-request` if there is none or it isn't one of `jabber:client`.
pub fn stanza_in(element: ElementRef<'_>) -> Result<Stanza, StanzaError> {
    let missing = || StanzaError::bad_request().with_text("No stanza is enclosed");
    // Parsed on its own, its children stand alone.
    let element = Element::parse(&element.raw(), ns::CLIENT).map_err(|_| missing())?;
    let child = element.children().next().ok_or_else(missing)?;
    let frame = parse_document(&child.raw(), &Limits::default(), ns::CLIENT).map_err(|_| missing())?;
    if frame.ns() != ns::CLIENT {
        return Err(missing());
    }
    Stanza::from_frame(&frame)
}

/// The stanza in the `<forwarded/>` (XEP-0297) in this element.
///
/// # Errors
/// As [`stanza_in`].
pub fn forwarded_in(element: ElementRef<'_>) -> Result<Stanza, StanzaError> {
    let missing = || StanzaError::bad_request().with_text("No <forwarded/> element found");
    stanza_in(element.child("forwarded", ns::FORWARD).ok_or_else(missing)?)
}

/// The first child of an IQ as it is written.
pub fn payload_of(stanza: &Stanza) -> Option<Text> {
    stanza.children().next().map(|child| child.parse().raw())
}
