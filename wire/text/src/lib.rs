//! Immutable UTF-8 text that many owners share: a slice of one reference-counted buffer.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// A buffer this much larger than the slice of it that is kept is worth a copy.
const DETACH_SLACK_BYTES: usize = 128;

/// Immutable UTF-8 text, a slice of a shared buffer.
///
/// 24 bytes; a clone is one atomic increment, and slicing copies nothing.
/// It equals, orders and hashes like the `str` it shows.
#[derive(Clone, Default)]
pub struct Text {
    buf: Arc<str>,
    start: u32,
    end: u32,
}

impl Text {
    /// Copies `text` into a buffer of its own.
    ///
    /// # Panics
    /// When `text` is 4 GiB or longer, which no limit of the server lets in.
    pub fn new(text: &str) -> Text {
        if text.is_empty() { Text::empty() } else { Text::from(Arc::<str>::from(text)) }
    }

    /// Text of length zero; allocates nothing.
    pub fn empty() -> Text {
        Text::default()
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        self.buf.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The bytes `range` of this text, in the same buffer.
    /// A range that is out of bounds or splits a character gives empty text (and stops a debug build).
    pub fn slice(&self, range: Range<usize>) -> Text {
        let valid = self.as_str().get(range.clone()).is_some();
        debug_assert!(valid, "slice {range:?} of a text of {} bytes", self.len());
        if !valid {
            return Text::empty();
        }
        // Both bounds are at most `self.len()`, so the sums are at most `self.end`.
        Text {
            buf: self.buf.clone(),
            start: self.start + range.start as u32,
            end: self.start + range.end as u32,
        }
    }

    /// `part` as a slice of this text's buffer. A `part` that does not point into this text is copied.
    pub fn slice_ref(&self, part: &str) -> Text {
        if part.is_empty() {
            return Text::empty();
        }
        let offset = (part.as_ptr() as usize).wrapping_sub(self.as_str().as_ptr() as usize);
        match offset.checked_add(part.len()) {
            Some(end) if offset < self.len() && end <= self.len() => self.slice(offset..end),
            _ => Text::new(part),
        }
    }

    /// The same text in a buffer of its own when it keeps a much larger one alive, otherwise a clone.
    /// For text that outlives the stanza it came in.
    pub fn detach(&self) -> Text {
        if self.buf.len() > 2 * self.len() + DETACH_SLACK_BYTES {
            Text::new(self.as_str())
        } else {
            self.clone()
        }
    }

    /// Length of the whole buffer that this text keeps alive, in bytes.
    pub fn buffer_len(&self) -> usize {
        self.buf.len()
    }

    /// Whether both are slices of one buffer.
    pub fn shares_buffer(&self, other: &Text) -> bool {
        Arc::ptr_eq(&self.buf, &other.buf)
    }
}

impl From<Arc<str>> for Text {
    fn from(buf: Arc<str>) -> Text {
        assert!(u32::try_from(buf.len()).is_ok(), "a text is shorter than 4 GiB");
        let end = buf.len() as u32;
        Text { buf, start: 0, end }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::new(text)
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Text {
        Text::new(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::new(&text)
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Text {
        Text::new(&text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.as_str().to_owned()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Eq for Text {}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        *self == other.as_str()
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Text) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Text) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
