//! Authentication: what SASL of RFC 6120 §6 and that of XEP-0388 have in common, and the elements of the former.

use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{Answer, Condition, Exchange, Mechanism, SaslFailure, Step as SaslStep, Success};
use nightjar_xml::Frame;

use super::{Attempt, Io, Negotiation, Progress, Stage, Step, unasked};
use crate::c2s::{Admission, Admitted, Ask, AuthFailed, Authenticated, Event, Question, Sasl2Request};
use crate::ns;
use crate::stream::sasl::{decode, write_data, write_empty, write_failure};
use crate::stream_error::{StreamError, StreamErrorCondition};

/// What a client sent in base64: nothing, bytes, or what is not base64.
pub(super) type Data = Result<Option<Vec<u8>>, SaslFailure>;

impl Negotiation {
    pub(super) fn on_sasl(&mut self, io: &mut Io, frame: &Frame) -> Step {
        match frame.name() {
            "auth" => {
                let data = match frame.text().trim_ascii() {
                    "" => Ok(None),
                    text => decode(text).map(Some),
                };
                let mechanism = frame.attr("mechanism");
                self.begin(io, mechanism.as_deref(), data, None)
            }
            "response" => self.on_response(io, ns::SASL, &frame.text()),
            "abort" => self.fail_attempt(io, ns::SASL, SaslFailure::aborted()),
            _ => Err(StreamErrorCondition::UnsupportedStanzaType.into()),
        }
    }

    /// Begins an attempt. One that is under way already is over with that (RFC 6120 §6.4.2 has the client abort first).
    pub(super) fn begin(
        &mut self,
        io: &mut Io,
        mechanism: Option<&str>,
        initial: Data,
        sasl2: Option<Sasl2Request>,
    ) -> Step {
        let profile = if sasl2.is_some() { ns::SASL2 } else { ns::SASL };
        let begun =
            self.admissible(mechanism, sasl2.as_ref()).and_then(|mechanism| Ok((mechanism, initial?)));
        let (mechanism, initial) = match begun {
            Ok(begun) => begun,
            Err(failure) => return self.fail_attempt(io, profile, failure),
        };
        let mut offer = self.offer.sasl.clone();
        // Tokens are for those who say that they use one (XEP-0484 §3.4).
        if sasl2.as_ref().is_none_or(|request| request.fast.is_none()) {
            offer.fast.clear();
        }
        let (exchange, step) = Exchange::start(mechanism, &offer, initial.as_deref());
        self.attempt = Some(Box::new(Attempt { exchange, sasl2, success: None }));
        self.on_step(io, step)
    }

    fn admissible(
        &self,
        mechanism: Option<&str>,
        sasl2: Option<&Sasl2Request>,
    ) -> Result<Mechanism, SaslFailure> {
        if self.tls_is_due() {
            return Err(SaslFailure::new(Condition::EncryptionRequired, "STARTTLS is required"));
        }
        if sasl2.is_none() && !self.offer.sasl1 {
            return Err(SaslFailure::new(Condition::InvalidMechanism, "not offered"));
        }
        if self.attempt.is_some() {
            return Err(SaslFailure::malformed("an attempt is under way"));
        }
        let known = mechanism.and_then(Mechanism::from_name);
        let mechanism = known.ok_or(SaslFailure::new(Condition::InvalidMechanism, "unknown mechanism"))?;
        if matches!(mechanism, Mechanism::Token(_)) && sasl2.is_some_and(|request| request.fast.is_none()) {
            return Err(SaslFailure::malformed("token mechanism without <fast/>"));
        }
        Ok(mechanism)
    }

    pub(super) fn on_response(&mut self, io: &mut Io, profile: &str, text: &str) -> Step {
        let data = decode(text.trim_ascii());
        let challenged = matches!(self.stage, Stage::Challenged) && self.profile() == profile;
        let step = match (&mut self.attempt, data) {
            (Some(attempt), Ok(data)) if challenged => attempt.exchange.handle_response(&data),
            (_, Err(failure)) => SaslStep::Failure(failure),
            _ => SaslStep::Failure(SaslFailure::malformed("response without a challenge")),
        };
        match step {
            SaslStep::Failure(failure) => self.fail_attempt(io, profile, failure),
            step => self.on_step(io, step),
        }
    }

    pub(in crate::c2s) fn provide_credentials(&mut self, io: &mut Io, answer: Answer) -> Step {
        match &mut self.attempt {
            Some(attempt) if matches!(self.stage, Stage::Credentials) => {
                let step = attempt.exchange.provide(answer);
                self.on_step(io, step)
            }
            _ => Err(unasked()),
        }
    }

