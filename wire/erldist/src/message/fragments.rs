//! Messages in pieces (erl_ext_dist, "Distribution Header for fragmented messages"). The pieces of one message come in
//! order, counted down to 1; those of several messages may alternate.

use super::{Limits, MessageError};
use crate::Atom;
use std::collections::BTreeMap;

/// A message of which pieces are missing.
#[derive(Debug)]
struct Open {
    atoms: Vec<Atom>,
    bytes: Vec<u8>,
    /// Number of the piece that came last.
    left: u64,
}

/// Messages of which pieces are missing, by the sequence number that the peer gave each.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    open: BTreeMap<u64, Open>,
    /// Bytes of all of them.
    bytes: usize,
}

/// A whole message: its atoms and its terms.
pub(super) type Whole = (Vec<Atom>, Vec<u8>);

impl Fragments {
    pub(super) fn first(
        &mut self,
        sequence: u64,
        number: u64,
        atoms: Vec<Atom>,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Whole>, MessageError> {
        if number == 0 || self.open.contains_key(&sequence) {
            return Err(MessageError::Fragment);
        }
        if number == 1 {
            return Ok(Some((atoms, bytes.to_vec())));
        }
        if self.open.len() >= limits.open_messages {
            return Err(MessageError::TooLong);
        }
        self.count(bytes, limits)?;
        self.open.insert(sequence, Open { atoms, bytes: bytes.to_vec(), left: number });
        Ok(None)
    }

    pub(super) fn next(
        &mut self,
        sequence: u64,
        number: u64,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<Whole>, MessageError> {
        self.count(bytes, limits)?;
        let open = self.open.get_mut(&sequence).ok_or(MessageError::Fragment)?;
        if number == 0 || open.left != number.saturating_add(1) {
            return Err(MessageError::Fragment);
        }
        open.left = number;
        open.bytes.extend_from_slice(bytes);
        if number > 1 {
            return Ok(None);
        }
        let whole = self.open.remove(&sequence).map(|open| (open.atoms, open.bytes));
        self.bytes -= whole.as_ref().map_or(0, |(_, bytes)| bytes.len());
        Ok(whole)
    }

    /// All open messages together have no more bytes than one may have.
    fn count(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), MessageError> {
        self.bytes += bytes.len();
        if self.bytes > limits.frame { Err(MessageError::TooLong) } else { Ok(()) }
    }
}
