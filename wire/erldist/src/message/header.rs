//! The distribution header and its cache of atoms (erl_ext_dist, "Distribution Header").

use super::MessageError;
use crate::Atom;
use crate::term::Reader;

/// Atoms that each side may keep of the other's: eight segments of 256.
const CACHED_ATOMS: usize = 2048;

/// The peer's atoms, by segment and index.
#[derive(Debug, Default)]
pub(super) struct AtomCache {
    atoms: Vec<Option<Atom>>,
}

impl AtomCache {
    /// Reads the references of a header and enters what is new: the atoms of this message, by their number.
    pub(super) fn read(&mut self, input: &mut Reader<'_>) -> Result<Vec<Atom>, MessageError> {
        let count = usize::from(input.u8().ok_or(MessageError::Truncated)?);
        if count == 0 {
            return Ok(Vec::new());
        }
        let flags = input.take(count / 2 + 1).ok_or(MessageError::Truncated)?;
        // The half byte after those of the references tells whether the atoms' lengths have two bytes.
        let is_long = half(flags, count) & 1 == 1;
        (0..count).map(|position| self.reference(input, half(flags, position), is_long)).collect()
    }

    fn reference(&mut self, input: &mut Reader<'_>, flags: u8, is_long: bool) -> Result<Atom, MessageError> {
        let index = input.u8().ok_or(MessageError::Truncated)?;
        let place = usize::from(flags & 7) << 8 | usize::from(index);
        if flags & 8 == 0 {
            let atom = self.atoms.get(place).and_then(Clone::clone);
            return atom.ok_or(MessageError::UnknownAtom);
        }
        let length = if is_long { input.u16().map(usize::from) } else { input.u8().map(usize::from) };
        let bytes = length.and_then(|length| input.take(length)).ok_or(MessageError::Truncated)?;
        let atom = Atom::from_utf8(bytes).ok_or(MessageError::Atom)?;
        if self.atoms.is_empty() {
            self.atoms.resize(CACHED_ATOMS, None);
        }
        if let Some(entry) = self.atoms.get_mut(place) {
            *entry = Some(atom.clone());
        }
        Ok(atom)
    }
}

/// Half bytes, the lower first.
fn half(bytes: &[u8], position: usize) -> u8 {
    let byte = bytes.get(position / 2).copied().unwrap_or_default();
    if position.is_multiple_of(2) { byte & 15 } else { byte >> 4 }
}
