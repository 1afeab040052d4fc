//! Commands on rosters.

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_base::contacts::Announce;
use nightjar_base::presence;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;

use super::item::{Item, subscription_of};
use super::manager::RosterManager;
use crate::command_support::{account, address, feature};

const USER: Field = Field { name: "user", shape: Shape::Binary };
const HOST: Field = Field { name: "host", shape: Shape::Binary };
const LOCAL_USER: Field = Field { name: "localuser", shape: Shape::Binary };
const LOCAL_HOST: Field = Field { name: "localhost", shape: Shape::Binary };
const NICK: Field = Field { name: "nick", shape: Shape::Binary };
const SUBS: Field = Field { name: "subs", shape: Shape::Binary };
const GROUP_BINARY: Field = Field { name: "group", shape: Shape::Binary };
const GROUP_STRING: Field = Field { name: "group", shape: Shape::String };
const CODE: Field = Field { name: "res", shape: Shape::Rescode };

static CONTACT: Field = Field {
    name: "contact",
    shape: Shape::Tuple(&[
        Field { name: "jid", shape: Shape::String },
        Field { name: "nick", shape: Shape::String },
        Field { name: "subscription", shape: Shape::String },
        Field { name: "pending", shape: Shape::String },
        Field { name: "groups", shape: Shape::List(&GROUP_STRING) },
    ]),
};

static GET_ROSTER: CommandSpec = CommandSpec {
    name: "get_roster",
    tags: &["roster"],
    doc: "Get list of contacts in a local user roster",
    arguments: &[USER, HOST],
    result: Field { name: "contacts", shape: Shape::List(&CONTACT) },
    policy: Policy::User,
    version: 0,
};

static GET_ROSTER_COUNT: CommandSpec = CommandSpec {
    name: "get_roster_count",
    tags: &["roster"],
    doc: "Get number of contacts in a local user roster",
    arguments: &[USER, HOST],
    result: Field { name: "value", shape: Shape::Integer },
    policy: Policy::Restricted,
    version: 0,
};

static ADD_ROSTERITEM_0: CommandSpec = CommandSpec {
    name: "add_rosteritem",
    tags: &["roster"],
    doc: "Add an item to a user's roster (groups separated by ;)",
    arguments: &[LOCAL_USER, LOCAL_HOST, USER, HOST, NICK, GROUP_BINARY, SUBS],
    result: CODE,
    policy: Policy::Restricted,
    version: 0,
};

static ADD_ROSTERITEM: CommandSpec = CommandSpec {
    name: "add_rosteritem",
    tags: &["roster"],
    doc: "Add an item to a user's roster",
    arguments: &[
        LOCAL_USER,
        LOCAL_HOST,
        USER,
        HOST,
        NICK,
        Field { name: "groups", shape: Shape::List(&GROUP_BINARY) },
        SUBS,
    ],
    result: CODE,
    policy: Policy::Restricted,
    version: 1,
};

static DELETE_ROSTERITEM: CommandSpec = CommandSpec {
    name: "delete_rosteritem",
    tags: &["roster"],
    doc: "Delete an item from a user's roster",
    arguments: &[LOCAL_USER, LOCAL_HOST, USER, HOST],
    result: CODE,
    policy: Policy::Restricted,
    version: 0,
};

static PUSH_ROSTER: CommandSpec = CommandSpec {
    name: "push_roster",
    tags: &["roster"],
    doc: "Push a template roster from a file (JSON list of user, host, group, nick) to a user",
    arguments: &[Field { name: "file", shape: Shape::Binary }, USER, HOST],
    result: CODE,
    policy: Policy::Restricted,
    version: 0,
};

static PUSH_ALLTOALL: CommandSpec = CommandSpec {
    name: "push_alltoall",
    tags: &["roster"],
    doc: "Add all the users to all the users of the host in a group",
    arguments: &[HOST, GROUP_BINARY],
    result: CODE,
    policy: Policy::Restricted,
    version: 0,
};

/// Adds the commands.
pub(super) fn register(registration: &mut Registration) {
    registration.command(&GET_ROSTER, get_roster);
    registration.command(&GET_ROSTER_COUNT, get_roster_count);
    registration.command(&ADD_ROSTERITEM_0, add_rosteritem);
    registration.command(&ADD_ROSTERITEM, add_rosteritem);
    registration.command(&DELETE_ROSTERITEM, delete_rosteritem);
    registration.command(&PUSH_ROSTER, push_roster);
    registration.command(&PUSH_ALLTOALL, push_alltoall);
}

