//! The bytes of one stream, as they arrive, into events.

use std::borrow::Cow;

use crate::check::{Checker, Context};
use crate::class::is_space;
use crate::frame::{Frame, as_text};
use crate::index::Index;
use crate::namespace::{Root, Scope};
use crate::open::{StreamOpen, declaration, opening};
use crate::scan::{Scan, Stop, byte_at, malformed, skip_space};
use crate::{Limits, XmlError, XmlErrorKind};
use nightjar_text::Text;

#[cfg(test)]
mod tests;

/// Resumable parser of one XML stream.
///
/// It holds bytes only while an element is incomplete; between elements it owns no memory unless the stream
/// declares unusual prefixes. Time is linear in the input, whatever the pieces it comes in.
#[derive(Debug)]
pub struct StreamParser {
    limits: Limits,
    /// What the opening tag declares.
    scope: Scope,
    /// The same namespace of stanzas, and nothing else: what frames are written for.
    frame_scope: Scope,
    partial: Option<Box<Partial>>,
    stage: Stage,
    #[cfg(test)]
    steps: usize,
}

/// What the next bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was read: an XML declaration may come.
    Start,
    /// The opening tag must come.
    Opening,
    /// Elements, white space, or the closing tag.
    Elements,
    /// The opening tag was an empty one: the stream is closed as soon as it is open.
    OpenedEmpty,
    Closed,
    Failed(XmlError),
}

/// A piece whose end has not come yet.
#[derive(Debug)]
struct Partial {
    bytes: Vec<u8>,
    checker: Checker,
    index: Index,
}

/// What the bytes of a stream say.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "frames are nearly all events, and a box would cost each an allocation"
)]
pub enum Event {
    /// The opening tag.
    Open(StreamOpen),
    /// A first-level element.
    Frame(Frame),
    /// White space between elements, a keepalive (RFC 6120 §4.6.1).
    Whitespace,
    /// The closing tag.
    Close,
}

type Fed = Result<(usize, Option<Event>), XmlError>;

fn fail<T>(kind: XmlErrorKind, offset: usize) -> Result<T, XmlError> {
    Err(XmlError { kind, offset })
}

impl StreamParser {
    pub fn new(limits: Limits) -> StreamParser {
        StreamParser {
            limits: limits.bounded(),
            scope: Scope::empty(),
            frame_scope: Scope::empty(),
            partial: None,
            stage: Stage::Start,
            #[cfg(test)]
            steps: 0,
        }
    }

