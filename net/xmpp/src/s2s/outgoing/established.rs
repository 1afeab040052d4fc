//! A stream that we opened and that can be used.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Host;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::s2s::{End, OutgoingEvent, OutgoingStream, Output, Verdict};
use nightjar_xmpp::{Stanza, StreamErrorCondition};
use tokio::sync::oneshot;

use crate::s2s::counters::Counters;
use crate::s2s::failure::Failure;
use crate::s2s::federation::Federation;
use crate::s2s::inbox::Order;
use crate::s2s::pump::{Pump, Woken};
use crate::s2s::receive::receive;
use crate::s2s::seek::{self, Key};

/// How long a stream is kept on which only keys were asked about.
const VERIFY_IDLE: Duration = Duration::from_secs(30);

/// Questions on which an answer is due.
#[derive(Default)]
struct Asked {
    pairs: Vec<(Jid, Jid, oneshot::Sender<Verdict>)>,
    keys: Vec<(Jid, Jid, Text, oneshot::Sender<Verdict>)>,
}

/// The stream.
pub(super) struct Established {
    federation: Arc<Federation>,
    host: Arc<Host>,
    pump: Pump<OutgoingStream>,
    asked: Option<Box<Asked>>,
    used: Duration,
    /// What the machine didn't take.
    refused: Vec<Stanza>,
}

impl Established {
    pub fn new(federation: Arc<Federation>, host: Arc<Host>, mut pump: Pump<OutgoingStream>) -> Self {
        // ejabberd has no option for it; a server that takes nothing for so long takes nothing.
        pump.send_timeout = Some(Duration::from_secs(30));
        let used = pump.now();
        Self { federation, host, pump, asked: None, used, refused: Vec::new() }
    }

    pub async fn run(mut self) {
        // What came with the last bytes of negotiation.
        let mut over = Box::pin(self.work(Woken::default())).await;
        while over.is_none() {
            let woken = self.pump.wait(self.idle_until()).await;
            // The work's state is large and short-lived: an idle stream doesn't keep it.
            over = Box::pin(self.work(woken)).await;
        }
        if let Some(end) = over {
            Box::pin(self.leave(end)).await;
        }
    }

    fn idle_until(&self) -> Option<Duration> {
        let timeout = match self.pump.handle.told.lock().pairs.is_empty() {
            true => Some(VERIFY_IDLE),
            false => self.host.config().options.duration("s2s_timeout"),
        };
        timeout.map(|timeout| self.used.saturating_add(timeout))
    }

    async fn work(&mut self, mut woken: Woken) -> Option<Failure> {
        if woken.timeout {
            if !self.pump.on_timeout() {
                return Some(Failure::Stream("it takes nothing that is sent".to_owned()));
            }
            if self.idle_until().is_some_and(|until| until <= self.pump.now()) {
                self.pump.machine.finish();
            }
        }
        if let Some(end) = self.outputs().await {
            return Some(end);
        }
        for order in woken.waiting.orders.drain(..) {
            self.on_order(order);
        }
        if !woken.waiting.stanzas.is_empty() {
            self.used = self.pump.now();
            Counters::add(&self.federation.counters.sent, woken.waiting.stanzas.len());
            let refused = self.pump.send_stanzas(&mut woken.waiting.stanzas);
            self.refused.extend(refused);
        }
        let lost = woken.lost;
        woken.recycle();
        if let Some(end) = self.outputs().await {
            return Some(end);
        }
        let refused = std::mem::take(&mut self.refused);
        let failure = Failure::Refused("it doesn't take stanzas of this domain here".to_owned());
        self.federation.bounce(&self.pump.kernel, refused, &failure).await;
        lost.then(|| Failure::Stream("the connection was lost".to_owned()))
    }

    /// Gives the machine all bytes, and does what it says in between.
    async fn outputs(&mut self) -> Option<Failure> {
        loop {
            while let Some(output) = self.pump.machine.poll_output() {
                match output {
                    Output::Send(bytes) => self.pump.send(&bytes),
                    Output::Event(event) => self.on_event(event).await,
                    Output::StartTls => self.pump.machine.close(StreamErrorCondition::InternalServerError),
                    Output::Close(End::Finished) => return Some(Failure::Stream("it was idle".to_owned())),
                    Output::Close(end) => return Some(Failure::of_end(&end)),
                }
            }
            if !self.pump.feed() {
                return None;
            }
        }
    }

