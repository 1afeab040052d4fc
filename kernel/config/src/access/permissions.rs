//! `api_permissions`: who may run which command from where.

use nightjar_text::Text;

use super::acl::{CONDITIONS, Condition, Part, expected_conditions, flatten, read_condition};
use super::evaluate::{Access, Decision, Who};
use super::rules::{AccessRef, read_access};
use crate::diagnostic::{Diagnostic, Report};
use crate::nearest::nearest;
use crate::node::{Entry, Node, Place};

/// The door a command came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The command line.
    Ctl,
    /// The Web Admin.
    WebAdmin,
    /// XML-RPC.
    XmlRpc,
    /// Ad-hoc commands.
    AdhocApi,
    /// Scheduled commands.
    Cron,
    /// The HTTP API.
    HttpApi,
}

impl Caller {
    const ALL: [Caller; 6] =
        [Caller::Ctl, Caller::WebAdmin, Caller::XmlRpc, Caller::AdhocApi, Caller::Cron, Caller::HttpApi];

    /// Its name in `from`.
    pub fn name(self) -> &'static str {
        match self {
            Caller::Ctl => "ejabberd_ctl",
            Caller::WebAdmin => "ejabberd_web_admin",
            Caller::XmlRpc => "ejabberd_xmlrpc",
            Caller::AdhocApi => "mod_adhoc_api",
            Caller::Cron => "mod_cron",
            Caller::HttpApi => "mod_http_api",
        }
    }
}

/// A command about to be run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its name.
    pub command: &'a str,
    /// Its tags.
    pub tags: &'a [&'a str],
    /// Where the call came from.
    pub caller: Caller,
    /// The `tag` of the listener it came through.
    pub listener_tag: Option<&'a str>,
    /// Who calls.
    pub who: Who<'a>,
    /// Scopes of the OAuth token, when the caller showed one.
    pub oauth_scopes: Option<&'a [&'a str]>,
}

/// A set of commands as written in `what`.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// `*`
    All,
    /// Nothing.
    Nothing,
    /// Names and tags.
    Some(Vec<Scope>),
}

/// One name or tag in `what`.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// A command.
    Command(Text),
    /// All commands with this tag.
    Tag(Text),
}

impl Pick {
    fn holds(&self, command: &str, tags: &[&str]) -> bool {
        match self {
            Pick::All => true,
            Pick::Nothing => false,
            Pick::Some(list) => list.iter().any(|one| match one {
                Scope::Command(name) => *name == *command,
                Scope::Tag(tag) => tags.iter().any(|known| *tag == **known),
            }),
        }
    }

    fn add(&mut self, scope: Scope) {
        if let Pick::Some(list) = self {
            list.push(scope);
        }
    }
}

/// One entry of `who`: any of them is enough.
#[derive(Clone, Debug, PartialEq)]
pub enum Grant {
    /// A condition; not for callers with an OAuth token.
    Condition(Condition),
    /// An access rule; not for callers with an OAuth token.
    Access(AccessRef),
    /// A caller with an OAuth token that has one of the scopes and meets one of the grants.
    OAuth {
        /// Scopes.
        scopes: Vec<Text>,
        /// Conditions and access rules.
        grants: Vec<Grant>,
    },
}

/// One group under `api_permissions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    /// Its name.
    pub name: Text,
    /// Doors; empty means any.
    pub from: Vec<Text>,
    /// Listener tags; empty means any.
    pub listener_tags: Vec<Text>,
    /// Who.
    pub who: Vec<Grant>,
    /// Commands given.
    pub add: Pick,
    /// Commands taken away from those.
    pub remove: Pick,
}

/// All groups in order; the first that allows is enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Permissions {
    /// The groups.
    pub groups: Vec<Permission>,
}

impl Permissions {
    /// ejabberd's rule when the option is absent: `admin access`, without `start` and `stop`.
    pub fn when_absent() -> Permissions {
        let admin = Grant::Condition(Condition::Acl("admin".into()));
        let oauth = Grant::OAuth { scopes: vec!["ejabberd:admin".into()], grants: vec![admin.clone()] };
        let taken = ["start", "stop"].map(|name| Scope::Command(name.into())).to_vec();
        Permissions {
            groups: vec![Permission {
                name: "admin access".into(),
                from: Vec::new(),
                listener_tags: Vec::new(),
                who: vec![admin, oauth],
                add: Pick::All,
                remove: Pick::Some(taken),
            }],
        }
    }

