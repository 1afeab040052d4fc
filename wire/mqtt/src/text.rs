//! Strings as MQTT has them (§1.5.4): UTF-8 without U+0000, up to 65,535 bytes.

use crate::Error;
use bytes::Bytes;
use core::fmt;

/// A checked string: a slice of the packet it came in.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// Copies a string. `None` when it has U+0000 or is longer than a packet can say.
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.len() <= usize::from(u16::MAX) && !text.as_bytes().contains(&0);
        fits.then(|| Self(Bytes::copy_from_slice(text.as_bytes())))
    }

    /// Checks bytes. Code points that §1.5.4 only advises against are let through, as it allows.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        // [MQTT-1.5.4-1], [MQTT-1.5.4-2]
        if core::str::from_utf8(&bytes).is_err() || bytes.contains(&0) || bytes.len() > usize::from(u16::MAX)
        {
            return Err(Error::malformed("a string is not UTF-8, or has U+0000"));
        }
        Ok(Self(bytes))
    }

    /// The bytes, which are UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The string. Looks at all bytes again: for hot paths there is [`Text::as_bytes`].
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The shared bytes themselves.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// A copy that keeps no packet alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
