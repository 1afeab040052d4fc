//! Who may administrate.

use nightjar_config::access::{AccessRef, Call, Caller, Permission, Permissions, Pick, Scope, Who};
use nightjar_config::{Config, Node};
use nightjar_firewall::Line;

use crate::finding::Finding;
use crate::look::{nobody, strangers};

/// Commands that tell nothing worth hiding.
const HARMLESS: [&str; 8] = [
    "status",
    "stats",
    "stats_host",
    "connected_users_number",
    "incoming_s2s_number",
    "outgoing_s2s_number",
    "registered_vhosts",
    "echo",
];
/// One that nobody else may run, for groups that hold all commands.
const HARMFUL: &str = "unregister";
/// Doors that are open to more than the owner of the home.
const DOORS: [Caller; 4] = [Caller::HttpApi, Caller::XmlRpc, Caller::WebAdmin, Caller::AdhocApi];

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    administrators(config, found);
    for group in &config.permissions.groups {
        let commands = commands(group);
        let open = |who: &Who<'_>| commands.iter().find(|command| allows(config, group, command, who));
        let path = format!("api_permissions.{}", group.name);
        let at = group_at(config.tree(), &group.name).and_then(|node| Line::new(&node.at, path));
        let fix = "name administrators under `who`: `who: admin`";
        if let Some((command, _)) = strangers().find_map(|who| open(&who)) {
            let what = format!("the group `{}` lets everybody run `{command}`", group.name);
            found.push(Finding::new("api-open", what, fix).at(at));
            continue;
        }
        let account = config.hosts().first().and_then(|host| nobody(host));
        if let Some((command, _)) = account.as_ref().and_then(|account| open(&Who::jid(account))) {
            let what = format!("the group `{}` lets every account run `{command}`", group.name);
            found.push(Finding::new("api-all-accounts", what, fix).at(at));
        }
    }
}

fn administrators(config: &Config, found: &mut Vec<Finding>) {
    for host in config.hosts() {
        let Some(account) = nobody(host) else { continue };
        let (access, who) = (config.access_of(Some(host)), Who::jid(&account));
        let (list, rule) =
            (access.in_acl("admin", &who), access.allows(&AccessRef::named("configure"), &who));
        if !list && !rule {
            continue;
        }
        let (section, name) = if list { ("acl", "admin") } else { ("access_rules", "configure") };
        let node = config.tree().get(section).and_then(|section| section.get(name));
        let at = node.and_then(|node| Line::new(&node.at, format!("{section}.{name}")));
        let what = format!("`{name}` of {section} holds every account");
        let fix = "name the administrators: `acl: {admin: {user: [alice@example.org]}}`";
        found.push(Finding::new("admin-for-all", what, fix).at(at));
    }
}

/// The commands a group gives, with a tag each where it gives those of a tag.
fn commands(group: &Permission) -> Vec<(String, Option<String>)> {
    match &group.add {
        Pick::All => vec![(HARMFUL.to_owned(), None)],
        Pick::Nothing => Vec::new(),
        Pick::Some(scopes) => scopes
            .iter()
            .filter_map(|scope| match scope {
                Scope::Command(name) if HARMLESS.contains(&name.as_str()) => None,
                Scope::Command(name) => Some((name.to_string(), None)),
                Scope::Tag(tag) => Some((format!("[tag:{tag}]"), Some(tag.to_string()))),
            })
            .collect(),
    }
}

fn allows(
    config: &Config,
    group: &Permission,
    (command, tag): &(String, Option<String>),
    who: &Who<'_>,
) -> bool {
    let alone = Permissions { groups: vec![group.clone()] };
    let tags: Vec<&str> = tag.iter().map(String::as_str).collect();
    DOORS.into_iter().any(|caller| {
        let listener_tag = group.listener_tags.first().map(|tag| tag.as_str());
        let call = Call { command, tags: &tags, caller, listener_tag, who: *who, oauth_scopes: None };
        alone.decide(&call, &config.access).allowed
    })
}

fn group_at<'a>(tree: &'a Node, name: &str) -> Option<&'a Node> {
    let group = tree.get("api_permissions")?.get(name)?;
    Some(group.get("who").unwrap_or(group))
}
