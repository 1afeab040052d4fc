//! The extensible SASL profile (XEP-0388) with what it carries: Bind 2 (XEP-0386), resumption (XEP-0198 §9), tokens
//! (XEP-0484), upgrades (XEP-0480).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_sasl::{Mechanism, SaslFailure, ScramUpgrade, UpgradeTask};
use nightjar_text::Text;
use nightjar_xml::{ElementRef, Frame};

use super::{Io, Negotiation, Progress, Stage, Step, unasked};
use crate::c2s::{
    Admission, Admitted, BindRequest, Event, FastToken, FastUse, Sasl2Request, UserAgent, features,
};
use crate::stream::sasl::decode;
use crate::stream_error::StreamErrorCondition;
use crate::write::{self, Sink};
use crate::{datetime, ns, sm};

/// Longest name of software or device that is kept, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 256;

impl Negotiation {
    pub(super) fn on_sasl2(&mut self, io: &mut Io, frame: &Frame) -> Step {
        if self.offer.sasl2.is_none() {
            return Err(StreamErrorCondition::UnsupportedStanzaType.into());
        }
        match frame.name() {
            "authenticate" => match self.read_request(frame) {
                Ok(request) => {
                    let initial = frame.child("initial-response", ns::SASL2);
                    let initial = initial.map(|data| decode(data.text().trim_ascii())).transpose();
                    let mechanism = frame.attr("mechanism");
                    self.begin(io, mechanism.as_deref(), initial, Some(request))
                }
                Err(failure) => self.fail_attempt(io, ns::SASL2, failure),
            },
            "response" => self.on_response(io, ns::SASL2, &frame.text()),
            "abort" => self.fail_attempt(io, ns::SASL2, SaslFailure::aborted()),
            "next" => self.on_next(io, frame),
            "task-data" => self.on_task_data(io, frame),
            _ => Err(StreamErrorCondition::UnsupportedStanzaType.into()),
        }
    }

    fn read_request(&self, frame: &Frame) -> Result<Sasl2Request, SaslFailure> {
        let mut request = Sasl2Request::default();
        let offered = self.offer.sasl2.as_ref();
        for child in frame.children() {
            match (child.ns, child.name) {
                (ns::SASL2, "user-agent") => {
                    request.user_agent = Some(read_user_agent(child.parse().root())?)
                }
                (ns::BIND2, "bind") if offered.is_some_and(|offered| offered.bind2.is_some()) => {
                    request.bind = Some(read_bind(child.parse().root()));
                }
                (ns::SM, "resume") if self.offer.sm => {
                    let previd = child.attr("previd").filter(|previd| !previd.is_empty());
                    let h = child.attr("h").and_then(|h| h.trim().parse().ok());
                    let (Some(previd), Some(h)) = (previd, h) else {
                        return Err(SaslFailure::malformed("<resume/> without previd or h"));
                    };
                    request.resume = Some(sm::Resume { previd: previd.detach(), h });
                }
                (ns::FAST, "fast") => {
                    request.fast = Some(FastUse {
                        count: child.attr("count").and_then(|count| count.trim().parse().ok()),
                        invalidate: child.attr("invalidate").is_some_and(|value| is_true(&value)),
                    });
                }
                (ns::FAST, "request-token") => {
                    let mechanism = child.attr("mechanism").and_then(|name| Mechanism::from_name(&name));
                    request.request_token =
                        mechanism.filter(|mechanism| self.offer.sasl.fast.contains(mechanism));
                }
                (ns::SASL_UPGRADE, "upgrade") => {
                    let task = UpgradeTask::from_name(child.text().trim());
                    let known = |task: &UpgradeTask| offered.is_some_and(|o| o.upgrades.contains(task));
                    let fresh = task.filter(known).filter(|task| !request.upgrades.contains(task));
                    request.upgrades.extend(fresh);
                }
                _ => {}
            }
        }
        Ok(request)
    }

    /// Goes on to the next upgrade, or to letting the client in.
    pub(super) fn next_task(&mut self, io: &mut Io) -> Progress {
        let attempt = self.attempt.as_mut();
        // Whoever came with a token has no password at hand.
        let task = attempt
            .filter(|attempt| !matches!(attempt.exchange.mechanism(), Mechanism::Token(_)))
            .and_then(|attempt| attempt.sasl2.as_mut())
            .filter(|request| !request.upgrades.is_empty())
            .map(|request| request.upgrades.remove(0));
        match (task, &self.account) {
            (Some(task), Some(account)) => {
                io.ask(Event::Upgrade { account: account.clone(), task });
                self.stage = Stage::UpgradeOffered(task);
            }
            _ => self.ask_admission(io),
        }
        Progress::Goes
    }

