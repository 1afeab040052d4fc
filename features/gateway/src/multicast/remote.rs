//! Which other servers have a multicast service: asked once a day, and only when it would spare something.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::forms::DataForm;
use nightjar_xmpp::{IqType, StanzaType, ns};
use parking_lot::Mutex;

/// How long an answer is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(86_400);
/// How long an answer is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Servers that are remembered; when there are more, all are forgotten.
const SERVERS_MAX: usize = 10_000;
/// Items of a server that are asked.
const ITEMS_MAX: usize = 20;
/// Addresses that a service takes which doesn't say how many (§9).
const LIMIT: usize = 20;

/// A multicast service of another server.
#[derive(Clone, Debug)]
pub struct Found {
    pub service: Jid,
    /// Addresses in one message or presence.
    pub message: usize,
    pub presence: usize,
}

#[derive(Clone)]
struct Entry {
    found: Option<Found>,
    asked_at: Duration,
}

/// What is known of other servers.
#[derive(Default)]
pub struct Servers(Mutex<HashMap<Text, Entry>>);

impl Servers {
    /// The service of a domain, if it is known by now; asks if it isn't.
    pub fn find(self: &Arc<Self>, kernel: &Arc<Kernel>, host: &Arc<Host>, domain: &str) -> Option<Found> {
        let now = kernel.clock.monotonic();
        let mut servers = self.0.lock();
        let known = servers.get(domain);
        if let Some(entry) = known.filter(|entry| now.saturating_sub(entry.asked_at) < BELIEVED_FOR) {
            return entry.found.clone();
        }
        let found = known.and_then(|entry| entry.found.clone());
        if servers.len() >= SERVERS_MAX {
            servers.clear();
        }
        let domain = Text::new(domain);
        servers.insert(domain.clone(), Entry { found: found.clone(), asked_at: now });
        let (this, kernel, host) = (Arc::clone(self), Arc::clone(kernel), Arc::clone(host));
        tokio::spawn(async move {
            let Ok(server) = Jid::from_text(&domain) else { return };
            let found = discover(&kernel, &host, &server).await;
            this.0.lock().insert(domain, Entry { found, asked_at: now });
        });
        found
    }
}

/// The server itself, or the first of its items (§2).
async fn discover(kernel: &Arc<Kernel>, host: &Arc<Host>, server: &Jid) -> Option<Found> {
    if let Some(found) = ask(kernel, host, server).await {
        return Some(found);
    }
    let query = format!("<query xmlns='{}'/>", ns::DISCO_ITEMS);
    let answer = kernel.request(host, &host.jid, server, IqType::Get, query, ANSWER_WITHIN).await?;
    let query = answer.child("query", ns::DISCO_ITEMS)?.parse();
    let items = query.children().filter(|item| item.is("item", ns::DISCO_ITEMS));
    let items = items.filter_map(|item| Jid::parse(&item.attr("jid")?).ok()).filter(Jid::is_domain);
    for item in items.take(ITEMS_MAX).collect::<Vec<_>>() {
        if let Some(found) = ask(kernel, host, &item).await {
            return Some(found);
        }
    }
    None
}

async fn ask(kernel: &Arc<Kernel>, host: &Arc<Host>, service: &Jid) -> Option<Found> {
    let query = format!("<query xmlns='{}'/>", ns::DISCO_INFO);
    let answer = kernel.request(host, &host.jid, service, IqType::Get, query, ANSWER_WITHIN).await?;
    if answer.kind != StanzaType::Iq(IqType::Result) {
        return None;
    }
    let query = answer.child("query", ns::DISCO_INFO)?.parse();
    let mut features = query.children().filter(|child| child.is("feature", ns::DISCO_INFO));
    if !features.any(|feature| feature.attr("var").as_deref() == Some(ns::ADDRESS)) {
        return None;
    }
    let form = DataForm::of(query.root()).ok().flatten();
    let limit = |name| {
        let told = form.as_ref().and_then(|form| form.value(name)?.parse::<usize>().ok());
        told.filter(|limit| *limit > 0).unwrap_or(LIMIT)
    };
    Some(Found { service: service.clone(), message: limit("message"), presence: limit("presence") })
}
