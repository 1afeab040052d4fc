//! Stream management between servers (XEP-0198), without resumption.

use super::*;
use crate::sm::Version;
use crate::stanza_error::Condition;

/// How far stream management has come.
#[derive(Debug)]
pub(super) enum State {
    Off,
    /// `<enable/>` is sent: what goes out is counted, what comes in is not yet (XEP-0198 §4).
    Asked(Box<sm::Session>),
    On(Box<sm::Session>),
}

impl<E> Peer<E> {
    pub(super) fn count_received(&mut self) {
        if let State::On(session) = &mut self.sm {
            session.count_received();
        }
    }

    pub(super) fn sm_session(&mut self) -> Option<&mut sm::Session> {
        match &mut self.sm {
            State::Off => None,
            State::Asked(session) | State::On(session) => Some(session),
        }
    }

    /// When the peer must have acknowledged.
    pub(super) fn sm_deadline(&self) -> Option<Duration> {
        let State::On(session) = &self.sm else { return None };
        session.ack_deadline().filter(|at| *at != Duration::MAX)
    }

    /// Sends `<enable/>` if the settings want it.
    pub(in crate::s2s) fn enable_sm(&mut self, version: Version) {
        let (State::Off, Some(session)) = (&self.sm, self.new_session(version)) else { return };
        let mut xml = String::new();
        sm::write_enable(&mut xml, version);
        self.put(xml);
        self.sm = State::Asked(session);
    }

    /// `<enabled/>` or `<failed/>` came; says whether stream management is on now. What was sent in between is to be
    /// acknowledged at once: no other stanza may follow that would ask for it.
    pub(in crate::s2s) fn on_sm_answer(&mut self, now: Duration, granted: bool) -> Result<bool, StreamError> {
        match std::mem::replace(&mut self.sm, State::Off) {
            State::Asked(mut session) if granted => {
                if session.request_ack(now) {
                    let mut xml = String::new();
                    sm::write_request(&mut xml, session.version());
                    self.put(xml);
                }
                self.sm = State::On(session);
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
            ("r", State::On(session)) => {
                sm::write_ack(&mut xml, session);
                self.put(xml);
                return Ok(());
            }
            ("a", State::On(session)) => {
                if session.handle_ack(now, frame.attr("h").as_deref())? {
                    sm::write_request(&mut xml, session.version());
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
        self.sm = State::On(session);
    }

    fn new_session(&self, version: Version) -> Option<Box<sm::Session>> {
        self.settings.sm.is_some().then(|| Box::new(sm::Session::new(version, &self.grant())))
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
        let State::On(session) = &mut self.sm else { return false };
        let due = !self.over && session.request_ack(now);
        if due {
            sm::write_request(out, session.version());
        }
        due
    }
}