    /// Whether the call is allowed by the rules `access` of the host it acts on (the global ones when it
    /// acts on none).
    pub fn decide(&self, call: &Call<'_>, access: &Access) -> Decision {
        if call.command == "echo" {
            return Decision::new(true, "everyone may run `echo`");
        }
        if call.command == "registered_vhosts" && call.caller == Caller::WebAdmin {
            return Decision::new(true, "the Web Admin may list hosts");
        }
        let console = "console commands";
        if call.caller == Caller::Ctl && !self.groups.iter().any(|group| group.name == console) {
            return Decision::new(true, "api_permissions `console commands` (built in) allows it");
        }
        match self.groups.iter().find(|group| group.allows(call, access)) {
            Some(group) => Decision::new(true, format!("api_permissions `{}` allows it", group.name)),
            None => Decision::new(
                false,
                format!("no group of api_permissions allows `{}` from {}", call.command, call.caller.name()),
            ),
        }
    }
}

impl Permission {
    fn allows(&self, call: &Call<'_>, access: &Access) -> bool {
        let holds = |pick: &Pick| pick.holds(call.command, call.tags);
        let from = self.from.is_empty() || self.from.iter().any(|door| *door == *call.caller.name());
        let tag = self.listener_tags.is_empty()
            || self.listener_tags.iter().any(|tag| call.listener_tag == Some(tag.as_str()));
        let granted = || {
            self.who.iter().any(|grant| match (grant, call.oauth_scopes) {
                (Grant::OAuth { scopes, grants }, Some(given)) => {
                    let scoped = scopes.iter().any(|scope| given.contains(&scope.as_str()));
                    scoped && grants.iter().any(|grant| grant.met(&call.who, access))
                }
                (Grant::OAuth { .. }, None) | (_, Some(_)) => false,
                (grant, None) => grant.met(&call.who, access),
            })
        };
        holds(&self.add) && !holds(&self.remove) && from && tag && granted()
    }
}

impl Grant {
    fn met(&self, who: &Who<'_>, access: &Access) -> bool {
        match self {
            Grant::Condition(condition) => access.holds(condition, who),
            Grant::Access(rule) => access.allows(rule, who),
            Grant::OAuth { .. } => false,
        }
    }
}

/// The map under `api_permissions`.
pub(crate) fn read_permissions(node: &Node, place: &Place<'_>, report: &mut Report) -> Permissions {
    let groups = node.entries().iter().map(|entry| read_group(entry, &place.key(&entry.key), report));
    Permissions { groups: groups.collect() }
}

fn read_group(entry: &Entry, place: &Place<'_>, report: &mut Report) -> Permission {
    let mut group = Permission {
        name: entry.key.clone(),
        from: Vec::new(),
        listener_tags: Vec::new(),
        who: Vec::new(),
        add: Pick::Nothing,
        remove: Pick::Nothing,
    };
    if entry.value.entries().is_empty() {
        let error =
            Diagnostic::error(&entry.value.at, place, format!("{} is no group", entry.value.describe()));
        report.push(error.expected("a map with from, who and what"));
    }
    for option in entry.value.entries() {
        let here = place.key(&option.key);
        match &*option.key {
            "from" => read_from(&option.value, &here, report, &mut group),
            "who" => group.who = read_grants(&option.value, &here, report, true),
            "what" => (group.add, group.remove) = read_what(&option.value, &here, report),
            other => {
                let error = Diagnostic::error(&option.key_at, place, format!("unknown option `{other}`"));
                let near = nearest(other, ["from", "who", "what"]);
                report.push(error.expected("from, who, what").did_you_mean(near));
            }
        }
    }
    group
}

fn read_from(node: &Node, place: &Place<'_>, report: &mut Report, group: &mut Permission) {
    let names = Caller::ALL.map(Caller::name);
    for part in flatten(node) {
        match part {
            Part::Entry(entry) if &*entry.key == "tag" && entry.value.as_text().is_some() => {
                group.listener_tags.extend(entry.value.as_text().cloned());
            }
            Part::Word(node) if node.as_str().is_some_and(|name| names.contains(&name)) => {
                group.from.extend(node.as_text().cloned());
            }
            Part::Word(Node { at, .. }) | Part::Entry(Entry { key_at: at, .. }) => {
                let word = match part {
                    Part::Word(node) => node.as_str().unwrap_or_default(),
                    Part::Entry(entry) => &entry.key,
                };
                let error =
                    Diagnostic::error(at, place, format!("`{word}` is no place a command comes from"));
                let error = error.expected(format!("{}, or {{tag: …}}", names.join(", ")));
                report.push(error.did_you_mean(nearest(word, names)));
            }
        }
    }
}

