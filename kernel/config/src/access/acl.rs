//! Conditions on who asks, and how they are written.

use std::borrow::Cow;

use nightjar_jid::{JidError, nodeprep, resourceprep};
use nightjar_text::Text;

use crate::diagnostic::{Diagnostic, Report};
use crate::kind::domain;
use crate::node::{Content, Entry, Node, Place};
use crate::pattern::Pattern;
use crate::units::Network;

/// One thing that has to be true of who asks. A server that is not named means any host of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Is a member of the access list with this name.
    Acl(Text),
    /// Comes from this range.
    Ip(Network),
    /// Is this account.
    User {
        /// The local part.
        user: Text,
        /// The host.
        server: Option<Text>,
    },
    /// Is on this server.
    Server(Text),
    /// Uses this resource.
    Resource(Text),
    /// The local part matches.
    UserMatches {
        /// On the local part.
        user: Pattern,
        /// The host.
        server: Option<Text>,
    },
    /// The server matches.
    ServerMatches(Pattern),
    /// The resource matches.
    ResourceMatches(Pattern),
    /// Local part and server match.
    NodeMatches {
        /// On the local part.
        user: Pattern,
        /// On the server.
        server: Pattern,
    },
    /// Is in a shared roster group.
    SharedGroup {
        /// The group.
        group: Text,
        /// The group's host; the account's own if not named.
        host: Option<Text>,
    },
}

/// The names of conditions in a file, in the order they are suggested.
pub(super) const CONDITIONS: [&str; 14] = [
    "user",
    "server",
    "resource",
    "ip",
    "acl",
    "user_regexp",
    "server_regexp",
    "resource_regexp",
    "node_regexp",
    "user_glob",
    "server_glob",
    "resource_glob",
    "node_glob",
    "shared_group",
];

/// One list under `acl`: any of its conditions is enough.
pub(crate) fn read_acl(node: &Node, place: &Place<'_>, report: &mut Report) -> Vec<Condition> {
    let before = report.errors();
    let mut conditions = Vec::new();
    for part in flatten(node) {
        match part {
            Part::Entry(entry) if &*entry.key == "acl" => {
                let error = Diagnostic::error(&entry.key_at, place, "an acl can't refer to another acl");
                report.push(error.suggest("combine access lists in access_rules"));
            }
            Part::Entry(entry) => read_condition(entry, place, report, &mut conditions),
            Part::Word(node) => {
                let error =
                    Diagnostic::error(&node.at, place, format!("{} is no condition", node.describe()));
                report.push(error.expected(expected_conditions()));
            }
        }
    }
    if conditions.is_empty() && report.errors() == before {
        report.push(empty(node, place));
    }
    conditions
}

/// The conditions of one `allow` or `deny`: all of them have to hold. A bare word names an access list.
pub(super) fn read_conditions(node: &Node, place: &Place<'_>, report: &mut Report) -> Vec<Condition> {
    let before = report.errors();
    let mut conditions = Vec::new();
    for part in flatten(node) {
        match part {
            Part::Entry(entry) => read_condition(entry, place, report, &mut conditions),
            Part::Word(node) => match node.as_text() {
                Some(name) if !name.is_empty() => conditions.push(Condition::Acl(name.clone())),
                _ => report.push(empty(node, place)),
            },
        }
    }
    if conditions.is_empty() && report.errors() == before {
        report.push(empty(node, place));
    }
    conditions
}

fn empty(node: &Node, place: &Place<'_>) -> Diagnostic {
    Diagnostic::error(&node.at, place, "there is no condition here").expected(expected_conditions())
}

pub(super) fn expected_conditions() -> String {
    format!("an acl's name or conditions: {}", CONDITIONS.join(", "))
}

/// A member of lists in lists, as rules may be written: one key, or something else.
pub(super) enum Part<'a> {
    Entry(&'a Entry),
    Word(&'a Node),
}

pub(super) fn flatten(node: &Node) -> Vec<Part<'_>> {
    match &node.content {
        Content::List(items) => items.iter().flat_map(flatten).collect(),
        Content::Map(entries) => entries.iter().map(Part::Entry).collect(),
        _ => vec![Part::Word(node)],
    }
}

