//! What is answered to a server that wants to be let in.

use std::sync::Arc;

use nightjar_base::Host;
use nightjar_config::access::{ShaperValue, Who};
use nightjar_jid::Jid;
use nightjar_sasl::{Condition, SaslFailure};
use nightjar_xmpp::s2s::{HostOffer, IncomingEvent, Opened, StartTls, Verdict, dialback};
use nightjar_xmpp::{StanzaError, StreamErrorCondition};

use super::Incoming;
use crate::c2s::shaper::Shaper;
use crate::s2s::counters::Counters;
use crate::s2s::federation::{owner, unix_time};
use crate::s2s::options::{self, Policy};
use crate::s2s::outgoing::word;
use crate::s2s::receive::receive;
use crate::s2s::seek::{self, Key};
use crate::s2s::verify::{self, CertificateFault, Proof, Reference};

impl Incoming {
    /// Answers one event.
    pub(super) async fn on_event(&mut self, event: IncomingEvent) {
        match event {
            IncomingEvent::Stanza(stanza) => {
                self.used = self.pump.now();
                Counters::add(&self.shared.federation.counters.received, 1);
                receive(&self.pump.kernel, stanza).await;
            }
            IncomingEvent::Refused(stanza) => self.pump.kernel.route(stanza).await,
            IncomingEvent::Opened(opened) => self.open(&opened).await,
            IncomingEvent::External { from } => self.external(&from).await,
            IncomingEvent::DialbackKey { from, to, stream_id, key } => {
                self.dialback_key(Key { from, to, stream_id, key }).await;
            }
            IncomingEvent::DialbackVerify { from, to, id, key } => {
                let verdict = self.dialback_verify(&from, &to, &id, &key);
                self.pump.machine.dialback_verified(&from, &to, &id, verdict);
            }
            IncomingEvent::BidiEnabled => {
                self.pump.handle.told.lock().is_bidi = true;
                let pairs = self.pump.handle.told.lock().pairs.clone();
                for (local, remote) in pairs {
                    self.offer_back(&local, &remote);
                }
            }
            IncomingEvent::PairResult { .. } => {}
        }
    }

    async fn open(&mut self, opened: &Opened) {
        let kernel = Arc::clone(&self.pump.kernel);
        let host = match &opened.to {
            Some(to) if kernel.find_route(to.as_str()).is_none() => None,
            Some(to) => owner(&kernel, to.as_str()),
            // Only streams from before XMPP 1.0 may leave it out; they can do nothing but dialback.
            None => kernel.hosts().into_iter().next(),
        };
        let Some(host) = host else {
            return self.refuse(StreamErrorCondition::HostUnknown, "No such host here");
        };
        if let Some(from) = &opened.from {
            if kernel.is_local(from) {
                return self.refuse(StreamErrorCondition::InvalidFrom, "That domain is served here");
            }
            *self.pump.handle.remote.lock() = Some(from.clone());
            if !self.may_come(&host, from).await {
                return self.refuse(StreamErrorCondition::PolicyViolation, "Access denied by service policy");
            }
        }
        self.to.clone_from(&opened.to);
        let offer = self.make_offer(&host, opened);
        let must_prove = opened.xmpp && opened.from.is_some() && opened.authenticated.is_none();
        let is_final = opened.secured || offer.starttls == StartTls::Never;
        if must_prove && is_final && !offer.external && !offer.dialback {
            let why = self.proof.as_ref().and_then(|proof| proof.1.as_ref().err().map(ToString::to_string));
            let why = why.unwrap_or_else(|| "encryption is needed".to_owned());
            let remote = opened.from.as_ref().map(tracing::field::display);
            tracing::info!(
                remote,
                address = self.pump.peer_name(),
                reason = why,
                "another server can't prove its domain"
            );
            return self.refuse(StreamErrorCondition::NotAuthorized, &why);
        }
        self.pump.machine.provide_host(offer);
    }

    fn make_offer(&mut self, host: &Arc<Host>, opened: &Opened) -> HostOffer {
        let policy = Policy::of(&self.pump.kernel, host);
        let external = opened.secured
            && opened.authenticated.is_none()
            && opened.from.as_ref().is_some_and(|from| self.proves(host, from));
        let dialback = match &opened.from {
            Some(from) => options::may_dial_back(host, from),
            None => policy.dialback,
        };
        HostOffer {
            stream_id: self.pump.kernel.random.identifier(),
            starttls: policy.starttls,
            external,
            dialback,
            bidi: policy.bidi,
            sm: true,
            features: Vec::new(),
        }
    }

    /// Whether the certificate that the other server has shown proves this domain.
    fn proves(&mut self, host: &Host, domain: &Jid) -> bool {
        if let Some(proof) = &self.proof
            && proof.0 == *domain
        {
            return proof.1.is_ok();
        }
        let chain = self.pump.transport.tls().and_then(|tls| tls.peer_certificates()).unwrap_or_default();
        let reference = Reference { domain: domain.as_str(), delegated: None, tlsa: &[] };
        let roots = self.shared.federation.roots(host, self.shared.options.cafile.as_deref());
        let proof: Result<Proof, CertificateFault> =
            verify::verify(&chain, &reference, &roots, unix_time(&self.pump.kernel));
        if let Err(fault) = &proof {
            tracing::info!(remote = %domain, address = self.pump.peer_name(), reason = %fault, "a certificate proves nothing");
        }
        let is_proved = proof.is_ok();
        self.proof = Some(Box::new((domain.clone(), proof)));
        is_proved
    }