    pub(in crate::c2s) fn provide_upgrade(&mut self, io: &mut Io, salt: Option<([u8; 16], u32)>) -> Step {
        let Stage::UpgradeOffered(task) = self.stage else { return Err(unasked()) };
        let Some((salt, iterations)) = salt else { return Ok(self.next_task(io)) };
        let data = self.attempt.as_mut().and_then(|attempt| attempt.success.as_mut());
        let data = data.and_then(|success| success.additional_data.take());
        let mut xml = String::from("<continue");
        write::attribute(&mut xml, "xmlns", ns::SASL2);
        xml.put(">");
        additional_data(&mut xml, data.as_deref());
        xml.put("<tasks>");
        write::text_element(&mut xml, "task", task.name());
        xml.put("</tasks></continue>");
        io.put(xml);
        self.stage = Stage::Next(Box::new(ScramUpgrade::start(task, salt, iterations)));
        Ok(Progress::Goes)
    }

    fn on_next(&mut self, io: &mut Io, frame: &Frame) -> Step {
        let Stage::Next(upgrade) = std::mem::replace(&mut self.stage, Stage::Unauthenticated) else {
            return self.fail_attempt(io, ns::SASL2, SaslFailure::malformed("no task to go on with"));
        };
        if frame.attr("task").as_deref() != Some(upgrade.task().name()) {
            return self.fail_attempt(io, ns::SASL2, SaslFailure::malformed("not the task that was offered"));
        }
        let mut xml = String::from("<task-data");
        write::attribute(&mut xml, "xmlns", ns::SASL2);
        xml.put("><salt");
        write::attribute(&mut xml, "xmlns", ns::SCRAM_UPGRADE);
        write::attribute(&mut xml, "iterations", &upgrade.iterations().to_string());
        xml.put(">");
        xml.put(&upgrade.salt_base64());
        xml.put("</salt></task-data>");
        io.put(xml);
        self.stage = Stage::TaskData(upgrade);
        Ok(Progress::Goes)
    }

    fn on_task_data(&mut self, io: &mut Io, frame: &Frame) -> Step {
        let Stage::TaskData(upgrade) = std::mem::replace(&mut self.stage, Stage::Unauthenticated) else {
            return self.fail_attempt(io, ns::SASL2, SaslFailure::malformed("no task under way"));
        };
        let hash = frame.child("hash", ns::SCRAM_UPGRADE);
        let keys = hash
            .ok_or(SaslFailure::malformed("no <hash/>"))
            .and_then(|hash| upgrade.finish(hash.text().trim_ascii()));
        match (keys, &self.account) {
            (Ok(keys), Some(account)) => {
                self.stage = Stage::KeysStored;
                io.ask(Event::Keys { account: account.clone(), keys: Box::new(keys) });
                Ok(Progress::Goes)
            }
            (Err(failure), _) => self.fail_attempt(io, ns::SASL2, failure),
            (Ok(_), None) => Err(unasked()),
        }
    }

    pub(in crate::c2s) fn keys_stored(&mut self, io: &mut Io) -> Step {
        match self.stage {
            Stage::KeysStored => Ok(self.next_task(io)),
            _ => Err(unasked()),
        }
    }