/// Reads one condition; its value may be a list.
pub(super) fn read_condition(
    entry: &Entry,
    place: &Place<'_>,
    report: &mut Report,
    conditions: &mut Vec<Condition>,
) {
    let here = place.key(&entry.key);
    match &*entry.key {
        "node_regexp" | "node_glob" => {
            for part in flatten(&entry.value) {
                match part {
                    Part::Entry(pair) => conditions.extend(read_pair(entry, pair, &here, report)),
                    Part::Word(node) => {
                        report.push(bad(node, &here, "a map of user pattern to server pattern"))
                    }
                }
            }
        }
        name if CONDITIONS.contains(&name) => {
            for part in flatten(&entry.value) {
                match part {
                    Part::Word(node) => conditions.extend(read_single(entry, node, &here, report)),
                    Part::Entry(pair) => conditions.extend(read_pair(entry, pair, &here, report)),
                }
            }
        }
        name => {
            let error = Diagnostic::error(&entry.key_at, place, format!("unknown condition `{name}`"));
            let nearest = crate::nearest::nearest(name, CONDITIONS);
            report.push(error.expected(expected_conditions()).did_you_mean(nearest));
        }
    }
}

fn bad(node: &Node, place: &Place<'_>, expected: &str) -> Diagnostic {
    let shown = node.as_str().map_or_else(|| node.describe().to_owned(), |text| format!("`{text}`"));
    Diagnostic::error(&node.at, place, format!("{shown} can't stand here")).expected(expected)
}

/// `user: a@b`, `ip: ::1`, …
fn read_single(entry: &Entry, node: &Node, place: &Place<'_>, report: &mut Report) -> Option<Condition> {
    let condition = node.as_str().map(|text| single(&entry.key, text));
    match condition {
        Some(Ok(condition)) => Some(condition),
        Some(Err(expected)) => {
            report.push(bad(node, place, &expected));
            None
        }
        None => {
            report.push(bad(node, place, expectation(&entry.key)));
            None
        }
    }
}

fn expectation(name: &str) -> &'static str {
    match name {
        "user" => "user@server or user",
        "server" => "a domain",
        "resource" => "a resource",
        "ip" => "an IP address or a network such as 10.0.0.0/8",
        "acl" => "the name of an acl",
        "shared_group" => "group@host or group",
        _ => "a pattern",
    }
}

fn single(name: &str, text: &str) -> Result<Condition, String> {
    let bad = || expectation(name).to_owned();
    Ok(match name {
        "acl" if !text.is_empty() => Condition::Acl(text.into()),
        "ip" => Condition::Ip(Network::parse(text).ok_or_else(bad)?),
        "server" => Condition::Server(domain(text).ok_or_else(bad)?),
        "resource" => Condition::Resource(prepared(text, resourceprep).ok_or_else(bad)?),
        "server_regexp" | "server_glob" => Condition::ServerMatches(pattern(name, text)?),
        "resource_regexp" | "resource_glob" => Condition::ResourceMatches(pattern(name, text)?),
        "user" | "user_regexp" | "user_glob" | "shared_group" => {
            let (user, server) = match text.split_once('@') {
                Some((user, server)) => (user, Some(server)),
                None => (text, None),
            };
            with_server(name, user, server)?
        }
        _ => return Err(bad()),
    })
}

fn with_server(name: &str, user: &str, server: Option<&str>) -> Result<Condition, String> {
    let bad = || expectation(name).to_owned();
    let server = match server {
        Some(server) => Some(domain(server).ok_or_else(bad)?),
        None => None,
    };
    Ok(match name {
        "user" => Condition::User { user: prepared(user, nodeprep).ok_or_else(bad)?, server },
        "shared_group" => Condition::SharedGroup { group: user.into(), host: server },
        "user_regexp" | "user_glob" => Condition::UserMatches { user: pattern(name, user)?, server },
        _ => return Err(bad()),
    })
}

/// A part of an address as addresses have it. Debian's own file names the user "", which is nobody.
fn prepared<'a>(text: &'a str, prepare: fn(&'a str) -> Result<Cow<'a, str>, JidError>) -> Option<Text> {
    if text.is_empty() { Some(Text::empty()) } else { prepare(text).ok().map(Text::from) }
}

/// `user: {a: b}`, `node_glob: {a*: b*}`.
fn read_pair(entry: &Entry, pair: &Entry, place: &Place<'_>, report: &mut Report) -> Option<Condition> {
    let name = &*entry.key;
    let condition = match pair.value.as_str() {
        None => Err(expectation(name).to_owned()),
        Some(server) if name.starts_with("node_") => pattern(name, &pair.key)
            .and_then(|user| Ok(Condition::NodeMatches { user, server: pattern(name, server)? })),
        Some(server) => with_server(name, &pair.key, Some(server)),
    };
    match condition {
        Ok(condition) => Some(condition),
        Err(expected) => {
            report.push(bad(&pair.value, place, &expected));
            None
        }
    }
}

fn pattern(name: &str, text: &str) -> Result<Pattern, String> {
    if name.ends_with("_glob") {
        Pattern::glob(text).map_err(|reason| format!("a glob ({reason})"))
    } else {
        Pattern::regexp(text).map_err(|reason| format!("a regular expression ({reason})"))
    }
}
