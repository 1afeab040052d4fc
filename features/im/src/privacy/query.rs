//! `<query xmlns='jabber:iq:privacy'/>` (XEP-0016 §2.1, §2.3 to §2.8).

use nightjar_base::contacts::Subscription;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{ElementRef, Writer};
use nightjar_xmpp::{StanzaError, ns};

use super::list::{Kinds, List, Lists, Rule, Subject, are_orders_unique};

/// Rules one list may have.
pub(super) const RULES_MAX: usize = 5000;
/// Bytes of a list's name, which is a key of the database.
const NAME_MAX: usize = 180;

/// A set.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// The session's list; none for the default list.
    Active(Option<Text>),
    /// The account's default list; none for no list.
    Default(Option<Text>),
    /// A list's rules, all of them.
    Put(Text, List),
    /// A list is no longer wanted.
    Remove(Text),
}

/// Reads a get: the name of a list, or nothing for all names.
///
/// # Errors
/// `bad-request` for more than one list, and for anything that isn't one.
pub(super) fn read_get(query: ElementRef<'_>) -> Result<Option<Text>, StanzaError> {
    let mut children = query.children();
    let Some(list) = children.next() else { return Ok(None) };
    if children.next().is_some() || !list.is("list", ns::PRIVACY) {
        return Err(StanzaError::bad_request());
    }
    Ok(Some(name_of(list)?.ok_or_else(StanzaError::bad_request)?))
}

/// Reads a set.
///
/// # Errors
/// `bad-request` for anything but one change with valid rules.
pub(super) fn read_set(query: ElementRef<'_>) -> Result<Change, StanzaError> {
    let mut children = query.children();
    let (Some(child), None) = (children.next(), children.next()) else {
        return Err(StanzaError::bad_request());
    };
    if child.ns() != ns::PRIVACY {
        return Err(StanzaError::bad_request());
    }
    let name = name_of(child)?;
    match child.name() {
        "active" => Ok(Change::Active(name)),
        "default" => Ok(Change::Default(name)),
        "list" => {
            let name = name.ok_or_else(StanzaError::bad_request)?;
            let rules = read_rules(child)?;
            Ok(if rules.is_empty() { Change::Remove(name) } else { Change::Put(name, List::new(rules)) })
        }
        _ => Err(StanzaError::bad_request()),
    }
}

fn name_of(element: ElementRef<'_>) -> Result<Option<Text>, StanzaError> {
    match element.attr("name") {
        Some(name) if name.is_empty() || name.len() > NAME_MAX => Err(StanzaError::bad_request()),
        name => Ok(name.map(|name| Text::new(&name))),
    }
}

fn read_rules(list: ElementRef<'_>) -> Result<Vec<Rule>, StanzaError> {
    let items = list.children().filter(|child| child.is("item", ns::PRIVACY));
    let mut rules = items.map(read_rule).collect::<Result<Vec<Rule>, StanzaError>>()?;
    if rules.len() > RULES_MAX {
        return Err(StanzaError::resource_constraint().with_text("The list has too many items"));
    }
    rules.sort_by_key(|rule| rule.order);
    if are_orders_unique(&rules) { Ok(rules) } else { Err(StanzaError::bad_request()) }
}

fn read_rule(item: ElementRef<'_>) -> Result<Rule, StanzaError> {
    let order = item.attr("order").and_then(|order| order.parse().ok());
    let deny = match item.attr("action").as_deref() {
        Some("deny") => true,
        Some("allow") => false,
        _ => return Err(StanzaError::bad_request()),
    };
    let value = item.attr("value").unwrap_or_default();
    let subject = match item.attr("type").as_deref() {
        None => Some(Subject::Anybody),
        Some(kind) => subject(kind, &value),
    };
    let has = |name| item.child(name, ns::PRIVACY).is_some();
    let kinds = Kinds {
        message: has("message"),
        iq: has("iq"),
        presence_in: has("presence-in"),
        presence_out: has("presence-out"),
    };
    match (order, subject) {
        (Some(order), Some(subject)) => Ok(Rule { order, deny, subject, kinds }),
        _ => Err(StanzaError::bad_request()),
    }
}

/// The subject of a rule of this type, if the value fits.
pub(super) fn subject(kind: &str, value: &str) -> Option<Subject> {
    match kind {
        "jid" => Some(Subject::Address(Jid::parse(value).ok()?.detach())),
        "group" if !value.is_empty() => Some(Subject::Group(Text::new(value))),
        "subscription" => Some(Subject::Subscribed(match value {
            "none" => Subscription::None,
            "to" => Subscription::To,
            "from" => Subscription::From,
            "both" => Subscription::Both,
            _ => return None,
        })),
        _ => None,
    }
}

/// The type and value of a subject.
pub(super) fn words(subject: &Subject) -> Option<(&'static str, &str)> {
    match subject {
        Subject::Anybody => None,
        Subject::Address(jid) => Some(("jid", jid.as_str())),
        Subject::Group(group) => Some(("group", group)),
        Subject::Subscribed(subscription) => Some(("subscription", subscription.name())),
    }
}

/// The names of all lists, the active and the default one first.
pub(super) fn names(lists: &Lists, active: Option<&Text>) -> Text {
    let mut xml = Writer::new();
    xml.start("query").ns(ns::PRIVACY);
    for (element, name) in [("active", active), ("default", lists.default.as_ref())] {
        if let Some(name) = name {
            xml.start(element).attr("name", name).end(element);
        }
    }
    for name in lists.lists.keys() {
        xml.start("list").attr("name", name).end("list");
    }
    xml.end("query");
    Text::from(xml.finish())
}

/// One list.
pub(super) fn contents(name: &str, list: &List) -> Text {
    let mut xml = Writer::new();
    xml.start("query").ns(ns::PRIVACY).start("list").attr("name", name);
    for rule in list.rules() {
        xml.start("item");
        if let Some((kind, value)) = words(&rule.subject) {
            xml.attr("type", kind).attr("value", value);
        }
        xml.attr("action", if rule.deny { "deny" } else { "allow" });
        xml.attr("order", &rule.order.to_string());
        let kinds = [
            ("message", rule.kinds.message),
            ("iq", rule.kinds.iq),
            ("presence-in", rule.kinds.presence_in),
            ("presence-out", rule.kinds.presence_out),
        ];
        for (element, _) in kinds.into_iter().filter(|(_, chosen)| *chosen) {
            xml.start(element).end(element);
        }
        xml.end("item");
    }
    xml.end("list").end("query");
    Text::from(xml.finish())
}

/// What clients are told when a list changed (§2.6).
pub(super) fn push(name: &str) -> Text {
    let mut xml = Writer::new();
    xml.start("query").ns(ns::PRIVACY).start("list").attr("name", name).end("list").end("query");
    Text::from(xml.finish())
}

#[cfg(test)]
mod tests;
