//! The lists at work: what passes between an account and its peers.

use std::sync::Arc;

use nightjar_base::contacts::ContactList;
use nightjar_base::hooks::{AccountRemoved, Direction, Flow, On, Outcome, PacketCheck, UserReceive};
use nightjar_base::{Kernel, Session};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{ErrorType, IqType, MessageType, PresenceType, Stanza, StanzaError, StanzaType, ns};

use super::list::{Kind, List, Lists};
use super::service::{Privacy, contacts, contacts_cached};

/// Who the other side of a stanza is, unless it is somebody no list can stop.
fn peer_of<'a>(stanza: &'a Stanza, account: &Jid, host: &str, direction: Direction) -> Option<&'a Jid> {
    let peer = match direction {
        Direction::In => stanza.from.as_ref()?,
        Direction::Out => stanza.to.as_ref()?,
    };
    // XEP-0016 §2.1: an account's own resources; and its server, which acts for it.
    let is_own = peer.bare_str() == account.bare_str();
    let is_server = peer.local().is_none() && peer.domain() == host;
    (!is_own && !is_server).then_some(peer)
}

/// What happens to a stanza that a list stops (XEP-0016 §2.14, XEP-0191 §3.2). Towards others the account looks as if
/// it were offline; its own client is told. A room would take an error for leaving it, so rooms are told nothing.
fn stopped(stanza: StanzaType, direction: Direction) -> Flow {
    let is_silent = matches!(
        stanza,
        StanzaType::Message(MessageType::Groupchat | MessageType::Error)
            | StanzaType::Iq(IqType::Result | IqType::Error)
            | StanzaType::Presence(
                PresenceType::Available
                    | PresenceType::Unavailable
                    | PresenceType::Probe
                    | PresenceType::Error
            )
    );
    match (stanza, direction) {
        (_, _) if is_silent => Flow::Stop,
        (StanzaType::Presence(_), Direction::In) => Flow::Stop,
        (_, Direction::In) => Flow::Refuse(StanzaError::service_unavailable()),
        (_, Direction::Out) => {
            let application = format!("<blocked xmlns='{}'/>", ns::BLOCKING_ERRORS);
            let error = StanzaError::not_acceptable().with_type(ErrorType::Cancel);
            Flow::Refuse(error.with_application(Text::from(application)))
        }
    }
}

/// The lists that must all deny a stanza for it to be stopped: that of the session it is from or for; or, if it is for
/// the account, those of all its sessions, each of which decides for itself once it gets there.
fn in_force<'a>(
    privacy: &Privacy,
    kernel: &Kernel,
    event: &PacketCheck,
    lists: &'a Lists,
) -> Vec<Option<&'a Arc<List>>> {
    let of = |session: &Session| lists.in_force(privacy.active(session).as_ref());
    if !privacy.has_actives() {
        return vec![lists.default_list()];
    }
    if let Some(session) = &event.session {
        return vec![of(session)];
    }
    let to = event.stanza.to.as_ref().filter(|to| to.is_full() && event.direction == Direction::In);
    if let Some(session) = to.and_then(|to| kernel.sessions.find(to)) {
        return vec![of(&session)];
    }
    let sessions = kernel.sessions.resources(&event.account);
    if sessions.is_empty() {
        vec![lists.default_list()]
    } else {
        sessions.iter().map(|one| of(one)).collect()
    }
}

enum Verdict {
    Passes,
    Stops,
    /// The roster must be asked.
    Unknown,
}

fn judge(lists: &[Option<&Arc<List>>], peer: &Jid, kind: Kind, contacts: Option<&ContactList>) -> Verdict {
    let mut verdict = Verdict::Stops;
    for list in lists {
        let Some(list) = list else { return Verdict::Passes };
        if list.needs_roster() && contacts.is_none() {
            verdict = Verdict::Unknown;
        } else if !list.denies(peer, kind, contacts) {
            return Verdict::Passes;
        }
    }
    verdict
}

impl Privacy {
    /// The answer, if it can be given without waiting.
    fn check_now(&self, event: &PacketCheck) -> Option<Flow> {
        let Some(peer) = peer_of(&event.stanza, &event.account, &event.host.name, event.direction) else {
            return Some(Flow::Continue);
        };
        let lists = self.cached(&event.account)?;
        if lists.lists.is_empty() {
            return Some(Flow::Continue);
        }
        let (kernel, host) = self.server().ok()?;
        let kind = Kind::of(event.stanza.kind, event.direction);
        let lists = in_force(self, &kernel, event, &lists);
        let roster = || contacts_cached(&host, &event.account.bare());
        let contacts = if lists.iter().flatten().any(|list| list.needs_roster()) { roster() } else { None };
        match judge(&lists, peer, kind, contacts.as_deref()) {
            Verdict::Passes => Some(Flow::Continue),
            Verdict::Stops => Some(stopped(event.stanza.kind, event.direction)),
            Verdict::Unknown => None,
        }
    }

    async fn check(&self, event: &PacketCheck) -> Flow {
        let Some(peer) = peer_of(&event.stanza, &event.account, &event.host.name, event.direction) else {
            return Flow::Continue;
        };
        // A database that doesn't answer must not cut everybody off from everybody.
        let Ok(lists) = self.load(&event.account).await else { return Flow::Continue };
        let Ok((kernel, host)) = self.server() else { return Flow::Continue };
        let kind = Kind::of(event.stanza.kind, event.direction);
        let contacts = contacts(&host, &event.account.bare()).await.unwrap_or_default();
        let lists = in_force(self, &kernel, event, &lists);
        match judge(&lists, peer, kind, Some(&contacts)) {
            Verdict::Stops => stopped(event.stanza.kind, event.direction),
            Verdict::Passes | Verdict::Unknown => Flow::Continue,
        }
    }
}

impl On<PacketCheck> for Privacy {
    fn on<'a>(&'a self, event: &'a mut PacketCheck) -> Outcome<'a> {
        match self.check_now(event) {
            Some(flow) => Outcome::Now(flow),
            None => Outcome::Later(Box::pin(async move { self.check(event).await })),
        }
    }
}

/// What passed because another session of the account may have it is stopped here.
impl On<UserReceive> for Privacy {
    fn on<'a>(&'a self, event: &'a mut UserReceive) -> Outcome<'a> {
        if !self.has_actives() {
            return Outcome::CONTINUE;
        }
        let session = &event.session;
        // What is for this session alone was judged by its list on the way; the server's own answers are never judged.
        if event.stanza.to.as_ref() == Some(&session.jid) {
            return Outcome::CONTINUE;
        }
        if peer_of(&event.stanza, &session.jid, &session.host.name, Direction::In).is_none() {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            let check = PacketCheck {
                host: Arc::clone(&event.session.host),
                account: event.session.jid.bare(),
                session: Some(Arc::clone(&event.session)),
                stanza: event.stanza.clone(),
                direction: Direction::In,
            };
            match self.check(&check).await {
                Flow::Continue => Flow::Continue,
                _ => Flow::Stop,
            }
        }))
    }
}

impl On<AccountRemoved> for Privacy {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            self.forget(&event.account).await;
            Flow::Continue
        }))
    }
}

#[cfg(test)]
mod tests;
