//! Stream management (XEP-0198) without a stream: counters, the queue of unacknowledged stanzas, and what outlives a
//! lost connection.
//!
//! A [`Session`] belongs to the machine of the stream while there is one. When the connection is lost the driver takes
//! it out, goes on queueing with [`Session::push`], and gives it to the machine of the stream that resumes it, or takes
//! the stanzas back with [`Session::into_unacked`] when nobody does in time.

use std::collections::VecDeque;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::delay::Delay;
use crate::kind::StanzaType;
use crate::ns;
use crate::stanza::Stanza;
use crate::stanza_error::Condition;
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// Which version of the protocol the client speaks; the elements are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    V2,
    V3,
}

/// `<enable/>` (§3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enable {
    /// The client wants to be able to resume.
    pub resume: bool,
    /// For how long, in seconds, it would like to be.
    pub max_seconds: Option<u32>,
}

/// `<resume/>` (§5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resume {
    /// Id of the former session.
    pub previd: Text,
    /// How many stanzas of the former session the client has handled.
    pub h: u32,
}

/// Why a session cannot be resumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResumeRefused {
    /// `item-not-found` when there is no such session.
    pub condition: Condition,
    /// How many of the client's stanzas the former session handled, if that is still known.
    pub h: Option<u32>,
}

/// What the server grants to `<enable/>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Unguessable id to resume with; `None` if the stream cannot be resumed.
    pub id: Option<Text>,
    /// For how long the session can be resumed, in seconds.
    pub max_seconds: Option<u32>,
    /// Where the client should reconnect to, host and port.
    pub location: Option<Text>,
    /// Stanzas that may wait for acknowledgement (`max_ack_queue`); `usize::MAX` for no limit.
    pub queue_max: usize,
    /// How long a request for acknowledgement may stay unanswered (`ack_timeout`); zero for ever.
    pub ack_timeout: Duration,
}

/// A stanza the client has not acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unacked {
    pub stanza: Stanza,
    /// When it was sent, on the driver's monotonic clock.
    pub sent_at: Duration,
}

/// More stanzas wait for acknowledgement than may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueFull;

/// The client claims to have handled more than it was sent (§6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandledTooHigh {
    pub h: u32,
    pub sent: u32,
}

/// The state of stream management for one session. Counters are modulo 2^32 (§4).
#[derive(Debug)]
pub struct Session {
    version: Version,
    id: Option<Text>,
    /// Stanzas handled from the client.
    received: u32,
    /// The client's count of stanzas it has handled.
    acknowledged: u32,
    queue: VecDeque<Unacked>,
    queue_max: usize,
    ack_timeout: Duration,
    /// Set while a request for acknowledgement is out.
    ack_deadline: Option<Duration>,
}

impl Session {
    /// Counting starts at zero (§4).
    pub fn new(version: Version, grant: &Grant) -> Session {
        Session {
            version,
            id: grant.id.clone(),
            received: 0,
            acknowledged: 0,
            queue: VecDeque::new(),
            queue_max: grant.queue_max,
            ack_timeout: grant.ack_timeout,
            ack_deadline: None,
        }
    }

    /// The version the client speaks.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The id to resume with; `None` if it cannot be resumed.
    pub fn id(&self) -> Option<&Text> {
        self.id.as_ref()
    }

    /// How many stanzas of the client were handled: the `h` the server sends.
    pub fn received(&self) -> u32 {
        self.received
    }

    /// How many stanzas were sent.
    pub fn sent(&self) -> u32 {
        self.acknowledged.wrapping_add(self.queue.len() as u32)
    }

    /// Counts a stanza of the client as handled.
    pub fn count_received(&mut self) {
        self.received = self.received.wrapping_add(1);
    }

    /// Counts a stanza as sent (or to be sent on resumption) and keeps it until it is acknowledged.
    ///
    /// # Errors
    /// The queue was full. The stanza is in it all the same, so that nothing is lost.
    pub fn push(&mut self, now: Duration, stanza: Stanza) -> Result<(), QueueFull> {
        self.queue.push_back(Unacked { stanza, sent_at: now });
        if self.queue.len() > self.queue_max { Err(QueueFull) } else { Ok(()) }
    }

    /// Takes the client's `h` and forgets what it covers; returns how many stanzas that were. An `h` from the past
    /// changes nothing.
    ///
    /// # Errors
    /// `h` is beyond what was sent.
    pub fn acknowledge(&mut self, h: u32) -> Result<usize, HandledTooHigh> {
        let newly = h.wrapping_sub(self.acknowledged);
        let count = newly as usize;
        if count <= self.queue.len() {
            self.queue.drain(..count);
            self.queue.shrink_to(KEPT_CAPACITY);
            self.acknowledged = h;
            return Ok(count);
        }
        if newly > u32::MAX / 2 { Ok(0) } else { Err(HandledTooHigh { h, sent: self.sent() }) }
    }

    /// Takes `<a/>` with this `h`; says whether `<r/>` is due again, which counts as sent then.
    pub(crate) fn handle_ack(&mut self, now: Duration, h: Option<&str>) -> Result<bool, StreamError> {
        self.take_ack(h)?;
        Ok(self.request_ack(now))
    }

    /// Takes `<a/>` with this `h`: a request that is out is answered.
    pub(crate) fn take_ack(&mut self, h: Option<&str>) -> Result<(), StreamError> {
        let h = h.and_then(|h| h.trim().parse().ok()).ok_or(StreamErrorCondition::InvalidXml)?;
        self.acknowledge(h)?;
        self.clear_ack_request();
        Ok(())
    }