    pub(super) fn admit_sasl2(
        &mut self,
        io: &mut Io,
        now: Duration,
        request: &Sasl2Request,
        data: Option<Vec<u8>>,
        admission: Admission,
    ) -> Step {
        let mut xml = String::from("<success");
        write::attribute(&mut xml, "xmlns", ns::SASL2);
        xml.put(">");
        additional_data(&mut xml, data.as_deref());
        let authorized = match &admission.session {
            Admitted::Account => self.account.as_ref(),
            Admitted::Bound { jid, .. } | Admitted::Resumed { jid, .. } => Some(jid),
        };
        let authorized = authorized.cloned().ok_or_else(unasked)?;
        write::text_element(&mut xml, "authorization-identifier", authorized.as_str());
        if let Some(refused) = admission.resume_refused {
            sm::write_failed(&mut xml, sm::Version::V3, refused);
        }
        let bound = match admission.session {
            Admitted::Account => false,
            Admitted::Bound { sm, extra, .. } => {
                write_bound(io, &mut xml, sm, &extra);
                true
            }
            Admitted::Resumed { session, .. } => {
                let Some(resume) = &request.resume else { return Err(unasked()) };
                let session = io.sm.insert(session);
                session.acknowledge(resume.h)?;
                sm::write_resumed(&mut xml, session);
                write_end(&mut xml, admission.token.as_ref());
                io.put(xml);
                // XEP-0198 §9.2: no features behind a resumed stream.
                io.resend(now);
                return Ok(Progress::Established);
            }
        };
        write_end(&mut xml, admission.token.as_ref());
        io.put(xml);
        // What is on already isn't offered again: a client that asked again would be refused.
        let offer = crate::c2s::HostOffer { sm: self.offer.sm && io.sm.is_none(), ..self.offer.clone() };
        io.put(features::after_authentication(&offer, io.framing.kind(), bound));
        if bound {
            return Ok(Progress::Established);
        }
        self.stage = Stage::Unbound;
        Ok(Progress::Goes)
    }
}

fn write_bound(
    io: &mut Io,
    xml: &mut String,
    granted: Option<Result<sm::Grant, crate::Condition>>,
    extra: &[Text],
) {
    xml.put("<bound");
    write::attribute(xml, "xmlns", ns::BIND2);
    xml.put(">");
    match granted {
        None => {}
        Some(Ok(grant)) => {
            sm::write_enabled(xml, sm::Version::V3, &grant);
            io.sm = Some(Box::new(sm::Session::new(sm::Version::V3, &grant)));
        }
        Some(Err(condition)) => sm::write_failed(xml, sm::Version::V3, condition.into()),
    }
    extra.iter().for_each(|element| xml.put(element));
    xml.put("</bound>");
}

fn write_end(xml: &mut String, token: Option<&FastToken>) {
    if let Some(FastToken { token, expiry }) = token {
        xml.put("<token");
        write::attribute(xml, "xmlns", ns::FAST);
        write::attribute(xml, "expiry", &datetime::format(*expiry));
        write::attribute(xml, "token", token.expose_text().unwrap_or_default());
        xml.put("/>");
    }
    xml.put("</success>");
}

fn additional_data(xml: &mut String, data: Option<&[u8]>) {
    if let Some(data) = data {
        write::text_element(xml, "additional-data", &STANDARD.encode(data));
    }
}

fn read_user_agent(element: ElementRef<'_>) -> Result<UserAgent, SaslFailure> {
    let id = element.attr("id").filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.len() > UserAgent::ID_BYTES_MAX) {
        return Err(SaslFailure::malformed("id of the user agent is too long"));
    }
    let text = |name| {
        let text = element.child(name, ns::SASL2).map(|child| Text::new(child.text().trim()));
        text.filter(|text| !text.is_empty() && text.len() <= DESCRIPTION_BYTES_MAX)
    };
    Ok(UserAgent { id: id.map(|id| Text::new(&id)), software: text("software"), device: text("device") })
}

fn read_bind(element: ElementRef<'_>) -> BindRequest {
    let mut bind = BindRequest::default();
    for child in element.children() {
        match (child.ns(), child.name()) {
            (ns::BIND2, "tag") => {
                bind.tag = Some(Text::new(child.text().trim())).filter(|tag| !tag.is_empty());
            }
            (ns::CARBONS, "enable") => bind.carbons = true,
            (ns::CSI, "active") => bind.active = Some(true),
            (ns::CSI, "inactive") => bind.active = Some(false),
            (ns::SM, "enable") => {
                bind.sm = Some(read_enable(child.attr("resume").as_deref(), child.attr("max").as_deref()));
            }
            (ns::BIND2, _) => {}
            _ => bind.others.push(child.raw()),
        }
    }
    bind
}

/// `<enable/>` of XEP-0198 §3 by its attributes.
pub(in crate::c2s) fn read_enable(resume: Option<&str>, max: Option<&str>) -> sm::Enable {
    sm::Enable {
        resume: resume.is_some_and(is_true),
        max_seconds: max.and_then(|max| max.trim().parse().ok()),
    }
}

/// XML Schema's boolean.
fn is_true(value: &str) -> bool {
    matches!(value.trim(), "1" | "true")
}
