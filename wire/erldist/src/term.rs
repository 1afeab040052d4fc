//! Erlang terms and the external term format (erl_ext_dist).

mod atom;
mod bytes;
mod decode;
mod display;
mod encode;
mod identifiers;
mod inflate;
#[cfg(test)]
mod tests;

pub use atom::{ATOM_CHARACTERS, Atom};
pub(crate) use bytes::Reader;
pub(crate) use decode::Decoder;
pub use decode::{DecodeError, Limits};
pub use encode::{VERSION, encode, put_term};
pub use identifiers::{Pid, Port, Reference};

/// An Erlang value.
///
/// A string is what Erlang has it be: a list of code points ([`Term::charlist`]) or a binary ([`Term::text`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// An integer of 64 bits.
    Integer(i64),
    /// A larger integer.
    BigInteger(BigInteger),
    /// A finite float.
    Float(f64),
    /// An atom.
    Atom(Atom),
    /// A tuple.
    Tuple(Vec<Term>),
    /// A proper list; `[]` is the empty one.
    List(Vec<Term>),
    /// `[A, B | Tail]`: at least one element, and a tail that is no list.
    ImproperList(Vec<Term>, Box<Term>),
    /// A binary.
    Binary(Vec<u8>),
    /// A bit string whose last byte has fewer than eight bits in use.
    BitString {
        /// The bytes; never empty.
        bytes: Vec<u8>,
        /// Bits in use of the last byte, from its highest: 1 to 7.
        last_bits: u8,
    },
    /// A map, in the order of the wire.
    Map(Vec<(Term, Term)>),
    /// A process.
    Pid(Box<Pid>),
    /// A reference or an alias.
    Reference(Box<Reference>),
    /// A port.
    Port(Box<Port>),
    /// `fun M:F/A`.
    Export(Box<(Atom, Atom, u8)>),
    /// A closure, kept as the bytes it came in (with its tag) so that it can be sent back.
    Fun(Vec<u8>),
}

/// An integer beyond 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigInteger {
    /// Whether it is below zero.
    pub is_negative: bool,
    /// Its absolute value, lowest byte first, without zeros at the end.
    pub magnitude: Vec<u8>,
}

impl Term {
    /// The empty list.
    pub const NIL: Self = Self::List(Vec::new());

    /// An atom; what is beyond [`ATOM_CHARACTERS`] is cut off.
    pub fn atom(name: &str) -> Self {
        Self::Atom(Atom::new(name))
    }

    /// A binary of UTF-8.
    pub fn text(text: &str) -> Self {
        Self::Binary(text.as_bytes().to_vec())
    }

    /// A list of code points.
    pub fn charlist(text: &str) -> Self {
        Self::List(text.chars().map(|character| Self::Integer(i64::from(u32::from(character)))).collect())
    }

    /// A list of bytes, as Erlang keeps encoded text in a list.
    pub fn byte_list(bytes: &[u8]) -> Self {
        Self::List(bytes.iter().map(|byte| Self::Integer(i64::from(*byte))).collect())
    }

    /// A tuple.
    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::Tuple(elements.into_iter().collect())
    }

    /// A proper list.
    pub fn list(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::List(elements.into_iter().collect())
    }

    /// `[Head | Tail]`.
    pub fn cons(head: Self, tail: Self) -> Self {
        match tail {
            Self::List(mut elements) => {
                elements.insert(0, head);
                Self::List(elements)
            }
            Self::ImproperList(mut elements, tail) => {
                elements.insert(0, head);
                Self::ImproperList(elements, tail)
            }
            tail => Self::ImproperList(vec![head], Box::new(tail)),
        }
    }

    /// The integer, where it has 64 bits.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// The atom's name.
    pub fn as_atom(&self) -> Option<&str> {
        if let Self::Atom(atom) = self { Some(atom.as_str()) } else { None }
    }

    /// Whether this is the atom of that name.
    pub fn is_atom(&self, name: &str) -> bool {
        self.as_atom() == Some(name)
    }

    /// The elements of a tuple.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        if let Self::Tuple(elements) = self { Some(elements) } else { None }
    }

    /// The elements of a proper list.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(elements) = self { Some(elements) } else { None }
    }

    /// The bytes of a binary.
    pub fn as_binary(&self) -> Option<&[u8]> {
        if let Self::Binary(bytes) = self { Some(bytes) } else { None }
    }

    /// The process.
    pub fn as_pid(&self) -> Option<&Pid> {
        if let Self::Pid(pid) = self { Some(pid) } else { None }
    }

    /// The reference.
    pub fn as_reference(&self) -> Option<&Reference> {
        if let Self::Reference(reference) = self { Some(reference) } else { None }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &Self) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(candidate, _)| candidate == key).map(|(_, value)| value)
    }

    /// What a string, binary or list of these (`iodata`, `chardata`) says: code points of lists as they are, binaries
    /// as UTF-8. None where it is no text.
    pub fn to_text(&self) -> Option<String> {
        let mut text = String::new();
        self.write_text(&mut text)?;
        Some(text)
    }

    // Terms that were decoded have at most `Limits::depth` levels, so this cannot exhaust the stack.
    fn write_text(&self, text: &mut String) -> Option<()> {
        match self {
            Self::Binary(bytes) => text.push_str(std::str::from_utf8(bytes).ok()?),
            Self::List(elements) => elements.iter().try_for_each(|element| element.write_part(text))?,
            Self::ImproperList(elements, tail) => {
                elements.iter().try_for_each(|element| element.write_part(text))?;
                tail.write_text(text)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn write_part(&self, text: &mut String) -> Option<()> {
        match self {
            Self::Integer(point) => text.push(char::from_u32(u32::try_from(*point).ok()?)?),
            part => part.write_text(text)?,
        }
        Some(())
    }
}

impl From<i64> for Term {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Term {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(
            |_| Self::BigInteger(BigInteger { is_negative: false, magnitude: value.to_le_bytes().to_vec() }),
            Self::Integer,
        )
    }
}

impl From<Atom> for Term {
    fn from(atom: Atom) -> Self {
        Self::Atom(atom)
    }
}

impl From<Pid> for Term {
    fn from(pid: Pid) -> Self {
        Self::Pid(Box::new(pid))
    }
}

impl From<Reference> for Term {
    fn from(reference: Reference) -> Self {
        Self::Reference(Box::new(reference))
    }
}
