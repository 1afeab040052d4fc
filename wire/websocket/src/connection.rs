//! A connection after the handshake, as the server or the client has it: a machine that takes bytes and gives pieces of
//! messages and bytes to write.
//!
//! The driver calls [`Connection::handle_input`] until all is taken, and writes what [`Connection::poll_output`] gives before
//! messages of its own, which [`Connection::write_message`] makes.

use core::{fmt, mem};
use std::io::IoSlice;
use std::sync::Arc;

use crate::frame::{self, CONTROL_MAX, Header, Kind, Opcode, Sender};
use crate::utf8::Utf8;
use crate::{Code, Fault};

/// What the peer may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The messages that are spoken, both ways; others end the connection.
    pub kind: Kind,
    /// Bytes of a message at most. Who gathers whole messages must bound them; who takes them by the piece need not.
    pub message_size_max: u64,
    /// Milliseconds of silence after which the peer is asked whether it is still there; 0 is never. One that leaves
    /// [`PINGS_MAX`] such questions unanswered has gone. Below the time after which routers and proxies forget a connection.
    pub ping_interval_ms: u64,
    /// Milliseconds of silence after which the peer has gone, asked or not; 0 is never.
    pub timeout_ms: u64,
}

/// Questions that a peer may leave unanswered.
pub const PINGS_MAX: u8 = 2;

/// A piece of a message, unmasked, as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes, perhaps none. A text may be cut inside a character.
    pub bytes: &'a [u8],
    /// Whether the message ends with it.
    pub is_last: bool,
}

/// Why a connection is over. The close frame is among what is to be written; the transport is to be closed after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The peer said so, with this code or none.
    ByPeer(Option<Code>),
    /// The peer did wrong.
    ByFault(Fault),
    /// The peer is silent.
    BySilence,
    /// [`Connection::close`] said so.
    ByCaller(Code),
}

/// Where a client has the masks of its frames from: each is to be one that nobody can guess (§5.3, §10.3).
pub struct Masks(Box<dyn FnMut() -> [u8; 4] + Send + Sync>);

impl Masks {
    /// Masks as `next` gives them.
    pub fn new(next: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
        Self(Box::new(next))
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Masks")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Header,
    Data,
    Control(Opcode),
}

/// One end of a connection.
#[derive(Debug)]
pub struct Connection {
    settings: Arc<Settings>,
    /// Of the client's end only: servers, which have many connections, spend no more than a pointer on them.
    masks: Option<Box<Masks>>,
    /// The start of a header, or of a control frame's payload, that isn't whole yet.
    partial: Vec<u8>,
    out: Vec<u8>,
    /// Bytes that the frame still lacks.
    missing: u64,
    mask: [u8; 4],
    reading: Reading,
    /// Whether the data frame is its message's last.
    is_last: bool,
    /// Bytes of the message so far, the frame that is read included.
    message: Option<u64>,
    utf8: Utf8,
    closed: Option<Closed>,
    last_input: u64,
    /// Questions since then.
    pings: u8,
}

impl Connection {
    /// The server's end of a connection whose handshake was made at `now`.
    pub fn server(now: u64, settings: Arc<Settings>) -> Self {
        Self::new(now, settings, None)
    }

    /// The client's end of a connection whose handshake was made at `now`.
    pub fn client(now: u64, settings: Arc<Settings>, masks: Masks) -> Self {
        Self::new(now, settings, Some(Box::new(masks)))
    }

    fn new(now: u64, settings: Arc<Settings>, masks: Option<Box<Masks>>) -> Self {
        Self {
            settings,
            masks,
            partial: Vec::new(),
            out: Vec::new(),
            missing: 0,
            mask: [0; 4],
            reading: Reading::Header,
            is_last: false,
            message: None,
            utf8: Utf8::default(),
            closed: None,
            last_input: now,
            pings: 0,
        }
    }

