//! A roster and its items, and how they are written (RFC 6121 §2.1).

use std::collections::BTreeMap;

use nightjar_base::contacts::{Contact, ContactList, Subscription};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::{StanzaError, ns, write};
use sha1::{Digest, Sha1};

use super::state::State;

/// An item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// The contact's name, or empty.
    pub name: Text,
    /// The subscription.
    pub state: State,
    /// What the contact said when it asked.
    pub ask_message: Text,
    /// The groups it is in, sorted.
    pub groups: Vec<Text>,
}

/// An account's items by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The items.
    pub items: BTreeMap<Jid, Item>,
}

/// A name or group longer than this is refused (RFC 6121 §2.3.3).
const TEXT_MAX: usize = 1023;
/// An item in more groups than this is refused.
const GROUPS_MAX: usize = 100;

impl Roster {
    /// The part of it that others may know.
    pub fn contacts(&self) -> ContactList {
        let contacts = self.items.iter().map(|(jid, item)| Contact {
            jid: jid.clone(),
            subscription: item.state.subscription,
            is_asked: item.state.pending_out,
            groups: item.groups.clone(),
        });
        ContactList::new(contacts.collect())
    }

    /// A text that differs whenever what the client sees differs (RFC 6121 §2.6).
    pub fn version(&self) -> Text {
        let mut xml = String::new();
        self.write_items(&mut xml);
        let digest = Sha1::digest(xml.as_bytes());
        let mut version = String::with_capacity(40);
        for byte in digest {
            version.push_str(&format!("{byte:02x}"));
        }
        Text::from(version)
    }

    /// The items a client sees.
    pub fn write_items(&self, xml: &mut String) {
        for (jid, item) in self.items.iter().filter(|(_, item)| item.is_visible()) {
            item.write(xml, jid);
        }
    }
}

impl Item {
    /// Whether clients see it: items that hold only an unanswered request and nothing of the user's own stay hidden.
    pub fn is_visible(&self) -> bool {
        self.state.is_visible() || !self.state.pending_in
    }

    /// Appends `<item/>`.
    pub fn write(&self, xml: &mut String, jid: &Jid) {
        xml.push_str("<item");
        write::attribute(xml, "jid", jid.as_str());
        if !self.name.is_empty() {
            write::attribute(xml, "name", &self.name);
        }
        write::attribute(xml, "subscription", self.state.subscription.name());
        if self.state.pending_out {
            xml.push_str(" ask='subscribe'");
        }
        if self.state.approved {
            xml.push_str(" approved='true'");
        }
        if self.groups.is_empty() {
            xml.push_str("/>");
            return;
        }
        xml.push('>');
        for group in &self.groups {
            write::text_element(xml, "group", group);
        }
        xml.push_str("</item>");
    }

    /// The command's words for the state: subscription and pending.
    pub fn words(&self) -> (&'static str, &'static str) {
        let pending = match (self.state.pending_out, self.state.pending_in) {
            (false, false) => "none",
            (true, false) => "out",
            (false, true) => "in",
            (true, true) => "both",
        };
        (self.state.subscription.name(), pending)
    }
}

/// What a client asks for in a roster set (§2.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Add the item, or change its name and groups.
    Update {
        /// The contact.
        jid: Jid,
        /// Its name.
        name: Text,
        /// Its groups.
        groups: Vec<Text>,
    },
    /// Remove the item.
    Remove(Jid),
}

/// Reads the one item of a roster set.
///
/// # Errors
/// As RFC 6121 §2.3.3 lists them.
pub fn parse_set(query: ElementRef<'_>) -> Result<Change, StanzaError> {
    let mut items = query.children();
    let item = items.next().ok_or_else(StanzaError::bad_request)?;
    if items.next().is_some() || item.name() != "item" || item.ns() != ns::ROSTER {
        return Err(StanzaError::bad_request());
    }
    let jid = item.attr("jid").ok_or_else(StanzaError::bad_request)?;
    let jid = Jid::parse(&jid).map_err(|_| StanzaError::jid_malformed())?.detach();
    if item.attr("subscription").as_deref() == Some("remove") {
        return Ok(Change::Remove(jid));
    }
    let name = item.attr("name").unwrap_or_default();
    if name.len() > TEXT_MAX {
        return Err(StanzaError::not_acceptable().with_text("The name is too long"));
    }
    Ok(Change::Update { jid, name: Text::new(&name), groups: parse_groups(item)? })
}

fn parse_groups(item: ElementRef<'_>) -> Result<Vec<Text>, StanzaError> {
    let mut groups = Vec::new();
    for child in item.children() {
        if child.name() != "group" || child.ns() != ns::ROSTER {
            continue;
        }
        let group = child.text();
        if group.is_empty() || group.len() > TEXT_MAX || groups.len() >= GROUPS_MAX {
            return Err(StanzaError::not_acceptable()
                .with_text("A group is empty or too long, or there are too many"));
        }
        groups.push(Text::new(&group));
    }
    groups.sort();
    let given = groups.len();
    groups.dedup();
    if groups.len() < given {
        Err(StanzaError::bad_request().with_text("A group is given twice"))
    } else {
        Ok(groups)
    }
}

/// The state that ejabberd's words mean.
pub fn subscription_of(word: &str) -> Option<Subscription> {
    Some(match word {
        "none" => Subscription::None,
        "to" => Subscription::To,
        "from" => Subscription::From,
        "both" => Subscription::Both,
        _ => return None,
    })
}
