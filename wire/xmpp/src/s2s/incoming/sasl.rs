//! SASL EXTERNAL: a certificate in place of a key (RFC 6120 §6, XEP-0178 §3).

use nightjar_sasl::Condition;

use super::*;
use crate::stream::sasl::{decode, write_failure};

impl IncomingStream {
    /// Answers [`IncomingEvent::External`]: the domain is the peer's.
    pub fn admit(&mut self) {
        if self.peer.over {
            return;
        }
        let (Stage::Admission(from), Some(to)) = (&self.stage, &self.to) else { return self.fail(unasked()) };
        self.peer.admit_pair(to, from);
        self.authenticated = Some(from.clone());
        self.from = Some(from.clone());
        self.peer.put_empty("success", ns::SASL);
        self.restart();
    }

    /// Answers [`IncomingEvent::External`]: it is not, or may not come. Dialback is still possible.
    pub fn deny(&mut self, failure: SaslFailure) {
        if self.peer.over {
            return;
        }
        let step = match self.stage {
            Stage::Admission(_) => self.fail_attempt(&failure),
            _ => Err(unasked()),
        };
        if let Err(error) = step {
            self.fail(error);
        }
    }

    pub(super) fn on_sasl(&mut self, name: &str, frame: &Frame) -> Step {
        let claimed = match name {
            "auth" if self.authenticated.is_some() => return Err(unsupported()),
            "auth" => self.claim(frame),
            "abort" => Err(SaslFailure::aborted()),
            "response" => Err(SaslFailure::malformed("response without a challenge")),
            _ => return Err(unsupported()),
        };
        match claimed {
            Err(failure) => self.fail_attempt(&failure),
            Ok(from) => {
                self.stage = Stage::Admission(from.clone());
                self.peer.tell(IncomingEvent::External { from });
                Ok(())
            }
        }
    }

    /// The domain that is to be authenticated: the header's, and the authorisation identity must be the same if there
    /// is one (RFC 6120 §6.3.8).
    fn claim(&self, frame: &Frame) -> Result<Jid, SaslFailure> {
        if self.tls_is_due() {
            return Err(SaslFailure::new(Condition::EncryptionRequired, "STARTTLS is required"));
        }
        let offered = self.offer.external && self.peer.secured && self.xmpp;
        if !offered || frame.attr("mechanism").as_deref() != Some("EXTERNAL") {
            return Err(SaslFailure::new(Condition::InvalidMechanism, "not offered"));
        }
        let wrong = || SaslFailure::new(Condition::InvalidAuthzid, "not the domain of the stream header");
        let text = frame.text();
        let authzid = match text.trim_ascii() {
            "" => Vec::new(),
            text => decode(text)?,
        };
        let claimed = match authzid.as_slice() {
            [] => self.named.clone(),
            authzid => Some(Jid::from_bytes(authzid).map_err(|_| wrong())?).filter(Jid::is_domain),
        };
        let claimed = claimed.ok_or_else(wrong)?;
        let differs = self.named.as_ref().is_some_and(|named| *named != claimed);
        if differs || self.to.as_ref() == Some(&claimed) { Err(wrong()) } else { Ok(detached(&claimed)) }
    }

    /// RFC 6120 §6.4.5: the peer is told and may go on, a few times.
    fn fail_attempt(&mut self, failure: &SaslFailure) -> Step {
        self.stage = Stage::Open;
        self.auth_failures = self.auth_failures.saturating_add(1);
        let mut xml = String::new();
        write_failure(&mut xml, ns::SASL, failure);
        self.peer.put(xml);
        if self.auth_failures >= self.peer.settings.auth_attempts_max {
            let text = "Too many failed attempts to authenticate";
            return Err(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        }
        Ok(())
    }
}