    async fn may_come(&self, host: &Arc<Host>, remote: &Jid) -> bool {
        options::may_federate(host, remote) && self.pump.kernel.may_federate(host, remote).await
    }

    async fn external(&mut self, from: &Jid) {
        let to = self.to.clone();
        let host = to.as_ref().and_then(|to| owner(&self.pump.kernel, to.as_str()));
        let (Some(to), Some(host)) = (to, host) else {
            return self.pump.machine.deny(SaslFailure::temporary("no host"));
        };
        if self.pump.kernel.is_local(from) || !self.may_come(&host, from).await {
            let failure = SaslFailure::new(Condition::InvalidAuthzid, "s2s_access forbids it");
            return self.pump.machine.deny(failure);
        }
        if !self.proves(&host, from) {
            return self
                .pump
                .machine
                .deny(SaslFailure::not_authorized("the certificate doesn't prove the domain"));
        }
        self.pump.machine.admit();
        let proof = self.proof.as_ref().and_then(|proof| proof.1.as_ref().ok()).copied();
        self.on_proved(&to, from, proof.map_or("external", word));
    }

    async fn dialback_key(&mut self, key: Key) {
        let kernel = Arc::clone(&self.pump.kernel);
        let host = kernel.find_route(key.to.as_str()).and_then(|_| owner(&kernel, key.to.as_str()));
        let refusal = match &host {
            None => Some(StanzaError::item_not_found()),
            Some(_) if kernel.is_local(&key.from) => Some(StanzaError::not_allowed()),
            Some(host)
                if !options::may_dial_back(host, &key.from) || !self.may_come(host, &key.from).await =>
            {
                Some(StanzaError::policy_violation().with_text("Access denied by service policy"))
            }
            Some(_) => None,
        };
        match refusal {
            Some(error) => {
                tracing::info!(
                    local = %key.to, remote = %key.from, address = self.pump.peer_name(),
                    reason = error.condition.as_str(), "a dialback key was not taken"
                );
                self.pump.machine.dialback_result(&key.from, &key.to, Verdict::Error(error));
            }
            None => seek::verify(&self.shared.federation, &kernel, &self.pump.handle, key),
        }
    }

    /// Whether we have made a key (XEP-0185).
    fn dialback_verify(&self, from: &Jid, to: &Jid, id: &str, key: &str) -> Verdict {
        if self.pump.kernel.find_route(to.as_str()).is_none() {
            return Verdict::Error(StanzaError::item_not_found());
        }
        let secret = self.shared.federation.secret.expose();
        match dialback::matches(secret, from.as_str(), to.as_str(), id, key) {
            true => Verdict::Valid,
            false => {
                tracing::info!(local = %to, remote = %from, address = self.pump.peer_name(), "a dialback key isn't ours");
                Verdict::Invalid
            }
        }
    }

    /// The authoritative server has answered about a key.
    pub(super) fn on_verified(&mut self, from: &Jid, to: &Jid, verdict: Verdict) {
        if verdict != Verdict::Valid {
            tracing::info!(
                local = %to, remote = %from, address = self.pump.peer_name(), verdict = ?verdict,
                "another server was not believed"
            );
        }
        let is_open = self.pump.machine.dialback_result(from, to, verdict);
        if is_open && self.pump.machine.is_authorized(from.as_str(), to.as_str()) {
            self.on_proved(to, from, "dialback");
        }
    }

    /// Stanzas of a pair are accepted from now on.
    fn on_proved(&mut self, local: &Jid, remote: &Jid, proof: &'static str) {
        if let Some(permit) = &mut self.permit {
            permit.authenticated();
        }
        let address = self.pump.peer_name();
        let tls = {
            let mut told = self.pump.handle.told.lock();
            told.pairs.push((local.clone(), remote.clone()));
            told.proof = proof;
            told.tls.unwrap_or("none")
        };
        self.used = self.pump.now();
        *self.pump.handle.remote.lock() = Some(remote.clone());
        tracing::info!(%local, %remote, address, tls, proof, "another server has proved its domain");
        if self.pump.shaper.is_none()
            && let Some(host) = owner(&self.pump.kernel, local.as_str())
        {
            let who = Who::jid(remote);
            let who = self.pump.handle.address.map_or(who, |address| who.with_ip(address.ip()));
            let rate = host.config().access.shaper_value(&self.shared.options.shaper, &who);
            if let ShaperValue::Rate(rate) = rate {
                self.pump.shaper = Some(Box::new(Shaper::new(rate, self.pump.now())));
            }
        }
        if self.pump.machine.is_bidi() {
            self.offer_back(local, remote);
        }
    }

    /// XEP-0288: stanzas for the other server may go out here, if nobody has another way.
    fn offer_back(&self, local: &Jid, remote: &Jid) {
        let federation = &self.shared.federation;
        if let Some(link) = federation.link(&self.pump.kernel, local, remote) {
            link.offer(&self.pump.handle);
        }
    }
}
