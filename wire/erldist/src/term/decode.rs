use super::inflate::inflate;
use super::{Atom, BigInteger, Pid, Port, Reader, Reference, Term, VERSION, put_term};

/// How much a term from outside may be. What is beyond is refused before memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the term, uncompressed.
    pub bytes: usize,
    /// Terms within terms, characters of strings included. Each costs about 32 bytes of memory.
    pub nodes: usize,
    /// Levels of nesting, at most [`Limits::DEEPEST`].
    pub depth: usize,
}

impl Limits {
    /// Levels that are refused whatever [`Limits::depth`] says: terms are walked by recursion.
    pub const DEEPEST: usize = 256;
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 20, nodes: 500_000, depth: 128 }
    }
}

/// Why bytes are no term, or none that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end within the term.
    #[error("the term ends too early")]
    Truncated,
    /// More levels than [`Limits::depth`].
    #[error("the term is nested too deeply")]
    TooDeep,
    /// More parts than [`Limits::nodes`].
    #[error("the term has too many parts")]
    TooManyNodes,
    /// More bytes than [`Limits::bytes`].
    #[error("the term is too long")]
    TooLong,
    /// Not version 131.
    #[error("terms of version {0} are unknown")]
    Version(u8),
    /// A tag that is unknown, obsolete, or out of place.
    #[error("the tag {0} is unknown")]
    Tag(u8),
    /// An atom that is too long or no text.
    #[error("an atom is malformed")]
    Atom,
    /// A reference to an atom that the cache does not hold.
    #[error("an atom is not in the cache")]
    UnknownAtom,
    /// A float that is no finite number.
    #[error("a float is malformed")]
    Float,
    /// A pid, port, reference, fun or bit string of a form that does not exist.
    #[error("an identifier is malformed")]
    Identifier,
    /// Compressed bytes that do not give what they promise.
    #[error("the compressed term is malformed")]
    Compression,
    /// More bytes after the term.
    #[error("bytes follow the term")]
    Trailing,
}

type Result<T> = std::result::Result<T, DecodeError>;

impl Term {
    /// Reads one whole term that begins with its version.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let mut decoder = Decoder::new(bytes, limits, &[])?;
        let term = decoder.versioned()?;
        decoder.end()?;
        Ok(term)
    }
}

/// Reads the terms of one message, all within the same limits.
pub(crate) struct Decoder<'a> {
    input: Reader<'a>,
    bytes: usize,
    nodes: usize,
    depth: usize,
    atoms: &'a [Atom],
}

impl<'a> Decoder<'a> {
    /// `atoms` is what references to the atom cache mean in this message.
    pub(crate) fn new(input: &'a [u8], limits: &Limits, atoms: &'a [Atom]) -> Result<Self> {
        let bytes = limits.bytes.checked_sub(input.len()).ok_or(DecodeError::TooLong)?;
        let depth = limits.depth.min(Limits::DEEPEST);
        Ok(Self { input: Reader::new(input), bytes, nodes: limits.nodes, depth, atoms })
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.input.len() == 0
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.is_at_end() { Ok(()) } else { Err(DecodeError::Trailing) }
    }

    /// A term with its version before it, perhaps compressed.
    pub(crate) fn versioned(&mut self) -> Result<Term> {
        match self.u8()? {
            VERSION => {}
            other => return Err(DecodeError::Version(other)),
        }
        if self.input.rest().first() == Some(&80) { self.compressed() } else { self.term() }
    }

    fn compressed(&mut self) -> Result<Term> {
        self.u8()?;
        let size = self.length()?;
        self.bytes = self.bytes.checked_sub(size).ok_or(DecodeError::TooLong)?;
        let (bytes, taken) = inflate(self.input.rest(), size).ok_or(DecodeError::Compression)?;
        self.take(taken)?;
        let input = Reader::new(&bytes);
        let mut inner =
            Decoder { input, bytes: self.bytes, nodes: self.nodes, depth: self.depth, atoms: self.atoms };
        let term = inner.term()?;
        inner.end()?;
        self.nodes = inner.nodes;
        Ok(term)
    }

