use crate::Atom;
use std::fmt;

/// Bytes of the longest name of a node.
pub const NAME_BYTES: usize = 255;

/// The name of a node, `alive@host`: letters, digits and `_-.+`, and in the host also what addresses have.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName {
    name: String,
    at: usize,
}

/// Why a text is no name of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// More than [`NAME_BYTES`] bytes.
    #[error("the node's name is too long")]
    TooLong,
    /// Not one `@` with text on both sides.
    #[error("the node's name is not of the form name@host")]
    Form,
    /// A character that names do not have.
    #[error("the node's name has the character {0:?}")]
    Character(char),
}

impl NodeName {
    /// Checks a name.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let (alive, host) = name.split_once('@').ok_or(NameError::Form)?;
        if name.len() > NAME_BYTES {
            return Err(NameError::TooLong);
        }
        check(alive, is_alive_character)?;
        check(host, is_host_character)?;
        Ok(Self { name: name.to_owned(), at: alive.len() })
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The part before the `@`: what epmd knows.
    pub fn alive(&self) -> &str {
        self.name.get(..self.at).unwrap_or_default()
    }

    /// The part after the `@`.
    pub fn host(&self) -> &str {
        self.name.get(self.at + 1..).unwrap_or_default()
    }

    /// Whether the host has a dot, as nodes with `-name` have it. Long and short names do not meet.
    pub fn is_long(&self) -> bool {
        self.host().contains(['.', ':'])
    }

    /// The name as an atom.
    pub fn atom(&self) -> Atom {
        Atom::new(&self.name)
    }
}

/// Checks a name without host, as epmd has it.
pub(crate) fn check_alive(alive: &str) -> Result<(), NameError> {
    if alive.len() > NAME_BYTES {
        return Err(NameError::TooLong);
    }
    check(alive, is_alive_character)
}

/// Checks a host alone, as a node that asks for a name says it.
pub(crate) fn check_host(host: &str) -> Result<(), NameError> {
    check(host, is_host_character)
}

fn check(part: &str, allowed: impl Fn(char) -> bool) -> Result<(), NameError> {
    if part.is_empty() {
        return Err(NameError::Form);
    }
    match part.chars().find(|character| !allowed(*character)) {
        Some('@') => Err(NameError::Form),
        Some(character) => Err(NameError::Character(character)),
        None => Ok(()),
    }
}

fn is_alive_character(character: char) -> bool {
    character.is_alphanumeric() || "_-.+".contains(character)
}

fn is_host_character(character: char) -> bool {
    character.is_alphanumeric() || "_-.:[]%".contains(character)
}

impl fmt::Display for NodeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.name, formatter)
    }
}
