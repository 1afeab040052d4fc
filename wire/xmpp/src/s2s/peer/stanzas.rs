//! Stanzas of authorised pairs, and of no others (RFC 6120 §8.1.1.2, §8.1.2.2, XEP-0220 §2.2.1).

use super::*;
use crate::stanza_error::StanzaError;

impl<E: From<Happened>> Peer<E> {
    pub(in crate::s2s) fn on_stanza(&mut self, frame: &Frame) -> Step {
        if !self.takes_stanzas() || self.pairs.is_empty() {
            return Err(StreamErrorCondition::NotAuthorized.into());
        }
        self.count_received();
        match Stanza::from_frame(frame) {
            Ok(mut stanza) => {
                let (Some(from), Some(to)) = (&stanza.from, &stanza.to) else { return Err(improper()) };
                self.check_pair(from, to)?;
                if stanza.lang.is_none() {
                    // RFC 6120 §4.7.4
                    stanza.lang = self.lang.clone();
                }
                self.tell(Happened::Stanza(stanza).into());
            }
            Err(error) => {
                if let Some(reply) = self.refusal(frame, &error)? {
                    self.tell(Happened::Refused(reply).into());
                }
            }
        }
        Ok(())
    }

    fn check_pair(&self, from: &Jid, to: &Jid) -> Step {
        if self.pairs.contains(to.domain(), from.domain()) {
            return Ok(());
        }
        Err(match self.pairs.local_of(from.domain()) {
            Some(_) => StreamErrorCondition::HostUnknown.into(),
            None => StreamErrorCondition::InvalidFrom.into(),
        })
    }

    /// The error for the sender of what is no stanza, if it is one of an authorised pair.
    fn refusal(&self, frame: &Frame, error: &StanzaError) -> Result<Option<Stanza>, StreamError> {
        let (Some(from), Some(to)) = (frame.attr("from"), frame.attr("to")) else { return Err(improper()) };
        let from = Jid::from_text(&from).map_err(|_| StreamErrorCondition::InvalidFrom)?;
        let to = match Jid::from_text(&to) {
            Ok(to) => to,
            Err(_) => self.pairs.local_of(from.domain()).ok_or(StreamErrorCondition::InvalidFrom)?.clone(),
        };
        self.check_pair(&from, &to)?;
        let reply = Stanza::error_for_frame(frame, error);
        Ok(reply.map(|reply| reply.with_from(&to).with_to(&from)))
    }
}

impl<E> Peer<E> {
    /// See [`crate::s2s::OutgoingStream::send`].
    pub(in crate::s2s) fn send(
        &mut self,
        now: Duration,
        stanza: Stanza,
        out: &mut Vec<u8>,
    ) -> Option<Stanza> {
        if self.over || !self.gives_stanzas() || !self.may_send(&stanza) {
            return Some(stanza);
        }
        stanza.write_to(out, None);
        if let Some(session) = self.sm_session()
            && session.push(now, stanza).is_err()
        {
            let text = "Too many unacked stanzas";
            self.fail(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        }
        None
    }

    fn may_send(&self, stanza: &Stanza) -> bool {
        match (&stanza.from, &stanza.to) {
            (Some(from), Some(to)) => self.pairs.contains(from.domain(), to.domain()),
            _ => false,
        }
    }
}

fn improper() -> StreamError {
    StreamErrorCondition::ImproperAddressing.into()
}
