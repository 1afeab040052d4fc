//! What the machines of both directions do alike: stanzas, dialback, acknowledgements, the end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Frame;

use super::element::{Body, Question};
use super::pairs::Pairs;
use super::{End, Output, Settings};
use crate::stanza::Stanza;
use crate::stream::{Framing, FramingKind, Incoming, Outbox};
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::{ns, sm};

mod acknowledging;
mod asking;
mod stanzas;

pub(super) use asking::Happened;

/// The machine of either direction; `E` are its events.
#[derive(Debug)]
pub(super) struct Peer<E> {
    pub(super) settings: Arc<Settings>,
    pub(super) framing: Framing,
    pub(super) outbox: Outbox<E, End>,
    /// We opened the stream.
    is_outgoing: bool,
    pub(super) secured: bool,
    /// Stanzas go both ways (XEP-0288).
    pub(super) bidi: bool,
    pub(super) over: bool,
    /// Default language of what the peer sends.
    pub(super) lang: Option<Text>,
    /// The id of the current stream, given by the receiving server.
    pub(super) stream_id: Text,
    sm: acknowledging::State,
    pub(super) pairs: Pairs,
    /// Questions of the peer that wait for our driver.
    theirs: Vec<Question>,
    /// Questions of ours that wait for the peer.
    ours: Vec<Question>,
    /// Until the first pair is authorised.
    pub(super) deadline: Option<Duration>,
}

/// Whether the stream goes on.
pub(super) type Step = Result<(), StreamError>;

/// An element or a header; everything else was dealt with.
#[allow(clippy::large_enum_variant, reason = "elements are nearly all; a box would cost each an allocation")]
pub(super) enum Piece {
    Header(crate::stream::Header),
    Frame(Frame),
}

impl<E> Peer<E> {
    pub(super) fn new(
        settings: Arc<Settings>,
        is_outgoing: bool,
        stream_id: Text,
        secured: bool,
        now: Duration,
    ) -> Peer<E> {
        Peer {
            framing: Framing::new(FramingKind::Stream, settings.limits_before_auth),
            outbox: Outbox::default(),
            is_outgoing,
            secured,
            bidi: false,
            over: false,
            lang: None,
            stream_id,
            sm: acknowledging::State::Off,
            pairs: Pairs::default(),
            theirs: Vec::new(),
            ours: Vec::new(),
            deadline: Some(now.saturating_add(settings.negotiation_timeout)),
            settings,
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output<E>> {
        self.outbox.poll()
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        match (self.over, self.deadline) {
            (true, _) => None,
            (false, None) => self.sm_deadline(),
            (false, deadline) => deadline,
        }
    }

    pub(super) fn put(&mut self, xml: String) {
        self.outbox.send(FramingKind::Stream, xml);
    }

    pub(super) fn put_empty(&mut self, name: &str, ns: &str) {
        let mut xml = String::with_capacity(64);
        crate::stream::sasl::write_empty(&mut xml, name, ns);
        self.put(xml);
    }

    pub(super) fn tell(&mut self, event: E) {
        self.outbox.event(event);
    }

    /// What has a consequence for the machine; a close and a stream error end the stream here.
    pub(super) fn sort(&mut self, incoming: Incoming) -> Option<Piece> {
        match incoming {
            Incoming::Whitespace => None,
            Incoming::Close => {
                self.close_with(End::Closed);
                None
            }
            Incoming::Frame(frame) if frame.ns() == ns::STREAMS && frame.name() == "error" => {
                let error = StreamError::from_element(frame.parse().root());
                self.close_with(End::PeerError(error));
                None
            }
            Incoming::Frame(frame) => Some(Piece::Frame(frame)),
            Incoming::Header(header) => Some(Piece::Header(header)),
        }
    }

    /// A stream header comes next; nothing is kept of the questions that were asked (RFC 6120 §5.4.3.3).
    pub(super) fn restart(&mut self) {
        self.framing.restart();
        self.theirs.clear();
        self.ours.clear();
    }

    /// Authorises a pair; `false` if there are too many.
    pub(super) fn admit_pair(&mut self, local: &Jid, remote: &Jid) -> bool {
        let admitted = self.pairs.insert(local, remote, self.settings.pairs_max);
        self.framing.set_limits(self.settings.limits);
        admitted
    }

    /// RFC 6120 §4.9.1: our header has been sent.
    pub(super) fn fail(&mut self, error: StreamError) {
        if self.over {
            return;
        }
        let mut xml = String::with_capacity(256);
        error.write(&mut xml, false);
        self.put(xml);
        self.close_with(End::Error(error));
    }

    /// Ends our side of the stream.
    pub(super) fn close_with(&mut self, end: End) {
        if self.over {
            return;
        }
        self.put("</stream:stream>".to_owned());
        self.end(end);
    }

    pub(super) fn end(&mut self, end: End) {
        if !self.over {
            self.over = true;
            self.outbox.end(end);
        }
    }

    pub(super) fn take_unacked(&mut self) -> VecDeque<sm::Unacked> {
        match std::mem::replace(&mut self.sm, acknowledging::State::Off) {
            acknowledging::State::Off => VecDeque::new(),
            acknowledging::State::Asked(session) => session.into_unacked(),
            acknowledging::State::On(on) => on.session.into_unacked(),
        }
    }

    /// Whether the peer's stanzas are taken, pair by pair.
    fn takes_stanzas(&self) -> bool {
        !self.is_outgoing || self.bidi
    }

    /// Whether it takes ours.
    fn gives_stanzas(&self) -> bool {
        self.is_outgoing || self.bidi
    }
}

/// An answer that nobody asked for: the driver's mistake.
pub(super) fn unasked() -> StreamError {
    StreamErrorCondition::InternalServerError.into()
}

pub(super) fn unsupported() -> StreamError {
    StreamErrorCondition::UnsupportedStanzaType.into()
}
