//! mod_caps: what clients can do, learned once for each software (XEP-0115).

mod hash;
mod own;
mod storage;

use std::sync::{Arc, Weak};
use std::time::Duration;

use nightjar_base::hooks::{
    BoxFuture, DiscoInfoQuery, Flow, On, Outcome, SelfPresence, SessionOpened, Stage, UserReceive, UserSend,
};
use nightjar_base::host::Host;
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration, Session};
use nightjar_config::ModuleSpec;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::{IqType, PresenceType, Stanza, StanzaType, ns};
use quick_cache::sync::Cache;

use self::hash::{Claim, Info};
use self::own::Own;
use crate::account_cache::AccountCache;
use crate::cache_options::cache_options;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_caps",
    doc: "Learns what clients can do (XEP-0115).",
    options: &cache_options!("features of clients"),
};

/// Questions that may be open at a time; older ones are forgotten.
const QUESTIONS_MAX: usize = 10_000;
/// How long an entity that was asked about a version isn't asked again.
const PAUSE: Duration = Duration::from_secs(600);
/// What the ids of questions begin with.
const PREFIX: &str = "caps-";

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let caps = Arc::new(Caps {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            known: AccountCache::new(&context.options),
            questions: Cache::new(QUESTIONS_MAX),
            asked: Cache::new(QUESTIONS_MAX),
            own: Own::default(),
        });
        let mut registration = context.registration();
        registration.disco(IqTarget::Host, ns::CAPS);
        registration.provide(Arc::clone(&caps));
        registration.on::<SelfPresence>(Stage::Observe, Arc::clone(&caps));
        registration.on::<UserSend>(Stage::Screen, Arc::clone(&caps));
        registration.on::<UserReceive>(Stage::Screen, Arc::clone(&caps));
        registration.on::<SessionOpened>(Stage::Observe, Arc::clone(&caps));
        registration.on::<DiscoInfoQuery>(Stage::Rewrite, Arc::clone(&caps));
        caps.own.renew(&context.host).await;
        Ok(registration)
    })
}

/// What is known of clients.
pub struct Caps {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    known: AccountCache<Option<Arc<[Text]>>>,
    /// By the id of the question.
    questions: Cache<Text, Question>,
    /// Who was asked about what, and when.
    asked: Cache<Text, Duration>,
    own: Own,
}

#[derive(Clone)]
struct Question {
    to: Jid,
    claim: Claim,
}

impl Caps {
    /// The namespaces that the sender of this presence supports; none if that isn't known, or not yet.
    pub async fn features(&self, presence: &Stanza) -> Option<Arc<[Text]>> {
        self.find(&Claim::of(presence)?).await
    }

    async fn find(&self, claim: &Claim) -> Option<Arc<[Text]>> {
        let (kernel, host) = self.kernel.upgrade().zip(self.host.upgrade())?;
        let key = claim.key();
        if let Some(known) = self.known.get(&key, &*kernel.clock) {
            return known;
        }
        let found = storage::get(&host.store, claim).await;
        let found =
            found.inspect_err(|error| tracing::warn!(%error, "features of clients can't be read")).ok()?;
        let found = found.map(Arc::from);
        self.known.put(&key, found.clone(), found.is_none(), &*kernel.clock);
        found
    }

    /// Whether it is known for sure, without asking the database.
    fn is_known(&self, claim: &Claim) -> bool {
        let Some(kernel) = self.kernel.upgrade() else { return true };
        matches!(self.known.get(&claim.key(), &*kernel.clock), Some(Some(_)))
    }

    /// The question for `to` about its claim, unless it was asked of late.
    fn question(&self, kernel: &Kernel, from: &Jid, to: &Jid, claim: Claim) -> Option<Stanza> {
        let asked = Text::from(format!("{to} {}", claim.key()));
        let now = kernel.clock.monotonic();
        if self.asked.get(&asked).is_some_and(|before| now.saturating_sub(before) < PAUSE) {
            return None;
        }
        self.asked.insert(asked, now);
        let id = Text::from(format!("{PREFIX}{}", kernel.random.identifier()));
        let mut xml = Writer::new();
        xml.start("query").ns(ns::DISCO_INFO).attr("node", &claim.key()).end("query");
        let stanza = Stanza::iq(IqType::Get, id.clone()).with_from(from).with_to(to).with_child(xml.finish());
        self.questions.insert(id, Question { to: to.detach(), claim });
        Some(stanza)
    }

    /// Whether the stanza answers a question; then it is used and goes no further.
    fn answered(&self, stanza: &Stanza) -> Option<Question> {
        let StanzaType::Iq(IqType::Result | IqType::Error) = stanza.kind else { return None };
        let id = stanza.id.as_ref().filter(|id| id.starts_with(PREFIX))?;
        let question = self.questions.get(id)?;
        if stanza.from.as_ref() != Some(&question.to) {
            return None;
        }
        self.questions.remove(id).map(|(_, question)| question)
    }

