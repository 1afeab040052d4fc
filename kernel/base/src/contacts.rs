//! What the kernel asks a roster: who may see whom.

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, Stanza, StanzaError};

use crate::hooks::BoxFuture;

/// A subscription state without its pending parts (RFC 6121 §2.1.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subscription {
    /// Neither sees the other.
    #[default]
    None,
    /// The account sees the contact.
    To,
    /// The contact sees the account.
    From,
    /// Both.
    Both,
}

impl Subscription {
    /// Whether the account gets the contact's presence.
    pub fn is_to(self) -> bool {
        matches!(self, Subscription::To | Subscription::Both)
    }

    /// Whether the contact gets the account's presence.
    pub fn is_from(self) -> bool {
        matches!(self, Subscription::From | Subscription::Both)
    }

    /// The word of `jabber:iq:roster`.
    pub fn name(self) -> &'static str {
        match self {
            Subscription::None => "none",
            Subscription::To => "to",
            Subscription::From => "from",
            Subscription::Both => "both",
        }
    }
}

/// One contact, as far as others than the roster care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The contact, usually bare.
    pub jid: Jid,
    /// Its subscription.
    pub subscription: Subscription,
    /// Whether the account has asked to see it and has no answer yet.
    pub is_asked: bool,
    /// The groups it is in.
    pub groups: Vec<Text>,
}

/// An account's contacts, sorted by address.
#[derive(Clone, Debug, Default)]
pub struct ContactList {
    contacts: Vec<Contact>,
}

impl ContactList {
    /// A list of these contacts.
    pub fn new(mut contacts: Vec<Contact>) -> Self {
        contacts.sort_by(|one, other| one.jid.cmp(&other.jid));
        Self { contacts }
    }

    /// All contacts.
    pub fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.iter()
    }

    /// The contact with this address; a full address also finds its bare one.
    pub fn find(&self, jid: &Jid) -> Option<&Contact> {
        let find = |text: &str| {
            let at = self.contacts.binary_search_by(|contact| contact.jid.as_str().cmp(text)).ok()?;
            self.contacts.get(at)
        };
        find(jid.as_str()).or_else(|| if jid.is_full() { find(jid.bare_str()) } else { None })
    }

    /// The subscription with this address; none if it isn't a contact.
    pub fn subscription(&self, jid: &Jid) -> Subscription {
        self.find(jid).map(|contact| contact.subscription).unwrap_or_default()
    }
}

/// What follows from a subscription stanza that a client sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outbound {
    /// Whether the stanza goes on to the contact.
    pub route: bool,
    /// Whether the contact must now be told who is available.
    pub announce: Announce,
}

/// What the contact must be told about the account's resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Announce {
    /// Nothing.
    #[default]
    Nothing,
    /// The presence of each available resource.
    Available,
    /// That each available resource is unavailable.
    Unavailable,
}

/// What follows from a subscription stanza that a contact sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inbound {
    /// Whether the account's interested resources get the stanza.
    pub deliver: bool,
    /// What the server answers in the account's name.
    pub reply: Option<PresenceType>,
    /// Whether the contact must now be told who is available.
    pub announce: Announce,
}

/// A roster. Every method takes bare addresses for the account.
pub trait Contacts: Send + Sync {
    /// The account's contacts.
    fn list<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Arc<ContactList>, StanzaError>>;

    /// The account's contacts if they are at hand without waiting.
    fn cached(&self, account: &Jid) -> Option<Arc<ContactList>>;

    /// Applies a subscription stanza from the account's client (RFC 6121 Appendix A.2) and sends roster pushes.
    fn outbound<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        kind: PresenceType,
    ) -> BoxFuture<'a, Result<Outbound, StanzaError>>;

    /// Applies a subscription stanza from a contact (RFC 6121 Appendix A.3) and sends roster pushes.
    fn inbound<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        kind: PresenceType,
        stanza: &'a Stanza,
    ) -> BoxFuture<'a, Result<Inbound, StanzaError>>;

    /// Subscription requests nobody answered yet, to be shown to a client that comes online.
    fn pending<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Vec<Stanza>, StanzaError>>;
}