    /// The stanzas not yet acknowledged, oldest first.
    pub fn unacked(&self) -> impl ExactSizeIterator<Item = &Unacked> {
        self.queue.iter()
    }

    /// Gives the stanzas not yet acknowledged back, oldest first.
    pub fn into_unacked(self) -> VecDeque<Unacked> {
        self.queue
    }

    /// Stamps the queued messages and presences that no `by` has stamped yet with the time they were first sent, so
    /// that a late delivery is seen as one (§4). `unix_micros` is the time of day at the monotonic time `now`.
    pub fn stamp_delay(&mut self, by: &Jid, now: Duration, unix_micros: i64) {
        for unacked in &mut self.queue {
            let ago = i64::try_from(now.saturating_sub(unacked.sent_at).as_micros()).unwrap_or(i64::MAX);
            let stanza = &mut unacked.stanza;
            let stamped =
                stanza.children().filter_map(Delay::parse).any(|delay| delay.from.as_ref() == Some(by));
            if !stamped && !matches!(stanza.kind, StanzaType::Iq(_)) {
                stanza.append(Delay::new(by, unix_micros.saturating_sub(ago)).to_xml());
            }
        }
    }

    /// When the request for acknowledgement that is out was to be answered.
    pub fn ack_deadline(&self) -> Option<Duration> {
        self.ack_deadline
    }

    /// Whether `<r/>` is due: something waits, and no request is out. Then one counts as sent at `now`.
    pub fn request_ack(&mut self, now: Duration) -> bool {
        if self.queue.is_empty() || self.ack_deadline.is_some() {
            return false;
        }
        self.ack_deadline = Some(match self.ack_timeout {
            Duration::ZERO => Duration::MAX,
            timeout => now.saturating_add(timeout),
        });
        true
    }

    /// The request for acknowledgement was answered, or its stream is gone.
    pub fn clear_ack_request(&mut self) {
        self.ack_deadline = None;
    }
}

/// Slots a drained queue keeps.
const KEPT_CAPACITY: usize = 16;

impl Version {
    /// The namespace.
    pub fn ns(self) -> &'static str {
        match self {
            Version::V2 => ns::SM_2,
            Version::V3 => ns::SM,
        }
    }

    /// The version of a namespace.
    pub fn of_ns(ns: &str) -> Option<Version> {
        [Version::V3, Version::V2].into_iter().find(|version| version.ns() == ns)
    }
}

impl From<HandledTooHigh> for StreamError {
    /// §6: `undefined-condition` with `<handled-count-too-high/>`.
    fn from(HandledTooHigh { h, sent }: HandledTooHigh) -> StreamError {
        let mut application = String::from("<handled-count-too-high");
        write::attribute(&mut application, "xmlns", ns::SM);
        write::attribute(&mut application, "h", &h.to_string());
        write::attribute(&mut application, "send-count", &sent.to_string());
        application.put("/>");
        let text = format!("You acknowledged {h} stanzas, but only {sent} were sent to you so far.");
        StreamError {
            application: Some(application.into()),
            ..StreamError::with_text(StreamErrorCondition::UndefinedCondition, text)
        }
    }
}

/// Writes `<enable/>`, without asking for resumption.
pub fn write_enable<S: Sink>(out: &mut S, version: Version) {
    out.put("<enable");
    write::attribute(out, "xmlns", version.ns());
    out.put("/>");
}

/// Writes `<enabled/>`.
pub fn write_enabled<S: Sink>(out: &mut S, version: Version, grant: &Grant) {
    out.put("<enabled");
    write::attribute(out, "xmlns", version.ns());
    if let Some(id) = &grant.id {
        write::attribute(out, "id", id);
        write::attribute(out, "resume", "true");
        write::attribute_if(out, "max", grant.max_seconds.map(|max| max.to_string()).as_deref());
        write::attribute_if(out, "location", grant.location.as_deref());
    }
    out.put("/>");
}

/// Writes `<resumed/>`.
pub fn write_resumed<S: Sink>(out: &mut S, session: &Session) {
    out.put("<resumed");
    write::attribute(out, "xmlns", session.version.ns());
    write::attribute(out, "h", &session.received.to_string());
    write::attribute_if(out, "previd", session.id.as_deref());
    out.put("/>");
}

/// Writes `<failed/>`.
pub fn write_failed<S: Sink>(out: &mut S, version: Version, refused: ResumeRefused) {
    out.put("<failed");
    write::attribute(out, "xmlns", version.ns());
    write::attribute_if(out, "h", refused.h.map(|h| h.to_string()).as_deref());
    out.put("><");
    out.put(refused.condition.as_str());
    write::attribute(out, "xmlns", ns::STANZA_ERRORS);
    out.put("/></failed>");
}

/// Writes `<a/>`.
pub fn write_ack<S: Sink>(out: &mut S, session: &Session) {
    out.put("<a");
    write::attribute(out, "xmlns", session.version.ns());
    write::attribute(out, "h", &session.received.to_string());
    out.put("/>");
}

/// Writes `<r/>`.
pub fn write_request<S: Sink>(out: &mut S, version: Version) {
    out.put("<r");
    write::attribute(out, "xmlns", version.ns());
    out.put("/>");
}

impl From<Condition> for ResumeRefused {
    fn from(condition: Condition) -> ResumeRefused {
        ResumeRefused { condition, h: None }
    }
}