    fn profile(&self) -> &'static str {
        let sasl2 = self.attempt.as_ref().is_some_and(|attempt| attempt.sasl2.is_some());
        if sasl2 { ns::SASL2 } else { ns::SASL }
    }

    fn on_step(&mut self, io: &mut Io, step: SaslStep) -> Step {
        let ask = match step {
            SaslStep::Challenge(data) => {
                let mut xml = String::new();
                write_data(&mut xml, "challenge", self.profile(), &data);
                io.put(xml);
                self.stage = Stage::Challenged;
                return Ok(Progress::Goes);
            }
            SaslStep::Success(success) => return self.on_success(io, success),
            SaslStep::Failure(failure) => return self.fail_attempt(io, self.profile(), failure),
            SaslStep::NeedCredentials(lookup) => Ask::Keys(lookup),
            SaslStep::NeedPassword(check) => Ask::Password(check),
            SaslStep::NeedToken(lookup) => Ask::Token(lookup),
            SaslStep::NeedOauth(check) => Ask::Oauth(check),
            SaslStep::NeedExternal(check) => Ask::External(check),
            SaslStep::NeedAnonymous => Ask::Anonymous,
        };
        let Some(attempt) = &self.attempt else { return Err(unasked()) };
        let request = attempt.sasl2.as_ref();
        self.stage = Stage::Credentials;
        io.ask(Event::Credentials(Box::new(Question {
            ask,
            mechanism: attempt.exchange.mechanism(),
            user_agent: request.and_then(|request| request.user_agent.clone()),
            fast: request.and_then(|request| request.fast),
        })));
        Ok(Progress::Goes)
    }

    fn on_success(&mut self, io: &mut Io, success: Success) -> Step {
        let host = self.host.as_ref().map_or("", Jid::as_str);
        let Ok(account) = Jid::from_parts(Some(&success.username), host, None) else {
            return self.fail_attempt(io, self.profile(), SaslFailure::malformed("no valid account name"));
        };
        // XEP-0388 §2.3: whom the stream header names is who must be authenticated. Without protection the name is
        // only a hint, and the older profile never asked for it.
        let named = self.from.as_ref().and_then(Jid::local);
        if self.profile() == ns::SASL2 && named.is_some_and(|named| Some(named) != account.local()) {
            let failure = SaslFailure::new(Condition::InvalidAuthzid, "not the account of the stream header");
            return self.fail_attempt(io, ns::SASL2, failure);
        }
        self.account = Some(account);
        if let Some(attempt) = &mut self.attempt {
            attempt.success = Some(success);
        }
        Ok(self.next_task(io))
    }

    /// Asks the driver to let the client in.
    pub(super) fn ask_admission(&mut self, io: &mut Io) {
        let (Some(attempt), Some(account)) = (&self.attempt, &self.account) else { return };
        self.stage = Stage::Admission;
        io.ask(Event::Authenticated(Box::new(Authenticated {
            account: account.clone(),
            mechanism: attempt.exchange.mechanism(),
            token: attempt.success.as_ref().and_then(|success| success.token),
            sasl2: attempt.sasl2.clone(),
        })));
    }

    pub(in crate::c2s) fn deny(&mut self, io: &mut Io, failure: SaslFailure) -> Step {
        if !matches!(self.stage, Stage::Admission) {
            return Err(unasked());
        }
        self.fail_attempt(io, self.profile(), failure)
    }

    pub(in crate::c2s) fn admit(&mut self, io: &mut Io, now: Duration, admission: Admission) -> Step {
        if !matches!(self.stage, Stage::Admission) {
            return Err(unasked());
        }
        let Some(attempt) = self.attempt.take() else { return Err(unasked()) };
        io.framing.set_limits(io.settings.limits);
        let Attempt { sasl2, success, .. } = *attempt;
        let data = success.and_then(|success| success.additional_data);
        match (sasl2, admission.session) {
            (Some(request), session) => {
                let admission = Admission { session, ..admission };
                self.admit_sasl2(io, now, &request, data, admission)
            }
            (None, Admitted::Account) => {
                let mut xml = String::new();
                match data {
                    Some(data) => write_data(&mut xml, "success", ns::SASL, &data),
                    None => write_empty(&mut xml, "success", ns::SASL),
                }
                io.put(xml);
                self.restart(io);
                Ok(Progress::Goes)
            }
            (None, _) => Err(unasked()),
        }
    }

    /// RFC 6120 §6.4.5: the client is told and may try again, a few times.
    pub(super) fn fail_attempt(&mut self, io: &mut Io, profile: &str, failure: SaslFailure) -> Step {
        let attempt = self.attempt.take();
        self.account = None;
        self.stage = Stage::Unauthenticated;
        self.auth_failures = self.auth_failures.saturating_add(1);
        let mut xml = String::new();
        write_failure(&mut xml, profile, &failure);
        io.put(xml);
        io.ask(Event::AuthFailed(Box::new(AuthFailed::of(
            attempt.map(|attempt| attempt.exchange).as_ref(),
            failure,
        ))));
        if self.auth_failures >= io.settings.auth_attempts_max {
            let text = "Too many failed attempts to authenticate";
            return Err(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        }
        Ok(Progress::Goes)
    }
}