    /// Takes bytes from the front of `input`, up to the end of a piece of a message. Call it until there is none: then all
    /// was taken.
    pub fn handle_input<'a>(&mut self, now: u64, input: &mut &'a mut [u8]) -> Option<Piece<'a>> {
        if !input.is_empty() {
            (self.last_input, self.pings) = (now, 0);
        }
        while self.closed.is_none() {
            let taken = match self.reading {
                Reading::Header => self.take_header(input),
                Reading::Control(opcode) => self.take_control(opcode, input),
                Reading::Data => match self.take_data(input) {
                    Ok(Some(piece)) => return Some(piece),
                    Ok(None) if self.reading == Reading::Data => return None,
                    Ok(None) => Ok(true),
                    Err(fault) => Err(fault),
                },
            };
            match taken {
                Ok(true) => {}
                Ok(false) => return None,
                Err(fault) => self.end(Closed::ByFault(fault), fault.code, fault.detail),
            }
        }
        // What follows the last frame means nothing (§1.4).
        *input = &mut [];
        None
    }

    /// Says whether a header is whole.
    fn take_header(&mut self, input: &mut &mut [u8]) -> Result<bool, Fault> {
        let peer = if self.masks.is_some() { Sender::Server } else { Sender::Client };
        let header = if self.partial.is_empty() {
            let read = Header::read(input, peer)?;
            let (header, length) =
                read.map_or((None, input.len()), |(header, length)| (Some(header), length));
            let taken = take(input, length);
            if header.is_none() {
                self.partial = taken.to_vec();
            }
            header
        } else {
            let mut header = None;
            while header.is_none() && !input.is_empty() {
                self.partial.extend_from_slice(take(input, 1));
                header = Header::read(&self.partial, peer)?.map(|(header, _)| header);
            }
            header
        };
        let Some(header) = header else { return Ok(false) };
        self.partial = Vec::new();
        self.begin_frame(header)?;
        Ok(true)
    }

    fn begin_frame(&mut self, header: Header) -> Result<(), Fault> {
        (self.missing, self.mask) = (header.length, header.mask.unwrap_or_default());
        if header.opcode.is_control() {
            self.reading = Reading::Control(header.opcode);
            return Ok(());
        }
        let before = match (header.opcode, self.message) {
            (Opcode::Continuation, Some(before)) => before,
            (Opcode::Continuation, None) => return Err(Fault::protocol("the continuation of no message")),
            (_, Some(_)) => return Err(Fault::protocol("a message inside another")),
            (Opcode::Message(kind), None) if kind != self.settings.kind => {
                let detail = match kind {
                    Kind::Text => "text is not spoken here",
                    Kind::Binary => "only text is spoken here",
                };
                return Err(Fault::new(Code::UNSUPPORTED_DATA, detail));
            }
            _ => 0,
        };
        let size = before.saturating_add(header.length);
        if size > self.settings.message_size_max {
            return Err(Fault::new(Code::TOO_LARGE, "a message over the limit"));
        }
        (self.reading, self.is_last, self.message) = (Reading::Data, header.is_last, Some(size));
        Ok(())
    }

    /// A piece of a message. None: more bytes are needed, or the frame has ended without one.
    fn take_data<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Piece<'a>>, Fault> {
        let bytes = self.take_payload(input);
        if self.settings.kind == Kind::Text && !self.utf8.take(bytes) {
            return Err(Fault::new(Code::INVALID_DATA, "a text that isn't UTF-8"));
        }
        let is_last = self.missing == 0 && self.is_last;
        if self.missing == 0 {
            self.reading = Reading::Header;
        }
        if is_last {
            self.message = None;
            if !self.utf8.is_whole() {
                return Err(Fault::new(Code::INVALID_DATA, "a text that ends inside a character"));
            }
        }
        Ok((is_last || !bytes.is_empty()).then_some(Piece { bytes, is_last }))
    }

    /// Says whether a control frame is whole.
    fn take_control(&mut self, opcode: Opcode, input: &mut &mut [u8]) -> Result<bool, Fault> {
        let payload = self.take_payload(input);
        if self.missing > 0 {
            self.partial.extend_from_slice(payload);
            return Ok(false);
        }
        self.reading = Reading::Header;
        if self.partial.is_empty() {
            return self.control(opcode, payload).map(|()| true);
        }
        let mut whole = mem::take(&mut self.partial);
        whole.extend_from_slice(payload);
        self.control(opcode, &whole).map(|()| true)
    }

    fn take_payload<'a>(&mut self, input: &mut &'a mut [u8]) -> &'a mut [u8] {
        let length = usize::try_from(self.missing).unwrap_or(usize::MAX).min(input.len());
        let bytes = take(input, length);
        self.missing = self.missing.saturating_sub(length as u64);
        frame::apply_mask(&mut self.mask, bytes);
        bytes
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Fault> {
        match opcode {
            Opcode::Ping => self.write_control(Opcode::Pong, payload),
            Opcode::Close => {
                let code = close_code(payload)?;
                // The same code comes back (§5.5.1), and the reason is nobody's business.
                let code_bytes = code.map(|code| code.0.to_be_bytes());
                self.write_control(Opcode::Close, code_bytes.as_ref().map_or(&[], |bytes| bytes.as_slice()));
                self.closed = Some(Closed::ByPeer(code));
            }
            _ => {}
        }
        Ok(())
    }

    fn write_control(&mut self, opcode: Opcode, payload: &[u8]) {
        write_frame(&mut self.masks, opcode, &[IoSlice::new(payload)], &mut self.out);
    }

    /// Control frames that are to be written. It leaves no memory behind.
    pub fn poll_output(&mut self) -> Vec<u8> {
        mem::take(&mut self.out)
    }

    /// Appends a message that stands in pieces, as one frame.
    pub fn write_message(&mut self, pieces: &[IoSlice<'_>], out: &mut Vec<u8>) {
        write_frame(&mut self.masks, Opcode::Message(self.settings.kind), pieces, out);
    }

    /// Ends the connection from this side, unless it is over. Of the reason, 123 bytes are said.
    pub fn close(&mut self, code: Code, reason: &str) {
        self.end(Closed::ByCaller(code), code, reason);
    }

    fn end(&mut self, closed: Closed, code: Code, reason: &str) {
        if self.closed.is_some() {
            return;
        }
        let (mut payload, reason) = (code.0.to_be_bytes().to_vec(), reason.as_bytes());
        let reason = reason.get(..CONTROL_MAX - payload.len()).unwrap_or(reason);
        let whole = reason.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        payload.extend_from_slice(whole.as_bytes());
        self.write_control(Opcode::Close, &payload);
        self.closed = Some(closed);
        self.partial = Vec::new();
    }

    /// Why it is over.
    pub fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// When [`Connection::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<u64> {
        if self.closed.is_some() {
            return None;
        }
        self.ping_at().into_iter().chain(self.silence_at()).min()
    }

    /// Asks a peer that is silent whether it is there, or ends its connection. A call that comes early does nothing.
    pub fn handle_timeout(&mut self, now: u64) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        if self.pings >= PINGS_MAX || self.silence_at().is_some_and(|at| at <= now) {
            return self.end(Closed::BySilence, Code::GOING_AWAY, "nothing came for too long");
        }
        self.pings += 1;
        self.write_control(Opcode::Ping, &[]);
    }

    fn ping_at(&self) -> Option<u64> {
        let interval = Some(self.settings.ping_interval_ms).filter(|interval| *interval > 0)?;
        Some(self.last_input.saturating_add(interval.saturating_mul(u64::from(self.pings) + 1)))
    }

    fn silence_at(&self) -> Option<u64> {
        let timeout = Some(self.settings.timeout_ms).filter(|timeout| *timeout > 0)?;
        Some(self.last_input.saturating_add(timeout))
    }
}