/// `who`, and the conditions inside `oauth`, where another `oauth` can't stand.
fn read_grants(node: &Node, place: &Place<'_>, report: &mut Report, outer: bool) -> Vec<Grant> {
    let mut grants = Vec::new();
    for part in flatten(node) {
        match part {
            Part::Word(node) => match node.as_text().filter(|name| !name.is_empty()) {
                Some(name) => grants.push(Grant::Condition(Condition::Acl(name.clone()))),
                None => report.push(unknown_grant(&node.at, place, node.describe())),
            },
            Part::Entry(entry) => match &*entry.key {
                "access" => {
                    let rule = read_access(&entry.value, &place.key("access"), report);
                    grants.extend(rule.map(Grant::Access));
                }
                "oauth" if outer => grants.push(read_oauth(&entry.value, &place.key("oauth"), report)),
                "scope" if !outer => {}
                name if CONDITIONS.contains(&name) => {
                    let mut conditions = Vec::new();
                    read_condition(entry, place, report, &mut conditions);
                    grants.extend(conditions.into_iter().map(Grant::Condition));
                }
                name => {
                    let near = nearest(name, CONDITIONS.into_iter().chain(["access", "oauth"]));
                    report.push(unknown_grant(&entry.key_at, place, name).did_you_mean(near));
                }
            },
        }
    }
    grants
}

fn unknown_grant(at: &crate::node::Position, place: &Place<'_>, what: &str) -> Diagnostic {
    Diagnostic::error(at, place, format!("`{what}` can't stand here"))
        .expected(format!("{}, access, oauth", expected_conditions()))
}

fn read_oauth(node: &Node, place: &Place<'_>, report: &mut Report) -> Grant {
    let mut scopes = Vec::new();
    for part in flatten(node) {
        let Part::Entry(entry) = part else { continue };
        if &*entry.key == "scope" {
            for scope in flatten(&entry.value) {
                if let Part::Word(node) = scope {
                    scopes.extend(node.as_text().cloned());
                }
            }
        }
    }
    if scopes.is_empty() {
        let error = Diagnostic::error(&node.at, place, "`scope` is missing");
        report.push(error.expected("scope: one or more scopes, such as \"ejabberd:admin\""));
    }
    Grant::OAuth { scopes, grants: read_grants(node, place, report, false) }
}

/// Commands given and commands taken away. `!*` takes away everything, wherever it stands.
fn read_what(node: &Node, place: &Place<'_>, report: &mut Report) -> (Pick, Pick) {
    let (mut add, mut remove) = (Pick::Some(Vec::new()), Pick::Some(Vec::new()));
    for part in flatten(node) {
        let (at, text) = match &part {
            Part::Word(node) => (&node.at, node.as_str().unwrap_or_default()),
            Part::Entry(entry) => (&entry.key_at, "{"),
        };
        match text {
            "*" if add != Pick::Nothing => add = Pick::All,
            "*" => {}
            "!*" => (add, remove) = (Pick::Nothing, Pick::All),
            text => {
                let (negated, name) = match text.strip_prefix('!') {
                    Some(name) => (true, name),
                    None => (false, text),
                };
                match read_scope(name) {
                    Some(scope) if negated => remove.add(scope),
                    Some(scope) => add.add(scope),
                    None => report.push(
                        Diagnostic::error(at, place, format!("`{text}` is no command"))
                            .expected("*, !*, a command, !command, [tag:name] or ![tag:name], in quotes"),
                    ),
                }
            }
        }
    }
    (add, remove)
}

fn read_scope(name: &str) -> Option<Scope> {
    let valid = |name: &str| {
        let letter = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        !name.is_empty() && name.bytes().all(letter)
    };
    match name.strip_prefix("[tag:") {
        Some(tag) => tag.strip_suffix(']').filter(|tag| valid(tag)).map(|tag| Scope::Tag(tag.into())),
        None => valid(name).then(|| Scope::Command(name.into())),
    }
}
