//! Delayed delivery (XEP-0203).

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::payload::Piece;
use crate::write::{self, Sink};
use crate::{datetime, ns};

/// A `<delay/>`: who held the stanza back, since when, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delay {
    pub from: Option<Jid>,
    /// Microseconds since 1970 UTC.
    pub stamp: i64,
    pub reason: Option<Text>,
}

impl Delay {
    /// Held back by `from` since `stamp`, in microseconds since 1970 UTC.
    pub fn new(from: &Jid, stamp: i64) -> Delay {
        Delay { from: Some(from.clone()), stamp, reason: None }
    }

    /// Reads a child of a stanza; `None` if it is no delay or has no valid stamp.
    pub fn parse(piece: Piece<'_>) -> Option<Delay> {
        if !piece.is("delay", ns::DELAY) {
            return None;
        }
        let stamp = datetime::parse(&piece.attr("stamp")?)?;
        let from = piece.attr("from").and_then(|from| Jid::parse(&from).ok());
        let reason = Some(Text::new(&piece.text())).filter(|reason| !reason.is_empty());
        Some(Delay { from, stamp, reason })
    }

    /// The `<delay/>` element.
    pub fn to_xml(&self) -> Text {
        let mut out = String::with_capacity(128);
        out.put("<delay");
        write::attribute(&mut out, "xmlns", ns::DELAY);
        write::attribute_if(&mut out, "from", self.from.as_ref().map(Jid::as_str));
        write::attribute(&mut out, "stamp", &datetime::format(self.stamp));
        match &self.reason {
            None => out.put("/>"),
            Some(reason) => {
                out.put(">");
                write::text(&mut out, reason);
                out.put("</delay>");
            }
        }
        Text::from(out)
    }
}
