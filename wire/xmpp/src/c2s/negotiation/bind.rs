//! Resource binding (RFC 6120 §7) and, in its place, resumption (XEP-0198 §5).

use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Frame;

use super::{Io, Negotiation, Progress, Stage, Step, not_authorized, refuse_frame, sm_refused, unasked};
use crate::c2s::Event;
use crate::kind::{IqType, StanzaType};
use crate::stanza::Stanza;
use crate::stanza_error::{Condition, StanzaError};
use crate::stream_error::StreamErrorCondition;
use crate::write::{self, Sink};
use crate::{ns, sm};

impl Negotiation {
    pub(super) fn on_unbound(&mut self, io: &mut Io, frame: &Frame) -> Step {
        if frame.ns() != ns::CLIENT || !matches!(frame.name(), "message" | "presence" | "iq") {
            return Err(StreamErrorCondition::UnsupportedStanzaType.into());
        }
        let stanza = match Stanza::from_frame(frame) {
            Ok(stanza) => stanza,
            Err(error) => {
                refuse_frame(io, frame, &error);
                return Ok(Progress::Goes);
            }
        };
        if let Some(bind) = stanza.child("bind", ns::BIND)
            && stanza.kind == StanzaType::Iq(IqType::Set)
        {
            let bind = bind.parse();
            let resource = bind.child("resource", ns::BIND).map(|resource| Text::new(&resource.text()));
            self.stage = Stage::Bind(stanza.id.clone().unwrap_or_default());
            io.ask(Event::Bind { resource: resource.filter(|resource| !resource.is_empty()) });
            return Ok(Progress::Goes);
        }
        // RFC 6120 §7.1: to others nothing can be sent yet.
        let near = stanza.to.as_ref().is_none_or(|to| self.is_host(to) || self.is_account(to));
        if !near || !matches!(stanza.kind, StanzaType::Iq(_)) {
            return Err(not_authorized());
        }
        if let Some(reply) = stanza.error_reply(&StanzaError::unexpected_request()) {
            io.put_stanza(&reply);
        }
        Ok(Progress::Goes)
    }

    fn is_account(&self, jid: &Jid) -> bool {
        self.account.as_ref().is_some_and(|account| account.as_str() == jid.bare_str())
    }

    pub(in crate::c2s) fn bound(&mut self, io: &mut Io, jid: &Jid) -> Step {
        let Stage::Bind(id) = &self.stage else { return Err(unasked()) };
        let mut bind = String::from("<bind");
        write::attribute(&mut bind, "xmlns", ns::BIND);
        bind.put(">");
        write::text_element(&mut bind, "jid", jid.as_str());
        bind.put("</bind>");
        io.put_stanza(&Stanza::iq(IqType::Result, id.clone()).with_child(bind));
        Ok(Progress::Established)
    }

    pub(in crate::c2s) fn bind_refused(&mut self, io: &mut Io, error: &StanzaError) -> Step {
        let Stage::Bind(id) = &self.stage else { return Err(unasked()) };
        io.put_stanza(&Stanza::iq(IqType::Error, id.clone()).with_child(error.to_xml()));
        self.stage = Stage::Unbound;
        Ok(Progress::Goes)
    }

    /// XEP-0198 §3: before binding only `<resume/>` is in order.
    pub(super) fn on_sm(&mut self, io: &mut Io, frame: &Frame, version: sm::Version) -> Step {
        let refused = match (frame.name(), &self.stage) {
            ("resume", Stage::Unbound) if !self.offer.sm => Condition::FeatureNotImplemented,
            ("resume", Stage::Unbound) => match read_resume(frame) {
                Some(resume) => {
                    self.stage = Stage::Resume(version, resume.h);
                    io.ask(Event::Resume(resume));
                    return Ok(Progress::Goes);
                }
                None => Condition::BadRequest,
            },
            ("resume" | "enable" | "r" | "a", Stage::Unbound | Stage::Unauthenticated) => {
                Condition::UnexpectedRequest
            }
            ("resume" | "enable" | "r" | "a", _) => return Err(not_authorized()),
            _ => return Err(StreamErrorCondition::UnsupportedStanzaType.into()),
        };
        io.put_sm_failed(version, sm_refused(refused));
        Ok(Progress::Goes)
    }

    pub(in crate::c2s) fn resumed(&mut self, io: &mut Io, now: Duration, session: Box<sm::Session>) -> Step {
        let Stage::Resume(_, h) = self.stage else { return Err(unasked()) };
        let acknowledged = io.sm.insert(session).acknowledge(h);
        acknowledged?;
        io.put_resumed();
        io.resend(now);
        Ok(Progress::Established)
    }

    pub(in crate::c2s) fn resume_refused(&mut self, io: &mut Io, refused: sm::ResumeRefused) -> Step {
        let Stage::Resume(version, _) = self.stage else { return Err(unasked()) };
        io.put_sm_failed(version, refused);
        self.stage = Stage::Unbound;
        Ok(Progress::Goes)
    }
}

impl Io {
    fn put_resumed(&mut self) {
        if let Some(session) = &self.sm {
            let mut xml = String::new();
            sm::write_resumed(&mut xml, session);
            self.put(xml);
        }
    }

    /// Sends again what the client has not acknowledged (XEP-0198 §5).
    pub(super) fn resend(&mut self, now: Duration) {
        let Some(mut session) = self.sm.take() else { return };
        session.clear_ack_request();
        for unacked in session.unacked() {
            self.put_stanza(&unacked.stanza);
        }
        if session.request_ack(now) {
            let mut xml = String::new();
            sm::write_request(&mut xml, session.version());
            self.put(xml);
        }
        self.sm = Some(session);
    }
}

pub(super) fn read_resume(frame: &Frame) -> Option<sm::Resume> {
    let previd = frame.attr("previd").filter(|previd| !previd.is_empty())?;
    Some(sm::Resume { previd, h: frame.attr("h")?.trim().parse().ok()? })
}
