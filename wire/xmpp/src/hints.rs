//! Message processing hints (XEP-0334).

use crate::ns;
use crate::stanza::Stanza;

/// The hints a message carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hints {
    /// `<no-store/>`: into no archive and no offline storage.
    pub no_store: bool,
    /// `<no-permanent-store/>`: into no archive.
    pub no_permanent_store: bool,
    /// `<no-copy/>`: no carbon copies.
    pub no_copy: bool,
    /// `<store/>`: keep it although it has no body.
    pub store: bool,
}

impl Hints {
    /// Reads the children of a message.
    pub fn of(stanza: &Stanza) -> Hints {
        let mut hints = Hints::default();
        for piece in stanza.children().filter(|piece| piece.ns() == ns::HINTS) {
            match piece.name() {
                "no-store" | "no-storage" => hints.no_store = true,
                "no-permanent-store" | "no-permanent-storage" => hints.no_permanent_store = true,
                "no-copy" => hints.no_copy = true,
                "store" => hints.store = true,
                _ => {}
            }
        }
        hints
    }
}