    /// A term without its version.
    pub(crate) fn term(&mut self) -> Result<Term> {
        self.spend(1)?;
        let tag = self.u8()?;
        Ok(match tag {
            97 => Term::Integer(i64::from(self.u8()?)),
            98 => Term::Integer(i64::from(i32::from_be_bytes(self.array()?))),
            110 => {
                let length = usize::from(self.u8()?);
                self.big_integer(length)?
            }
            111 => {
                let length = self.length()?;
                self.big_integer(length)?
            }
            70 => finite(f64::from_bits(u64::from_be_bytes(self.array()?)))?,
            99 => self.text_float()?,
            82 | 100 | 115 | 118 | 119 => Term::Atom(self.atom_of(tag)?),
            104 => {
                let count = usize::from(self.u8()?);
                Term::Tuple(self.elements(count)?)
            }
            105 => {
                let count = self.length()?;
                Term::Tuple(self.elements(count)?)
            }
            106 => Term::NIL,
            107 => self.string()?,
            108 => self.list()?,
            109 => {
                let length = self.length()?;
                Term::Binary(self.take(length)?.to_vec())
            }
            77 => self.bit_string()?,
            116 => self.map()?,
            88 | 103 => Term::Pid(Box::new(self.pid(tag)?)),
            90 | 101 | 114 => Term::Reference(Box::new(self.reference(tag)?)),
            89 | 102 | 120 => Term::Port(Box::new(self.port(tag)?)),
            112 => self.fun()?,
            113 => self.export()?,
            other => return Err(DecodeError::Tag(other)),
        })
    }

