//! The stream of a bound client: stanzas, stream management (XEP-0198), client state (XEP-0352).

use std::time::Duration;

use nightjar_xml::Frame;

use super::negotiation::read_enable;
use super::{ClientStream, Condition, Event, Phase};
use crate::kind::{IqType, StanzaType};
use crate::stanza::Stanza;
use crate::stream::Machine;
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::{ns, sm};

/// All that is left of negotiation.
#[derive(Debug)]
pub(super) struct Established {
    sm_offered: bool,
    /// `Event::EnableSm` waits.
    enabling: Option<sm::Version>,
}

impl Established {
    pub(super) fn new(sm_offered: bool) -> Established {
        Established { sm_offered, enabling: None }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.enabling.is_some()
    }
}

impl ClientStream {
    /// Writes a stanza for the client behind what is in `out`, exactly one element, and keeps it until it is
    /// acknowledged if stream management is enabled. Gives it back if there is no bound client.
    ///
    /// If more stanzas wait for acknowledgement than may, the stream ends: poll the outputs after each batch.
    pub fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza> {
        if !self.is_established() {
            return Some(stanza);
        }
        stanza.write_to(out, self.io.content_ns());
        if let Some(session) = &mut self.io.sm
            && session.push(now, stanza).is_err()
        {
            let text = "Too many unacked stanzas";
            self.fail(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        }
        None
    }

    /// Writes a request for acknowledgement, exactly one element, if one is due (XEP-0198 §4); says whether it did.
    /// For the end of a batch.
    pub fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        let established = self.is_established();
        let Some(session) = self.io.sm.as_mut().filter(|_| established) else { return false };
        let due = session.request_ack(now);
        if due {
            sm::write_request(out, session.version());
        }
        due
    }

    /// Answers [`Event::EnableSm`].
    pub fn sm_enabled(&mut self, grant: &sm::Grant) {
        let Some(version) = self.take_enabling() else { return };
        let mut xml = String::new();
        sm::write_enabled(&mut xml, version, grant);
        self.io.put(xml);
        self.io.sm = Some(Box::new(sm::Session::new(version, grant)));
    }

    /// Answers [`Event::EnableSm`]: it cannot be had.
    pub fn sm_refused(&mut self, condition: Condition) {
        let Some(version) = self.take_enabling() else { return };
        self.io.put_sm_failed(version, condition.into());
    }

    fn take_enabling(&mut self) -> Option<sm::Version> {
        let enabling = match &mut self.phase {
            Phase::Established(established) => established.enabling.take(),
            _ => None,
        };
        if enabling.is_none() {
            self.fail(StreamErrorCondition::InternalServerError.into());
        }
        enabling
    }

    pub(super) fn on_established_frame(&mut self, now: Duration, frame: &Frame) {
        match (frame.ns(), frame.name()) {
            (ns::CLIENT, "message" | "presence" | "iq") => self.on_stanza(now, frame),
            (ns::SERVER, "message" | "presence" | "iq") => {
                self.fail(StreamErrorCondition::InvalidNamespace.into());
            }
            (ns::CSI, "active") => self.io.ask(Event::ClientState { active: true }),
            (ns::CSI, "inactive") => self.io.ask(Event::ClientState { active: false }),
            (ns, name) => match sm::Version::of_ns(ns) {
                Some(version) => self.on_sm(now, version, name, frame),
                None => self.fail(StreamErrorCondition::UnsupportedStanzaType.into()),
            },
        }
    }

    fn on_stanza(&mut self, now: Duration, frame: &Frame) {
        if let Some(session) = &mut self.io.sm {
            session.count_received();
        }
        match Stanza::from_frame(frame) {
            Ok(stanza) if is_session_request(&stanza) => self.reply(now, stanza.result_reply(None)),
            Ok(mut stanza) => {
                if stanza.lang.is_none() {
                    // RFC 6120 §4.7.4
                    stanza.lang = self.io.lang.as_deref().cloned();
                }
                self.io.ask(Event::Stanza(stanza));
            }
            Err(error) => {
                if let Some(reply) = Stanza::error_for_frame(frame, &error) {
                    self.reply(now, reply);
                }
            }
        }
    }

    /// Sends what the machine answers by itself; it counts like any stanza.
    fn reply(&mut self, now: Duration, reply: Stanza) {
        self.io.put_stanza(&reply);
        if let Some(session) = &mut self.io.sm
            && session.push(now, reply).is_err()
        {
            let text = "Too many unacked stanzas";
            self.fail(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        }
    }

    fn on_sm(&mut self, now: Duration, version: sm::Version, name: &str, frame: &Frame) {
        let Phase::Established(established) = &mut self.phase else { return };
        let refused = match (name, &mut self.io.sm) {
            ("r", Some(session)) => {
                let mut xml = String::new();
                sm::write_ack(&mut xml, session);
                return self.io.put(xml);
            }
            ("a", Some(_)) => return self.on_ack(now, frame),
            ("a", None) => return,
            ("enable", None) if established.sm_offered => {
                established.enabling = Some(version);
                let (resume, max) = (frame.attr("resume"), frame.attr("max"));
                let enable = read_enable(resume.as_deref(), max.as_deref());
                return self.io.ask(Event::EnableSm(enable));
            }
            ("enable", None) => Condition::FeatureNotImplemented,
            ("enable" | "resume" | "r", _) => Condition::UnexpectedRequest,
            _ => return self.fail(StreamErrorCondition::UnsupportedStanzaType.into()),
        };
        self.io.put_sm_failed(version, refused.into());
    }

    fn on_ack(&mut self, now: Duration, frame: &Frame) {
        let Some(session) = &mut self.io.sm else { return };
        match session.handle_ack(now, frame.attr("h").as_deref()) {
            Err(error) => self.fail(error),
            Ok(false) => {}
            Ok(true) => {
                let mut xml = String::new();
                sm::write_request(&mut xml, session.version());
                self.io.put(xml);
            }
        }
    }
}

/// RFC 3921 §3, which RFC 6121 keeps as a formality: always granted.
fn is_session_request(stanza: &Stanza) -> bool {
    stanza.kind == StanzaType::Iq(IqType::Set) && stanza.has_child("session", ns::SESSION)
}
