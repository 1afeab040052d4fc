//! A privacy list and what it says about a stanza (XEP-0016 §2.1, §2.2).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use nightjar_base::contacts::{ContactList, Subscription};
use nightjar_base::hooks::Direction;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, StanzaType};

/// What a rule may be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Iq,
    PresenceIn,
    PresenceOut,
    /// Everything else, such as subscriptions and whatever but presence is sent: only unlimited rules match.
    Other,
}

impl Kind {
    pub(super) fn of(stanza: StanzaType, direction: Direction) -> Kind {
        let notification =
            matches!(stanza, StanzaType::Presence(PresenceType::Available | PresenceType::Unavailable));
        match (stanza, direction) {
            (StanzaType::Message(_), Direction::In) => Kind::Message,
            (StanzaType::Iq(_), Direction::In) => Kind::Iq,
            (_, Direction::In) if notification => Kind::PresenceIn,
            (_, Direction::Out) if notification => Kind::PresenceOut,
            _ => Kind::Other,
        }
    }
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The fall-through case.
    Anybody,
    /// An address; a bare one stands for all its resources, a domain for all that is in it.
    Address(Jid),
    /// Contacts in a roster group.
    Group(Text),
    /// Contacts of this subscription; `None` stands for strangers too.
    Subscribed(Subscription),
}

/// Which stanzas a rule is about; none of them chosen means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub message: bool,
    pub iq: bool,
    pub presence_in: bool,
    pub presence_out: bool,
}

impl Kinds {
    pub(super) const ALL: Kinds =
        Kinds { message: false, iq: false, presence_in: false, presence_out: false };

    pub(super) fn is_all(self) -> bool {
        self == Kinds::ALL
    }

    /// Whether it is about everything a blocked address could do: the blocking command can show it.
    fn is_total(self) -> bool {
        self.is_all() || (self.message && self.iq && self.presence_in && self.presence_out)
    }

    fn contains(self, kind: Kind) -> bool {
        self.is_all()
            || match kind {
                Kind::Message => self.message,
                Kind::Iq => self.iq,
                Kind::PresenceIn => self.presence_in,
                Kind::PresenceOut => self.presence_out,
                Kind::Other => false,
            }
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub order: u32,
    pub deny: bool,
    pub subject: Subject,
    pub kinds: Kinds,
}

impl Rule {
    /// The address this rule blocks altogether, if that is what it does.
    pub(super) fn blocked(&self) -> Option<&Jid> {
        match &self.subject {
            Subject::Address(jid) if self.deny && self.kinds.is_total() => Some(jid),
            _ => None,
        }
    }
}

/// Rules in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    rules: Vec<Rule>,
    /// The addresses of a list that does nothing but block them, for which their number doesn't matter.
    blocked: Option<HashSet<Text>>,
    needs_roster: bool,
}

impl List {
    /// Sorts the rules. Rules of one order, which ejabberd's blocking command makes, are numbered anew.
    pub(super) fn new(mut rules: Vec<Rule>) -> List {
        rules.sort_by_key(|rule| rule.order);
        if !are_orders_unique(&rules) {
            for (rule, order) in rules.iter_mut().zip(1..) {
                rule.order = order;
            }
        }
        let address = |rule: &Rule| match &rule.subject {
            Subject::Address(jid) if rule.deny && rule.kinds.is_all() => Some(Text::new(jid.as_str())),
            _ => None,
        };
        let blocked = rules.iter().map(address).collect();
        let of_roster = |rule: &Rule| matches!(rule.subject, Subject::Group(_) | Subject::Subscribed(_));
        let needs_roster = rules.iter().any(of_roster);
        List { rules, blocked, needs_roster }
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether [`List::denies`] must know the account's contacts.
    pub(super) fn needs_roster(&self) -> bool {
        self.needs_roster
    }

    /// Whether a stanza of this kind, from or to `peer`, is stopped.
    pub(super) fn denies(&self, peer: &Jid, kind: Kind, contacts: Option<&ContactList>) -> bool {
        if let Some(blocked) = &self.blocked {
            return candidates(peer).into_iter().any(|address| blocked.contains(address));
        }
        let matching = |rule: &&Rule| rule.kinds.contains(kind) && is_about(&rule.subject, peer, contacts);
        self.rules.iter().find(matching).is_some_and(|rule| rule.deny)
    }

    /// The addresses that are blocked altogether (XEP-0191 §4).
    pub(super) fn blocked(&self) -> impl Iterator<Item = &Jid> {
        self.rules.iter().filter_map(Rule::blocked)
    }

    /// The same list with these addresses blocked before anything else is asked.
    pub(super) fn block(&self, addresses: &[Jid]) -> List {
        let mut rules: Vec<Rule> = Vec::with_capacity(self.rules.len() + addresses.len());
        for address in addresses {
            let known =
                self.blocked().chain(rules.iter().filter_map(Rule::blocked)).any(|jid| jid == address);
            if !known {
                let subject = Subject::Address(address.detach());
                rules.push(Rule { order: 0, deny: true, subject, kinds: Kinds::ALL });
            }
        }
        rules.extend(self.rules.iter().cloned());
        for (rule, order) in rules.iter_mut().zip(1..) {
            rule.order = order;
        }
        List::new(rules)
    }

    /// The same list with these addresses, or all, no longer blocked.
    pub(super) fn unblock(&self, addresses: Option<&[Jid]>) -> List {
        let stays = |rule: &&Rule| match (rule.blocked(), addresses) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(jid), Some(addresses)) => !addresses.contains(jid),
        };
        List::new(self.rules.iter().filter(stays).cloned().collect())
    }
}

impl PartialEq for List {
    fn eq(&self, other: &List) -> bool {
        self.rules == other.rules
    }
}

pub(super) fn are_orders_unique(sorted: &[Rule]) -> bool {
    sorted.windows(2).all(|pair| match pair {
        [one, other] => one.order != other.order,
        _ => true,
    })
}

/// What may stand in a rule to match the address (XEP-0016 §2.1).
fn candidates(peer: &Jid) -> [&str; 3] {
    [peer.as_str(), peer.bare_str(), peer.domain()]
}

fn is_about(subject: &Subject, peer: &Jid, contacts: Option<&ContactList>) -> bool {
    let contact = || contacts.and_then(|contacts| contacts.find(peer));
    match subject {
        Subject::Anybody => true,
        Subject::Address(jid) => candidates(peer).contains(&jid.as_str()),
        Subject::Group(group) => contact().is_some_and(|contact| contact.groups.contains(group)),
        Subject::Subscribed(wanted) => {
            contact().map(|contact| contact.subscription).unwrap_or_default() == *wanted
        }
    }
}

/// All lists of an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lists {
    pub default: Option<Text>,
    pub lists: BTreeMap<Text, Arc<List>>,
}

impl Lists {
    pub(super) fn default_list(&self) -> Option<&Arc<List>> {
        self.lists.get(self.default.as_ref()?)
    }

    /// The list in force for a session that chose `active`. A chosen list that is gone counts as not chosen.
    pub(super) fn in_force(&self, active: Option<&Text>) -> Option<&Arc<List>> {
        active.and_then(|name| self.lists.get(name)).or_else(|| self.default_list())
    }
}

#[cfg(test)]
mod tests;