fn write_frame(masks: &mut Option<Box<Masks>>, opcode: Opcode, pieces: &[IoSlice<'_>], out: &mut Vec<u8>) {
    let mut mask = masks.as_mut().map(|masks| masks.0());
    let length = pieces.iter().map(|piece| piece.len() as u64).sum();
    Header { opcode, is_last: true, mask, length }.write(out);
    for piece in pieces {
        let start = out.len();
        out.extend_from_slice(piece);
        if let (Some(mask), Some(payload)) = (&mut mask, out.get_mut(start..)) {
            frame::apply_mask(mask, payload);
        }
    }
}

/// Takes bytes from the front, as many as there are.
fn take<'a>(input: &mut &'a mut [u8], length: usize) -> &'a mut [u8] {
    match mem::take(input).split_at_mut_checked(length) {
        Some((taken, rest)) => {
            *input = rest;
            taken
        }
        None => &mut [],
    }
}

/// The code that a close frame names (§5.5.1).
fn close_code(payload: &[u8]) -> Result<Option<Code>, Fault> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (code, reason) = payload.split_first_chunk().ok_or(Fault::protocol("half a close code"))?;
    let code = Code(u16::from_be_bytes(*code));
    if !code.may_be_sent() {
        return Err(Fault::protocol("a close code that no frame may hold"));
    }
    match core::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Fault::new(Code::INVALID_DATA, "a close reason that isn't UTF-8")),
    }
}

#[cfg(test)]
mod tests;
