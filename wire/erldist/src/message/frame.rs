use super::control::{Control, Forms};
use super::fragments::Fragments;
use super::header::AtomCache;
use super::{Limits, Message};
use crate::Term;
use crate::flags::{self, Flags};
use crate::term::{DecodeError, Decoder, Reader, VERSION, put_term};

/// A frame without distribution header.
const PASS_THROUGH: u8 = b'p';

/// Why a frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The frame ends within a header.
    #[error("the frame ends too early")]
    Truncated,
    /// A frame of a kind that does not exist or was not agreed on.
    #[error("the frame begins with {0}")]
    Kind(u8),
    /// A frame or a message of fragments is longer than [`Limits::frame`], or too many are open.
    #[error("the message is too long")]
    TooLong,
    /// A fragment that does not follow the one before.
    #[error("a fragment is out of order")]
    Fragment,
    /// A new atom for the cache is too long or no text.
    #[error("an atom is malformed")]
    Atom,
    /// A reference to an atom that the cache does not hold.
    #[error("an atom is not in the cache")]
    UnknownAtom,
    /// A term that is none, or is not taken.
    #[error("{0}")]
    Term(#[from] DecodeError),
}

/// Reads the frames of one direction of a connection.
#[derive(Debug)]
pub struct MessageReader {
    limits: Limits,
    flags: Flags,
    cache: AtomCache,
    fragments: Fragments,
}

/// What a frame is.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A message.
    Message(Message),
    /// A control message that is unknown. It is for nobody here; what it carries was read and thrown away.
    Unknown(Term),
    /// A part of a message, or nothing: a sign of life.
    Nothing,
}

impl MessageReader {
    /// `flags` are those that both sides have.
    pub fn new(flags: Flags, limits: Limits) -> Self {
        Self { limits, flags, cache: AtomCache::default(), fragments: Fragments::default() }
    }

    /// Reads one frame, without its four bytes of length.
    pub fn read(&mut self, frame: &[u8]) -> Result<Frame, MessageError> {
        let mut input = Reader::new(frame);
        let has_header = self.flags.has(flags::DIST_HDR_ATOM_CACHE);
        let has_fragments = has_header && self.flags.has(flags::FRAGMENTS);
        match (input.u8(), input.u8()) {
            (None, _) => Ok(Frame::Nothing),
            (Some(PASS_THROUGH), _) => {
                let mut decoder = Decoder::new(frame.get(1..).unwrap_or_default(), &self.limits.term, &[])?;
                read_terms(&mut decoder, Decoder::versioned)
            }
            (Some(VERSION), Some(68)) if has_header => {
                let atoms = self.cache.read(&mut input)?;
                self.read_whole(&atoms, input.rest())
            }
            (Some(VERSION), Some(69)) if has_fragments => {
                let (sequence, number) = read_fragment(&mut input)?;
                let atoms = self.cache.read(&mut input)?;
                let whole = self.fragments.first(sequence, number, atoms, input.rest(), &self.limits)?;
                whole.map_or(Ok(Frame::Nothing), |(atoms, bytes)| self.read_whole(&atoms, &bytes))
            }
            (Some(VERSION), Some(70)) if has_fragments => {
                let (sequence, number) = read_fragment(&mut input)?;
                let whole = self.fragments.next(sequence, number, input.rest(), &self.limits)?;
                whole.map_or(Ok(Frame::Nothing), |(atoms, bytes)| self.read_whole(&atoms, &bytes))
            }
            (Some(VERSION), Some(kind)) | (Some(kind), _) => Err(MessageError::Kind(kind)),
        }
    }

    fn read_whole(&self, atoms: &[crate::Atom], terms: &[u8]) -> Result<Frame, MessageError> {
        read_terms(&mut Decoder::new(terms, &self.limits.term, atoms)?, Decoder::term)
    }
}

fn read_fragment(input: &mut Reader<'_>) -> Result<(u64, u64), MessageError> {
    Ok((input.u64().ok_or(MessageError::Truncated)?, input.u64().ok_or(MessageError::Truncated)?))
}

/// A control tuple and, where it has one, its payload.
fn read_terms<'a>(
    decoder: &mut Decoder<'a>,
    next: impl Fn(&mut Decoder<'a>) -> Result<Term, DecodeError>,
) -> Result<Frame, MessageError> {
    let term = next(decoder)?;
    let Some(read) = Control::read(&term) else {
        if !decoder.is_at_end() {
            next(decoder)?;
        }
        decoder.end()?;
        return Ok(Frame::Unknown(term));
    };
    let payload = if read.has_payload { Some(next(decoder)?) } else { read.reason };
    decoder.end()?;
    Ok(Frame::Message(Message { control: read.control, payload }))
}

/// A message as a frame with its four bytes of length, in the forms that both sides have. Atoms are never put into the
/// peer's cache.
pub fn write(flags: Flags, control: &Control, payload: Option<&Term>) -> Vec<u8> {
    let forms =
        Forms { send_sender: flags.has(flags::SEND_SENDER), exit_payload: flags.has(flags::EXIT_PAYLOAD) };
    let has_header = flags.has(flags::DIST_HDR_ATOM_CACHE);
    let (term, has_payload) = control.term(forms, payload);
    let nothing = Term::NIL;
    let payload = has_payload.then(|| payload.unwrap_or(&nothing));
    let mut bytes = vec![0; 4];
    // A header without references, or none; terms have a version of their own only without.
    bytes.extend(if has_header { &[VERSION, 68, 0][..] } else { &[PASS_THROUGH] });
    for term in [Some(&term), payload].into_iter().flatten() {
        if !has_header {
            bytes.push(VERSION);
        }
        put_term(&mut bytes, term);
    }
    let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    bytes.splice(..4, length.to_be_bytes());
    bytes
}
