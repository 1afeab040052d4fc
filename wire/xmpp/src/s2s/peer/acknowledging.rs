//! Stream management between servers (XEP-0198), without resumption. Requests are joined.

use super::*;
use crate::sm::Version;
use crate::stanza_error::Condition;

/// Stanzas that wait for acknowledgement until one is requested without a pause.
const REQUEST_EVERY: usize = 16;
/// Pause after a request while fewer wait: each costs the peer a write and us a wake. It is short, since what isn't
/// acknowledged when the connection is lost is sent again, delivered or not.
const REQUEST_PAUSE: Duration = Duration::from_millis(100);

/// How far stream management has come.
#[derive(Debug)]
pub(super) enum State {
    Off,
    /// `<enable/>` is sent: what goes out is counted, what comes in is not yet (XEP-0198 §4).
    Asked(Box<sm::Session>),
    On(Box<On>),
}

/// Stream management is on.
#[derive(Debug)]
pub(super) struct On {
    pub session: sm::Session,
    /// When acknowledgement was last requested.
    requested: Option<Duration>,
}

impl On {
    fn new(session: sm::Session) -> Box<Self> {
        Box::new(Self { session, requested: None })
    }

    /// When the next request is due; none if nothing waits or one is out.
    fn due(&self) -> Option<Duration> {
        let waiting = self.session.unacked().len();
        if waiting == 0 || self.session.ack_deadline().is_some() {
            return None;
        }
        let paused = self.requested.filter(|_| waiting < REQUEST_EVERY);
        Some(paused.map_or(Duration::ZERO, |requested| requested.saturating_add(REQUEST_PAUSE)))
    }

    /// Writes a request if it is due.
    fn request<S: crate::write::Sink>(&mut self, now: Duration, out: &mut S) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now) && self.session.request_ack(now);
        if is_due {
            self.requested = Some(now);
            sm::write_request(out, self.session.version());
        }
        is_due
    }
}

impl<E> Peer<E> {
    pub(super) fn count_received(&mut self) {
        if let State::On(on) = &mut self.sm {
            on.session.count_received();
        }
    }

    pub(super) fn sm_session(&mut self) -> Option<&mut sm::Session> {
        match &mut self.sm {
            State::Off => None,
            State::Asked(session) => Some(session),
            State::On(on) => Some(&mut on.session),
        }
    }

    /// When the peer must have acknowledged, or is to be asked to.
    pub(super) fn sm_deadline(&self) -> Option<Duration> {
        let State::On(on) = &self.sm else { return None };
        on.due().or_else(|| on.session.ack_deadline().filter(|at| *at != Duration::MAX))
    }

    /// The time of [`Peer::sm_deadline`] has come.
    pub(in crate::s2s) fn on_sm_timeout(&mut self, now: Duration) {
        let State::On(on) = &mut self.sm else { return };
        if on.session.ack_deadline().is_some() {
            return self.end(End::Unacknowledged);
        }
        let mut xml = String::new();
        if on.request(now, &mut xml) {
            self.put(xml);
        }
    }

    /// Sends `<enable/>` if the settings want it.
    pub(in crate::s2s) fn enable_sm(&mut self, version: Version) {
        let (State::Off, Some(session)) = (&self.sm, self.new_session(version)) else { return };
        let mut xml = String::new();
        sm::write_enable(&mut xml, version);
        self.put(xml);
        self.sm = State::Asked(Box::new(session));
    }

    /// `<enabled/>` or `<failed/>` came; says whether stream management is on now. What was sent in between is to be
    /// acknowledged at once: no other stanza may follow that would ask for it.
    pub(in crate::s2s) fn on_sm_answer(&mut self, now: Duration, granted: bool) -> Result<bool, StreamError> {
        match std::mem::replace(&mut self.sm, State::Off) {
            State::Asked(session) if granted => {
                let mut on = On::new(*session);
                let mut xml = String::new();
                if on.request(now, &mut xml) {
                    self.put(xml);
                }
                self.sm = State::On(on);
                Ok(true)
            }
            State::Asked(_) => Ok(false),
            State::Off | State::On(_) => Err(unsupported()),
        }
    }

    /// Any other element of stream management; `offered` if we offered it.
    pub(in crate::s2s) fn on_sm(
        &mut self,
        now: Duration,
        version: Version,
        frame: &Frame,
        offered: bool,
    ) -> Step {
        let mut xml = String::new();
        let refused = match (frame.name(), &mut self.sm) {
            ("r", State::On(on)) => {
                sm::write_ack(&mut xml, &on.session);
                self.put(xml);
                return Ok(());
            }
            ("a", State::On(on)) => {
                on.session.take_ack(frame.attr("h").as_deref())?;
                if on.request(now, &mut xml) {
                    self.put(xml);
                }
                return Ok(());
            }
            ("a", _) => return Ok(()),
            ("enable", State::Off) if offered && !self.pairs.is_empty() => {
                self.grant_sm(version);
                return Ok(());
            }
            ("enable", State::Off) if !offered => Condition::FeatureNotImplemented,
            ("resume", State::Off) => Condition::ItemNotFound,
            ("enable" | "resume" | "r", _) => Condition::UnexpectedRequest,
            _ => return Err(unsupported()),
        };
        sm::write_failed(&mut xml, version, refused.into());
        self.put(xml);
        Ok(())
    }

    fn grant_sm(&mut self, version: Version) {
        let Some(session) = self.new_session(version) else { return };
        let mut xml = String::new();
        sm::write_enabled(&mut xml, version, &self.grant());
        self.put(xml);
        self.sm = State::On(On::new(session));
    }

    fn new_session(&self, version: Version) -> Option<sm::Session> {
        self.settings.sm.is_some().then(|| sm::Session::new(version, &self.grant()))
    }

    /// What is granted: no resumption.
    fn grant(&self) -> sm::Grant {
        let (queue_max, ack_timeout) = match self.settings.sm {
            Some(settings) => (settings.queue_max, settings.ack_timeout),
            None => (0, Duration::ZERO),
        };
        sm::Grant { id: None, max_seconds: None, location: None, queue_max, ack_timeout }
    }

    /// See [`crate::s2s::OutgoingStream::request_ack`].
    pub(in crate::s2s) fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        let State::On(on) = &mut self.sm else { return false };
        !self.over && on.request(now, out)
    }
}
