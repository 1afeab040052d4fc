//! Commands on rosters.

use nightjar_base::Registration;
use nightjar_base::commands::declare::{ACCOUNT, binary, command, integer, list, rescode, string, tuple};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::contacts::Announce;
use nightjar_base::presence;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;

use super::contacts_file::{self, Contact};
use super::item::{Item, subscription_of};
use super::manager::RosterManager;
use crate::command_support::{account, address, feature, known_host};

const ROSTER: &[&str] = &["roster"];
const LOCAL_USER: Field = binary("localuser");
const LOCAL_HOST: Field = binary("localhost");
const USER: Field = binary("user");
const HOST: Field = binary("host");
static GROUP: Field = binary("group");

static CONTACT: Field = tuple(
    "contact",
    &[
        string("jid"),
        string("nick"),
        string("subscription"),
        string("pending"),
        list("groups", &string("group")),
    ],
);

static GET_ROSTER: CommandSpec = command(
    "get_roster",
    ROSTER,
    "Get list of contacts in a local user roster",
    ACCOUNT,
    list("contacts", &CONTACT),
)
.of_user();
static GET_ROSTER_COUNT: CommandSpec = command(
    "get_roster_count",
    ROSTER,
    "Get number of contacts in a local user roster",
    ACCOUNT,
    integer("value"),
);
static ADD_ROSTERITEM_0: CommandSpec = command(
    "add_rosteritem",
    ROSTER,
    "Add an item to a user's roster (groups separated by ;)",
    &[LOCAL_USER, LOCAL_HOST, USER, HOST, binary("nick"), binary("group"), binary("subs")],
    rescode(),
);
static ADD_ROSTERITEM: CommandSpec = command(
    "add_rosteritem",
    ROSTER,
    "Add an item to a user's roster",
    &[LOCAL_USER, LOCAL_HOST, USER, HOST, binary("nick"), list("groups", &GROUP), binary("subs")],
    rescode(),
)
.since(1);
static DELETE_ROSTERITEM: CommandSpec = command(
    "delete_rosteritem",
    ROSTER,
    "Delete an item from a user's roster",
    &[LOCAL_USER, LOCAL_HOST, USER, HOST],
    rescode(),
);
static PUSH_ROSTER: CommandSpec = command(
    "push_roster",
    ROSTER,
    "Push a template roster from a file (JSON list of user, host, group, nick) to a user",
    &[binary("file"), USER, HOST],
    rescode(),
);
static PUSH_ROSTER_ALL: CommandSpec = command(
    "push_roster_all",
    ROSTER,
    "Push a template roster from a file to all those users that it names: each gets all the others",
    &[binary("file")],
    rescode(),
);
static PUSH_ALLTOALL: CommandSpec = command(
    "push_alltoall",
    ROSTER,
    "Add all the users to all the users of the host in a group",
    &[HOST, binary("group")],
    rescode(),
);
static PROCESS_ROSTERITEMS: CommandSpec = command(
    "process_rosteritems",
    ROSTER,
    "List or delete the roster items that match: action list or delete; subs and asks any, or words with colons \
     between; users and contacts any, or addresses with colons between, in which * ? and % stand for others",
    &[string("action"), string("subs"), string("asks"), string("users"), string("contacts")],
    list("response", &tuple("pairs", &[string("user"), string("contact")])),
);

/// Adds the commands.
pub(super) fn register(registration: &mut Registration) {
    registration.command(&GET_ROSTER, get_roster);
    registration.command(&GET_ROSTER_COUNT, get_roster_count);
    registration.command(&ADD_ROSTERITEM_0, add_rosteritem);
    registration.command(&ADD_ROSTERITEM, add_rosteritem);
    registration.command(&DELETE_ROSTERITEM, delete_rosteritem);
    registration.command(&PUSH_ROSTER, push_roster);
    registration.command(&PUSH_ROSTER_ALL, push_roster_all);
    registration.command(&PUSH_ALLTOALL, push_alltoall);
    registration.command(&PROCESS_ROSTERITEMS, super::process::process_rosteritems);
}

pub(super) fn failed(error: StanzaError) -> CommandError {
    CommandError::Failed(error.condition.as_str().to_owned())
}

pub(super) fn manager(call: &Call, host: &str) -> Result<std::sync::Arc<RosterManager>, CommandError> {
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

/// The contacts that the file of argument `at` names.
fn template(call: &Call, at: usize) -> Result<Vec<Contact>, CommandError> {
    let file = call.text(at);
    let unreadable = |error: &dyn std::fmt::Display| CommandError::Failed(format!("{file}: {error}"));
    let text = std::fs::read_to_string(file.as_str()).map_err(|error| unreadable(&error))?;
    contacts_file::read(&text).map_err(|error| unreadable(&error))
}

async fn push(call: &Call, account: &Jid, contacts: &[Contact]) -> Result<(), CommandError> {
    for [user, host, group, nick] in contacts {
        let contact = address(user, host)?;
        if contact != *account {
            put(call, account, &contact, Text::new(nick), vec![Text::new(group)], "both").await?;
        }
    }
    Ok(())
}

async fn push_roster(call: Call) -> CommandResult {
    let account = account(&call, 1, 2)?;
    push(&call, &account, &template(&call, 0)?).await?;
    Ok(Value::Done(true))
}

async fn push_roster_all(call: Call) -> CommandResult {
    let contacts = template(&call, 0)?;
    for [user, host, ..] in &contacts {
        push(&call, &address(user, host)?, &contacts).await?;
    }
    Ok(Value::Done(true))
}

async fn push_alltoall(call: Call) -> CommandResult {
    let host = known_host(&call, 0)?;
    let page = nightjar_auth::Page::first(u32::MAX);
    let users = host.accounts.list(&page).await.map_err(|error| CommandError::Failed(error.to_string()))?;
    let contact = |user: &Text| [user, &host.name, &call.text(1), user].map(ToString::to_string);
    let contacts: Vec<Contact> = users.iter().map(contact).collect();
    for user in &users {
        push(&call, &address(user, &host.name)?, &contacts).await?;
    }
    Ok(Value::Done(true))
}

#[cfg(test)]
mod tests;