    /// Changes the limits from the next bytes on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits.bounded();
    }

    /// Expects a new stream (RFC 6120 §4.3.3). Bytes of an incomplete element are forgotten.
    pub fn reset(&mut self) {
        *self = StreamParser::new(self.limits);
    }

    /// The namespace of stanzas: the default namespace of the opening tag. Empty before it.
    pub fn content_ns(&self) -> &str {
        &self.scope.content
    }

    /// Sets the namespace of stanzas for an opening tag that does not declare it (RFC 6120 §4.8.3).
    pub fn set_content_ns(&mut self, content_ns: &str) {
        let old: &Root = &self.scope;
        if content_ns == old.content {
            return;
        }
        let default = old.default.clone().unwrap_or_else(|| old.content.clone());
        let default = (default != content_ns).then_some(default);
        let content = Cow::Owned(content_ns.to_owned());
        self.scope = Scope::new(Root { content, default, ..old.clone() });
        self.frame_scope = Scope::document(content_ns);
    }

    /// Whether an element has begun but not ended.
    pub fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    /// Bytes held for an element that has begun but not ended.
    pub fn pending_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.bytes.len())
    }

    /// Reads from `input` up to the next event. Gives how many bytes it took, and the event; without an event
    /// all bytes were taken. After an error every further call gives the same error.
    pub fn feed(&mut self, input: &[u8]) -> Fed {
        let fed = self.read(input);
        if let Err(error) = &fed {
            self.partial = None;
            self.stage = Stage::Failed(*error);
        }
        fed
    }

    // Out of line, the result is built where the caller wants it; a frame is too large to be moved about.
    #[inline(never)]
    fn read(&mut self, input: &[u8]) -> Fed {
        match self.stage {
            Stage::Start | Stage::Opening => self.feed_prolog(input),
            Stage::Elements => self.feed_elements(input),
            Stage::OpenedEmpty => {
                self.stage = Stage::Closed;
                Ok((0, Some(Event::Close)))
            }
            Stage::Closed if input.iter().all(|&byte| is_space(byte)) => Ok((input.len(), None)),
            Stage::Closed => fail(XmlErrorKind::NotWellFormed, 0),
            Stage::Failed(error) => Err(error),
        }
    }

    fn feed_prolog(&mut self, input: &[u8]) -> Fed {
        let mut used = 0;
        if self.partial.is_none() {
            used = input.iter().take_while(|&&byte| is_space(byte)).count();
            if used > 0 {
                self.stage = Stage::Opening;
            }
            match input.get(used) {
                None => return Ok((used, None)),
                Some(b'<') => self.partial = Some(Partial::new(&[])),
                // The first byte of UTF-16 or UTF-32, with or without a byte order mark.
                Some(0x00 | 0xfe | 0xff) => return fail(XmlErrorKind::UnsupportedEncoding, 0),
                Some(_) => return fail(XmlErrorKind::NotWellFormed, 0),
            }
        }
        while let Some(mut partial) = self.partial.take() {
            let Some(taken) = partial.append(input, used) else {
                self.partial = Some(partial);
                break;
            };
            used += taken;
            let Some(end) = partial.prolog_piece(self.stage == Stage::Start, &self.limits)? else {
                self.partial = Some(partial);
                continue;
            };
            used -= partial.bytes.len() - end;
            let piece = partial.bytes.get(..end).unwrap_or_default();
            if !piece.starts_with(b"<?") {
                return self.open(piece).map(|open| (used, Some(Event::Open(open))));
            }
            declaration(piece).map_err(|kind| XmlError { kind, offset: 0 })?;
            self.stage = Stage::Opening;
            let (more, event) = self.feed_prolog(input.get(used..).unwrap_or_default())?;
            return Ok((used + more, event));
        }
        Ok((used, None))
    }

    fn open(&mut self, piece: &[u8]) -> Result<StreamOpen, XmlError> {
        let (open, empty) = opening(piece, &self.limits).map_err(|kind| XmlError { kind, offset: 0 })?;
        self.scope = Scope::new(open.root());
        self.frame_scope = Scope::document(&open.content_ns);
        self.stage = if empty { Stage::OpenedEmpty } else { Stage::Elements };
        Ok(open)
    }

    #[inline(always)]
    fn feed_elements(&mut self, input: &[u8]) -> Fed {
        if let Some(partial) = self.partial.take() {
            return self.resume(partial, input);
        }
        match input {
            [] => Ok((0, None)),
            [b'<'] | [b'<', b'/', ..] => self.resume(Partial::new(&[]), input),
            [b'<', ..] => self.fresh(input),
            [byte, ..] if is_space(*byte) => {
                let length = input.iter().take_while(|&&byte| is_space(byte)).count();
                Ok((length, Some(Event::Whitespace)))
            }
            _ => fail(XmlErrorKind::BadFormat, 0),
        }
    }

    /// Reads an element in place; copies it only if it is not all there.
    #[inline(always)]
    fn fresh(&mut self, input: &[u8]) -> Fed {
        let limit = self.limits.stanza_bytes as usize;
        let window = input.get(..limit + 1).unwrap_or(input);
        let mut checker = Checker::default();
        let mut index = Index::default();
        let cx = Context { root: &self.scope, limits: &self.limits };
        let ended = checker.run(window, cx, &mut index);
        #[cfg(test)]
        {
            self.steps += checker.steps;
            checker.steps = 0;
        }
        match ended {
            Ok(end) if end <= limit => {
                let element = window.get(..end).unwrap_or_default();
                self.framed(end, element, checker.leans, &index)
            }
            Err(Stop::Bad(kind, offset)) => fail(kind, offset),
            Ok(_) | Err(Stop::More) if window.len() > limit => fail(XmlErrorKind::TooLarge, limit),
            Ok(_) | Err(Stop::More) => {
                self.partial = Some(Box::new(Partial { bytes: input.to_vec(), checker, index }));
                Ok((input.len(), None))
            }
        }
    }

    /// Goes on with an element, or with the closing tag.
    fn resume(&mut self, mut partial: Box<Partial>, input: &[u8]) -> Fed {
        let mut used = 0;
        while let Some(taken) = partial.append(input, used) {
            used += taken;
            let cx = Context { root: &self.scope, limits: &self.limits };
            let closing = matches!(partial.bytes.as_slice(), [b'<', b'/', ..]);
            let ended = if closing { partial.closing_tag(taken, &self.scope) } else { partial.element(cx) };
            #[cfg(test)]
            {
                self.steps += std::mem::take(&mut partial.checker.steps);
            }
            let limit = self.limits.stanza_bytes as usize;
            let end = match ended {
                Ok(end) if end <= limit => end,
                Err(Stop::Bad(kind, offset)) => return fail(kind, offset),
                Ok(_) => return fail(XmlErrorKind::TooLarge, limit),
                Err(Stop::More) if partial.bytes.len() > limit => return fail(XmlErrorKind::TooLarge, limit),
                Err(Stop::More) => continue,
            };
            used -= partial.bytes.len() - end;
            if closing {
                self.stage = Stage::Closed;
                return Ok((used, Some(Event::Close)));
            }
            partial.bytes.truncate(end);
            let Partial { mut bytes, checker, index } = *partial;
            if checker.leans {
                // The rewritten element and its text will stand beside these bytes.
                bytes.shrink_to_fit();
            }
            return self.framed(used, &bytes, checker.leans, &index);
        }
        self.partial = Some(partial);
        Ok((used, None))
    }

    /// The event for an element that was checked and is all there; `used` bytes of the input brought it.
    #[inline(always)]
    fn framed(&self, used: usize, element: &[u8], leans: bool, index: &Index) -> Fed {
        let text = as_text(element).map_err(|kind| XmlError { kind, offset: element.len() })?;
        if leans {
            let cx = Context { root: &self.scope, limits: &self.limits };
            let frame = Frame::rewritten(text, cx, &self.frame_scope)?;
            return Ok((used, Some(Event::Frame(frame))));
        }
        Ok((used, Some(Event::Frame(Frame::new(Text::new(text), &self.frame_scope, index)))))
    }
}