    fn spend(&mut self, nodes: usize) -> Result<()> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or(DecodeError::TooManyNodes)?;
        Ok(())
    }

    /// Runs one level down.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth = self.depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    fn elements(&mut self, count: usize) -> Result<Vec<Term>> {
        self.claim(count)?;
        self.nested(|this| {
            // A claim alone takes no memory: elements that nest could each claim all that is left.
            let mut elements = Vec::with_capacity(count.min(16));
            for _ in 0..count {
                elements.push(this.term()?);
            }
            Ok(elements)
        })
    }

    /// Refuses at once what cannot come: every element takes a byte and a node.
    fn claim(&self, count: usize) -> Result<()> {
        if count > self.nodes {
            return Err(DecodeError::TooManyNodes);
        }
        if count > self.input.len() {
            return Err(DecodeError::Truncated);
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Term> {
        let count = self.length()?;
        let mut elements = self.elements(count)?;
        match self.nested(Self::term)? {
            Term::List(tail) => {
                elements.extend(tail);
                Ok(Term::List(elements))
            }
            tail if elements.is_empty() => Ok(tail),
            Term::ImproperList(more, tail) => {
                elements.extend(more);
                Ok(Term::ImproperList(elements, tail))
            }
            tail => Ok(Term::ImproperList(elements, Box::new(tail))),
        }
    }

    fn string(&mut self) -> Result<Term> {
        let length = usize::from(self.u16()?);
        self.spend(length)?;
        Ok(Term::byte_list(self.take(length)?))
    }

    fn map(&mut self) -> Result<Term> {
        let count = self.length()?;
        self.claim(count.saturating_mul(2))?;
        self.nested(|this| {
            let mut pairs = Vec::with_capacity(count.min(16));
            for _ in 0..count {
                pairs.push((this.term()?, this.term()?));
            }
            Ok(Term::Map(pairs))
        })
    }

    fn big_integer(&mut self, length: usize) -> Result<Term> {
        let is_negative = self.u8()? != 0;
        let digits = self.take(length)?;
        let used = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
        let magnitude = digits.get(..used).unwrap_or_default();
        if magnitude.len() <= 8 {
            let absolute = magnitude.iter().rev().fold(0_i128, |sum, digit| (sum << 8) | i128::from(*digit));
            if let Ok(value) = i64::try_from(if is_negative { -absolute } else { absolute }) {
                return Ok(Term::Integer(value));
            }
        }
        Ok(Term::BigInteger(BigInteger { is_negative, magnitude: magnitude.to_vec() }))
    }

    /// A float as text of 31 bytes, filled with zeros, as before OTP R11B.
    fn text_float(&mut self) -> Result<Term> {
        let bytes = self.take(31)?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::Float)?;
        finite(text.trim_end_matches('\0').trim().parse().map_err(|_| DecodeError::Float)?)
    }

    fn bit_string(&mut self) -> Result<Term> {
        let length = self.length()?;
        let last_bits = self.u8()?;
        let bytes = self.take(length)?.to_vec();
        match last_bits {
            8 => Ok(Term::Binary(bytes)),
            1..=7 if !bytes.is_empty() => Ok(Term::BitString { bytes, last_bits }),
            0 if bytes.is_empty() => Ok(Term::Binary(bytes)),
            _ => Err(DecodeError::Identifier),
        }
    }

    fn atom(&mut self) -> Result<Atom> {
        let tag = self.u8()?;
        self.atom_of(tag)
    }

    fn atom_of(&mut self, tag: u8) -> Result<Atom> {
        let length = match tag {
            82 => {
                let index = usize::from(self.u8()?);
                return self.atoms.get(index).cloned().ok_or(DecodeError::UnknownAtom);
            }
            115 | 119 => usize::from(self.u8()?),
            100 | 118 => usize::from(self.u16()?),
            other => return Err(DecodeError::Tag(other)),
        };
        let bytes = self.take(length)?;
        let atom = if matches!(tag, 118 | 119) { Atom::from_utf8(bytes) } else { Atom::from_latin1(bytes) };
        atom.ok_or(DecodeError::Atom)
    }

    fn pid(&mut self, tag: u8) -> Result<Pid> {
        let node = self.atom()?;
        let (id, serial) = (self.u32()?, self.u32()?);
        Ok(Pid { node, id, serial, creation: self.creation(tag == 88)? })
    }

    fn port(&mut self, tag: u8) -> Result<Port> {
        let node = self.atom()?;
        let id = if tag == 120 { u64::from_be_bytes(self.array()?) } else { u64::from(self.u32()?) };
        Ok(Port { node, id, creation: self.creation(tag != 102)? })
    }

    fn reference(&mut self, tag: u8) -> Result<Reference> {
        if tag == 101 {
            let node = self.atom()?;
            let words = vec![self.u32()?];
            return Ok(Reference { node, creation: self.creation(false)?, words });
        }
        let count = self.u16()?;
        if !(1..=5).contains(&count) {
            return Err(DecodeError::Identifier);
        }
        let node = self.atom()?;
        let creation = self.creation(tag == 90)?;
        let words = (0..count).map(|_| self.u32()).collect::<Result<_>>()?;
        Ok(Reference { node, creation, words })
    }

    fn creation(&mut self, is_long: bool) -> Result<u32> {
        if is_long { self.u32() } else { Ok(u32::from(self.u8()?)) }
    }

    /// A closure. It is read through and written anew: what it holds may refer to the atom cache of its message, which
    /// means nothing in another.
    fn fun(&mut self) -> Result<Term> {
        let start = self.input.len();
        let size = self.length()?;
        let mut bytes = vec![112, 0, 0, 0, 0];
        // Arity, 16 bytes that tell the code from other versions, an index.
        bytes.extend(self.array::<21>()?);
        let free = self.length()?;
        self.claim(free)?;
        bytes.extend(u32::try_from(free).unwrap_or(u32::MAX).to_be_bytes());
        // Module, older index, older version, and the process that made it come before what it holds.
        self.nested(|this| {
            for _ in 0..free.saturating_add(4) {
                put_term(&mut bytes, &this.term()?);
            }
            Ok(())
        })?;
        if start - self.input.len() != size {
            return Err(DecodeError::Identifier);
        }
        let size = u32::try_from(bytes.len() - 1).unwrap_or(u32::MAX);
        bytes.splice(1..5, size.to_be_bytes());
        Ok(Term::Fun(bytes))
    }

    fn export(&mut self) -> Result<Term> {
        let (module, function) = (self.atom()?, self.atom()?);
        match (self.u8()?, self.u8()?) {
            (97, arity) => Ok(Term::Export(Box::new((module, function, arity)))),
            (other, _) => Err(DecodeError::Tag(other)),
        }
    }

    fn u8(&mut self) -> Result<u8> {
        self.input.u8().ok_or(DecodeError::Truncated)
    }

    fn u16(&mut self) -> Result<u16> {
        self.input.u16().ok_or(DecodeError::Truncated)
    }

    fn u32(&mut self) -> Result<u32> {
        self.input.u32().ok_or(DecodeError::Truncated)
    }

    fn length(&mut self) -> Result<usize> {
        self.input.length().ok_or(DecodeError::Truncated)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.input.array().ok_or(DecodeError::Truncated)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        self.input.take(count).ok_or(DecodeError::Truncated)
    }
}

fn finite(value: f64) -> Result<Term> {
    if value.is_finite() { Ok(Term::Float(value)) } else { Err(DecodeError::Float) }
}