    /// Learns from an answer, if it proves the claim: nobody can speak for software that isn't theirs (§10.1).
    async fn learn(&self, question: &Question, answer: &Stanza) {
        let Some((kernel, host)) = self.kernel.upgrade().zip(self.host.upgrade()) else { return };
        if answer.kind != StanzaType::Iq(IqType::Result) {
            return;
        }
        let Some(query) = answer.child("query", ns::DISCO_INFO) else { return };
        let info = Info::read(query.parse().root());
        if !info.proves(&question.claim) {
            tracing::info!(from = %question.to, node = %question.claim.node, "a false answer about features is ignored");
            return;
        }
        if let Err(error) = storage::put(&host.store, &question.claim, &info.features).await {
            tracing::warn!(%error, "features of a client can't be kept");
        }
        self.known.put(&question.claim.key(), Some(Arc::from(info.features)), false, &*kernel.clock);
    }

    /// Asks a client of this host.
    async fn ask_own(&self, session: &Session, claim: Claim) {
        if self.find(&claim).await.is_some() {
            return;
        }
        let Some((kernel, host)) = self.kernel.upgrade().zip(self.host.upgrade()) else { return };
        if let Some(question) = self.question(&kernel, &host.jid, &session.jid, claim) {
            // A full mailbox ends that session.
            let _ = session.deliver(question);
        }
    }

    /// Asks a contact elsewhere in the name of a client that it sees; nobody else may learn that the client is there.
    async fn ask_contact(&self, session: &Session, contact: &Jid, claim: Claim) {
        let Some((kernel, host)) = self.kernel.upgrade().zip(self.host.upgrade()) else { return };
        let contacts = host.contacts().and_then(|roster| roster.cached(&session.jid.bare()));
        let is_seen = contacts.is_some_and(|contacts| contacts.subscription(contact).is_from());
        if !is_seen || self.find(&claim).await.is_some() {
            return;
        }
        if let Some(question) = self.question(&kernel, &session.jid, contact, claim) {
            kernel.route_boxed(question).await;
        }
    }
}

impl On<SelfPresence> for Caps {
    fn on<'a>(&'a self, event: &'a mut SelfPresence) -> Outcome<'a> {
        if event.stanza.kind != StanzaType::Presence(PresenceType::Available) {
            return Outcome::CONTINUE;
        }
        match Claim::of(&event.stanza) {
            Some(claim) if !self.is_known(&claim) => Outcome::Later(Box::pin(async move {
                self.ask_own(&event.session, claim).await;
                Flow::Continue
            })),
            _ => Outcome::CONTINUE,
        }
    }
}

/// Answers of this host's clients.
impl On<UserSend> for Caps {
    fn on<'a>(&'a self, event: &'a mut UserSend) -> Outcome<'a> {
        match self.answered(&event.stanza) {
            None => Outcome::CONTINUE,
            Some(question) => Outcome::Later(Box::pin(async move {
                self.learn(&question, &event.stanza).await;
                Flow::Stop
            })),
        }
    }
}

/// Presence and answers from elsewhere.
impl On<UserReceive> for Caps {
    fn on<'a>(&'a self, event: &'a mut UserReceive) -> Outcome<'a> {
        match event.stanza.kind {
            StanzaType::Iq(_) => match self.answered(&event.stanza) {
                None => Outcome::CONTINUE,
                Some(question) => Outcome::Later(Box::pin(async move {
                    self.learn(&question, &event.stanza).await;
                    Flow::Stop
                })),
            },
            StanzaType::Presence(PresenceType::Available) => {
                let Some(from) = event.stanza.from.clone() else { return Outcome::CONTINUE };
                let is_local = self.kernel.upgrade().is_none_or(|kernel| kernel.is_local(&from));
                let claim = if is_local { None } else { Claim::of(&event.stanza) };
                match claim.filter(|claim| !self.is_known(claim)) {
                    None => Outcome::CONTINUE,
                    Some(claim) => Outcome::Later(Box::pin(async move {
                        self.ask_contact(&event.session, &from, claim).await;
                        Flow::Continue
                    })),
                }
            }
            _ => Outcome::CONTINUE,
        }
    }
}

/// Modules may have come or gone since the last client logged in.
impl On<SessionOpened> for Caps {
    fn on<'a>(&'a self, event: &'a mut SessionOpened) -> Outcome<'a> {
        if self.own.is_current(&event.session.host) {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            self.own.renew(&event.session.host).await;
            Flow::Continue
        }))
    }
}

/// The server asked about its own string (§6.2).
impl On<DiscoInfoQuery> for Caps {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        let is_own = event.node.strip_prefix(own::NODE).is_some_and(|rest| rest.starts_with('#'));
        if !is_own || event.to.local().is_some() {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            if let Some(info) = own::own_info(&event.host).await {
                event.info = info.into_disco();
                event.known = true;
            }
            Flow::Continue
        }))
    }
}
