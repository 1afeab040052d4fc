use std::fmt;
use std::sync::Arc;

/// Characters of the longest atom.
pub const ATOM_CHARACTERS: usize = 255;

/// An atom: a name of at most [`ATOM_CHARACTERS`] characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Atom(Arc<str>);

impl Atom {
    /// An atom; what is beyond [`ATOM_CHARACTERS`] is cut off.
    pub fn new(name: &str) -> Self {
        let end = name.char_indices().nth(ATOM_CHARACTERS).map_or(name.len(), |(end, _)| end);
        Self(name.get(..end).unwrap_or_default().into())
    }

    /// An atom as it comes in: UTF-8; None if it is longer than an atom may be.
    pub(crate) fn from_utf8(bytes: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(bytes).ok()?;
        (name.chars().count() <= ATOM_CHARACTERS).then(|| Self(name.into()))
    }

    /// An atom in ISO 8859-1, the encoding before OTP 26.
    pub(crate) fn from_latin1(bytes: &[u8]) -> Option<Self> {
        let name: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        (bytes.len() <= ATOM_CHARACTERS).then(|| Self(name.into()))
    }

    /// The name, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Erlang writes it without quotes.
    fn is_bare(&self) -> bool {
        let mut characters = self.0.chars();
        characters.next().is_some_and(is_small_letter)
            && characters.all(|character| is_name_character(character) || character == '@')
            && !RESERVED.contains(&self.as_str())
    }
}

/// Reserved words of Erlang, which stand in quotes as atoms.
const RESERVED: [&str; 28] = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond",
    "div", "else", "end", "fun", "if", "let", "not", "of", "or", "orelse", "receive", "rem", "try", "when",
    "xor",
];

fn is_small_letter(character: char) -> bool {
    character.is_ascii_lowercase() || matches!(character, 'ß'..='ö' | 'ø'..='ÿ')
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || character == '_'
        || matches!(character, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ')
}

impl fmt::Display for Atom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_bare() {
            return formatter.write_str(&self.0);
        }
        super::display::quoted(formatter, &self.0, '\'')
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<&str> for Atom {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