/// The fewest bytes that are copied at a time while an element is incomplete.
const APPEND_BYTES_MIN: usize = 512;

impl Partial {
    fn new(bytes: &[u8]) -> Box<Partial> {
        Box::new(Partial { bytes: bytes.to_vec(), checker: Checker::default(), index: Index::default() })
    }

    /// Copies bytes from `input`, at most as many as it holds already: what belongs to the next element must
    /// not be copied time and again. Gives how many; `None` when there are none.
    fn append(&mut self, input: &[u8], used: usize) -> Option<usize> {
        let rest = input.get(used..).filter(|rest| !rest.is_empty())?;
        let taken = rest.len().min(self.bytes.len().max(APPEND_BYTES_MIN));
        self.bytes.extend_from_slice(rest.get(..taken).unwrap_or_default());
        self.checker.count(taken);
        Some(taken)
    }

    fn element(&mut self, cx: Context<'_>) -> Scan<usize> {
        self.checker.run(&self.bytes, cx, &mut self.index)
    }

    /// Where the closing tag ends; its last bytes are `new`.
    fn closing_tag(&mut self, new: usize, root: &Root) -> Scan<usize> {
        let name = root.name.as_bytes();
        let found = self.bytes.get(2..).unwrap_or_default();
        let found = found.get(..name.len()).unwrap_or(found);
        if !name.starts_with(found) {
            return malformed(2);
        }
        let old = self.bytes.len() - new;
        // White space before the `>` is not scanned for each byte of a slow sender.
        if memchr::memchr(b'>', self.bytes.get(old..).unwrap_or_default()).is_none() {
            return Err(Stop::More);
        }
        self.checker.count(self.bytes.len());
        let end = skip_space(&self.bytes, 2 + name.len())?;
        if byte_at(&self.bytes, end)? == b'>' { Ok(end + 1) } else { malformed(end) }
    }

    /// Where the XML declaration or the opening tag ends, if it does.
    fn prolog_piece(&mut self, first: bool, limits: &Limits) -> Result<Option<usize>, XmlError> {
        match self.bytes.as_slice() {
            [b'<', b'!', ..] => return fail(XmlErrorKind::RestrictedXml, 0),
            [b'<', b'?', name @ ..] => {
                let name = name.get(..4).unwrap_or(name);
                let declares = b"xml ".starts_with(name) || name.strip_prefix(b"xml").is_some_and(spaced);
                if !declares {
                    return fail(XmlErrorKind::RestrictedXml, 0);
                }
                if !first {
                    return fail(XmlErrorKind::NotWellFormed, 0);
                }
            }
            _ => {}
        }
        match self.checker.await_prolog_end(&self.bytes) {
            Ok(end) if end <= limits.stanza_bytes as usize => Ok(Some(end)),
            Err(Stop::More) if self.bytes.len() <= limits.stanza_bytes as usize => Ok(None),
            _ => fail(XmlErrorKind::TooLarge, limits.stanza_bytes as usize),
        }
    }
}

fn spaced(rest: &[u8]) -> bool {
    rest.iter().all(|&byte| is_space(byte))
}
