//! Unique and stable stanza identifiers (XEP-0359).

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::ns;
use crate::payload::Piece;
use crate::stanza::Stanza;
use crate::write::{self, Sink};

/// `<stanza-id/>`: the id that `by` gave a stanza.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StanzaId {
    pub by: Jid,
    pub id: Text,
}

impl StanzaId {
    /// Reads a child of a stanza; `None` if it is no `<stanza-id/>` with a valid `by` and an id.
    pub fn parse(piece: Piece<'_>) -> Option<StanzaId> {
        if !piece.is("stanza-id", ns::STANZA_ID) {
            return None;
        }
        Some(StanzaId { by: Jid::parse(&piece.attr("by")?).ok()?, id: Text::new(&piece.attr("id")?) })
    }

    /// The `<stanza-id/>` element.
    pub fn to_xml(&self) -> Text {
        let mut out = String::with_capacity(96);
        out.put("<stanza-id");
        write::attribute(&mut out, "xmlns", ns::STANZA_ID);
        write::attribute(&mut out, "by", self.by.as_str());
        write::attribute(&mut out, "id", &self.id);
        out.put("/>");
        Text::from(out)
    }
}

/// Removes every `<stanza-id/>` that claims to be by `by`, however often it is there (XEP-0359 §4, business rule 3);
/// returns how many. Only who owns the address `by` may add one afterwards.
pub fn strip(stanza: &mut Stanza, by: &Jid) -> usize {
    stanza.remove(|piece| {
        piece.is("stanza-id", ns::STANZA_ID)
            && piece
                .attr("by")
                .is_some_and(|claimed| Jid::parse(&claimed).is_ok_and(|claimed| claimed == *by))
    })
}

/// The id that `by` gave this stanza.
pub fn find(stanza: &Stanza, by: &Jid) -> Option<Text> {
    stanza.children().filter_map(StanzaId::parse).find(|found| found.by == *by).map(|found| found.id)
}

/// The sender's own id of the stanza, `<origin-id/>`.
pub fn origin(stanza: &Stanza) -> Option<Text> {
    stanza.child("origin-id", ns::STANZA_ID)?.attr("id").map(|id| Text::new(&id))
}
