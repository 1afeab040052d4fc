//! UTF-8 that comes in pieces, which may be cut inside a character.

/// Follows a text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8 {
    /// The character that isn't whole yet.
    partial: [u8; 4],
    length: u8,
}

impl Utf8 {
    /// Takes a piece; false at the first byte after which it can't become UTF-8 any more.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> bool {
        while self.length > 0 {
            let Some((&byte, rest)) = bytes.split_first() else { return true };
            bytes = rest;
            if let Some(next) = self.partial.get_mut(usize::from(self.length)) {
                *next = byte;
            }
            self.length += 1;
            match core::str::from_utf8(self.partial.get(..usize::from(self.length)).unwrap_or_default()) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = core::str::from_utf8(bytes) else { return true };
        let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
        let (None, Some(partial)) = (error.error_len(), self.partial.get_mut(..rest.len())) else {
            return false;
        };
        partial.copy_from_slice(rest);
        self.length = u8::try_from(rest.len()).unwrap_or_default();
        true
    }

    /// Whether the text may end here.
    pub(crate) fn is_whole(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests;