fn failed(error: StanzaError) -> CommandError {
    CommandError::Failed(error.condition.as_str().to_owned())
}

fn manager(call: &Call, host: &str) -> Result<std::sync::Arc<RosterManager>, CommandError> {
    feature(call, host, "mod_roster")
}

async fn get_roster(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let cached = manager(&call, account.domain())?.load(&account).await.map_err(failed)?;
    let rows = cached.roster.items.iter().map(|(jid, item)| {
        let (subscription, pending) = item.words();
        Value::Tuple(vec![
            Value::text(jid.as_str()),
            Value::Text(item.name.clone()),
            Value::text(subscription),
            Value::text(pending),
            Value::List(item.groups.iter().cloned().map(Value::Text).collect()),
        ])
    });
    Ok(Value::List(rows.collect()))
}

async fn get_roster_count(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let cached = manager(&call, account.domain())?.load(&account).await.map_err(failed)?;
    Ok(Value::count(cached.roster.items.len()))
}

async fn add_rosteritem(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let contact = address(&call.text(2), &call.text(3))?;
    let groups = match call.arguments.get(5) {
        Some(Value::List(groups)) => groups
            .iter()
            .filter_map(|group| if let Value::Text(group) = group { Some(group.clone()) } else { None })
            .collect(),
        _ => call.text(5).split(';').filter(|group| !group.is_empty()).map(Text::new).collect(),
    };
    put(&call, &account, &contact, call.text(4), groups, &call.text(6)).await?;
    Ok(Value::Done(true))
}

async fn put(
    call: &Call,
    account: &Jid,
    contact: &Jid,
    name: Text,
    mut groups: Vec<Text>,
    subscription: &str,
) -> Result<(), CommandError> {
    let subscription = subscription_of(subscription)
        .ok_or_else(|| CommandError::Arguments("subs is one of none, from, to, both".to_owned()))?;
    groups.sort();
    groups.dedup();
    let manager = manager(call, account.domain())?;
    let changed = manager.change(account, contact, |before| {
        let mut item = before.cloned().unwrap_or_else(Item::default);
        item.name = name;
        item.groups = groups;
        item.state.subscription = subscription;
        if subscription.is_to() {
            item.state.pending_out = false;
        }
        if subscription.is_from() {
            item.state.pending_in = false;
        }
        Ok((Some(item), ()))
    });
    changed.await.map_err(failed)?;
    if subscription.is_from() {
        presence::announce(&call.kernel, account, contact, Announce::Available).await;
    }
    Ok(())
}

async fn delete_rosteritem(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let contact = address(&call.text(2), &call.text(3))?;
    manager(&call, account.domain())?.remove(&account, &contact).await.map_err(failed)?;
    Ok(Value::Done(true))
}

async fn push_roster(call: Call) -> CommandResult {
    let account = account(&call, 1, 2)?;
    let file = call.text(0);
    let unreadable = |error: &dyn std::fmt::Display| CommandError::Failed(format!("{file}: {error}"));
    let text = std::fs::read_to_string(file.as_str()).map_err(|error| unreadable(&error))?;
    let rows = super::contacts_file::read(&text).map_err(|error| unreadable(&error))?;
    for [user, host, group, nick] in rows {
        let contact = address(&user, &host)?;
        if contact != account {
            put(&call, &account, &contact, Text::from(nick), vec![Text::from(group)], "both").await?;
        }
    }
    Ok(Value::Done(true))
}

async fn push_alltoall(call: Call) -> CommandResult {
    let host = call.text(0);
    let domain = call
        .kernel
        .host(&host)
        .ok_or_else(|| CommandError::NotFound(format!("Unknown virtual host: {host}")))?;
    let page = nightjar_auth::Page::first(u32::MAX);
    let users = domain.accounts.list(&page).await.map_err(|error| CommandError::Failed(error.to_string()))?;
    for user in &users {
        for other in users.iter().filter(|other| *other != user) {
            let (account, contact) = (address(user, &host)?, address(other, &host)?);
            put(&call, &account, &contact, other.clone(), vec![call.text(1)], "both").await?;
        }
    }
    Ok(Value::Done(true))
}