    async fn on_event(&mut self, event: OutgoingEvent) {
        match event {
            OutgoingEvent::Stanza(stanza) => {
                self.used = self.pump.now();
                Counters::add(&self.federation.counters.received, 1);
                receive(&self.pump.kernel, stanza).await;
            }
            OutgoingEvent::Refused(stanza) => self.pump.kernel.route(stanza).await,
            OutgoingEvent::PairResult { from, to, verdict } => self.on_pair(&from, &to, verdict),
            OutgoingEvent::VerifyResult { from, to, id, verdict } => {
                self.on_verified(&from, &to, &id, verdict)
            }
            OutgoingEvent::DialbackKey { from, to, stream_id, key } => {
                let key = Key { from, to, stream_id, key };
                seek::verify(&self.federation, &self.pump.kernel, &self.pump.handle, key);
            }
            OutgoingEvent::SmEnabled => {}
            OutgoingEvent::Features(_) => {
                self.pump.machine.close(StreamErrorCondition::InternalServerError);
            }
        }
    }

    fn on_order(&mut self, order: Order) {
        let machine = &mut self.pump.machine;
        match order {
            Order::Authorize { from, to, answer } => {
                if machine.authorize(&from, &to) {
                    self.asked.get_or_insert_default().pairs.push((from, to, answer));
                }
            }
            Order::Verify { from, to, id, key, answer } => {
                self.used = self.pump.kernel.clock.monotonic();
                if machine.verify(&from, &to, &id, &key) {
                    self.asked.get_or_insert_default().keys.push((from, to, id, answer));
                }
            }
            Order::Verified { from, to, verdict } => {
                machine.dialback_result(&from, &to, verdict);
            }
            Order::Close(Some(condition)) => machine.close(condition),
            Order::Close(None) => machine.finish(),
        }
    }

    fn on_pair(&mut self, from: &Jid, to: &Jid, verdict: Verdict) {
        if verdict == Verdict::Valid {
            let mut told = self.pump.handle.told.lock();
            told.pairs.push((from.clone(), to.clone()));
        }
        let Some(asked) = &mut self.asked else { return };
        let found = asked.pairs.iter().position(|(local, remote, _)| local == from && remote == to);
        if let Some(at) = found {
            // Whoever asked may have gone on without the answer.
            let _ = asked.pairs.swap_remove(at).2.send(verdict);
        }
        self.forget_asked();
    }

    fn on_verified(&mut self, from: &Jid, to: &Jid, id: &str, verdict: Verdict) {
        let Some(asked) = &mut self.asked else { return };
        let is_it = |(local, remote, stream, _): &(Jid, Jid, Text, oneshot::Sender<Verdict>)| {
            local == from && remote == to && **stream == *id
        };
        if let Some(at) = asked.keys.iter().position(is_it) {
            let _ = asked.keys.swap_remove(at).3.send(verdict);
        }
        self.forget_asked();
    }

    fn forget_asked(&mut self) {
        self.asked = self.asked.take().filter(|asked| !asked.pairs.is_empty() || !asked.keys.is_empty());
    }

    async fn leave(self, failure: Failure) {
        let Self { federation, mut pump, refused, .. } = self;
        let unacknowledged = pump.machine.take_unacked().into_iter().map(|unacked| unacked.stanza);
        let stanzas: Vec<Stanza> = unacknowledged.chain(refused).chain(pump.handle.inbox.close()).collect();
        let remote = pump.handle.remote.lock().clone().map(tracing::field::display);
        tracing::info!(
            remote, address = pump.peer_name(), reason = %failure, undelivered = stanzas.len(),
            "a connection to another server ended"
        );
        let kernel = Arc::clone(&pump.kernel);
        federation.lost(&kernel, &Arc::clone(&pump.handle), stanzas, failure).await;
        crate::c2s::connection::finish(pump.transport).await;
    }
}
