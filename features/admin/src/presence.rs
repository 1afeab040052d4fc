//! What sessions say of themselves, and saying it for them.

use std::borrow::Cow;
use std::sync::Arc;

use nightjar_base::commands::declare::{ACCOUNT, binary, command, integer, list, rescode, string, tuple};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::{Registration, Session};
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::{PresenceType, Stanza, ns};

use crate::find;
use crate::sessions::{priority, sorted};

static GET_PRESENCE: CommandSpec = command(
    "get_presence",
    &["session"],
    "Tell the presence of an account's resource with the highest priority: available, chat, away, xa, dnd, unavailable",
    ACCOUNT,
    tuple("presence", &[string("jid"), string("show"), string("status")]),
);
static SET_PRESENCE: CommandSpec = command(
    "set_presence",
    &["session"],
    "Set the presence of a session",
    &[
        binary("user"),
        binary("host"),
        binary("resource"),
        binary("type"),
        binary("show"),
        binary("status"),
        binary("priority"),
    ],
    rescode(),
);
static SET_PRESENCE_1: CommandSpec = command(
    "set_presence",
    &["session"],
    "Set the presence of a session",
    &[
        binary("user"),
        binary("host"),
        binary("resource"),
        binary("type"),
        binary("show"),
        binary("status"),
        integer("priority"),
    ],
    rescode(),
)
.since(1);

const STATUS: &[Field] =
    &[string("user"), string("host"), string("resource"), integer("priority"), string("status")];
const STATUS_3: &[Field] = &[string("jid"), integer("priority"), string("status")];

static STATUS_LIST: CommandSpec = command(
    "status_list",
    &["session"],
    "List the sessions with this status; `all` for all of them",
    &[binary("status")],
    list("users", &tuple("userstatus", STATUS)),
);
static STATUS_LIST_3: CommandSpec = command(
    "status_list",
    &["session"],
    "List the sessions with this status; `all` for all of them",
    &[binary("status")],
    list("users", &tuple("userstatus", STATUS_3)),
)
.since(3);
static STATUS_LIST_HOST: CommandSpec = command(
    "status_list_host",
    &["session"],
    "List the sessions of a host with this status; `all` for all of them",
    &[binary("host"), binary("status")],
    list("users", &tuple("userstatus", STATUS)),
);
static STATUS_LIST_HOST_3: CommandSpec = command(
    "status_list_host",
    &["session"],
    "List the sessions of a host with this status; `all` for all of them",
    &[binary("host"), binary("status")],
    list("users", &tuple("userstatus", STATUS_3)),
)
.since(3);
static STATUS_NUM: CommandSpec = command(
    "status_num",
    &["session", "statistics"],
    "Count the sessions with this status",
    &[binary("status")],
    integer("users"),
);
static STATUS_NUM_HOST: CommandSpec = command(
    "status_num_host",
    &["session", "statistics"],
    "Count the sessions of a host with this status",
    &[binary("host"), binary("status")],
    integer("users"),
);

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&GET_PRESENCE, get_presence);
    registration.command(&SET_PRESENCE, set_presence);
    registration.command(&SET_PRESENCE_1, set_presence);
    registration.command(&STATUS_LIST, |call: Call| rows(call, false, with_parts));
    registration.command(&STATUS_LIST_3, |call: Call| rows(call, false, with_jid));
    registration.command(&STATUS_LIST_HOST, |call: Call| rows(call, true, with_parts));
    registration.command(&STATUS_LIST_HOST_3, |call: Call| rows(call, true, with_jid));
    registration
        .command(&STATUS_NUM, |call: Call| async move { Ok(Value::count(matching(&call, false).len())) });
    registration
        .command(&STATUS_NUM_HOST, |call: Call| async move { Ok(Value::count(matching(&call, true).len())) });
}

/// `<show/>` in ejabberd's words, and `<status/>`.
pub(crate) fn shown(session: &Session) -> (String, Text) {
    let Some(presence) = session.presence() else { return ("unavailable".to_owned(), Text::empty()) };
    let text = |name| {
        let child = presence.child(name, ns::CLIENT);
        child.map(|child| child.text().into_owned()).unwrap_or_default()
    };
    let show = text("show");
    let show = show.trim();
    let show = if show.is_empty() { "available" } else { show };
    (show.to_owned(), Text::from(text("status")))
}

async fn get_presence(call: Call) -> CommandResult {
    let sessions = find::sessions(&call, 0);
    let row = |jid: &str, show: &str, status: Text| {
        Ok(Value::Tuple(vec![Value::text(jid), Value::text(show), Value::Text(status)]))
    };
    match sessions.iter().max_by_key(|session| (session.is_available(), priority(session))) {
        Some(session) => {
            let (show, status) = shown(session);
            row(session.jid.as_str(), &show, status)
        }
        None => row(&format!("{}@{}", call.text(0), call.text(1)), "unavailable", Text::empty()),
    }
}

async fn set_presence(call: Call) -> CommandResult {
    let session = find::session(&call, 0);
    let session = session.ok_or_else(|| CommandError::Failed("User session not found".to_owned()))?;
    let kind = match call.text(3).as_str() {
        "available" | "" => PresenceType::Available,
        other => PresenceType::parse(other)
            .ok_or_else(|| CommandError::Arguments(format!("Unknown presence type: {other}")))?,
    };
    let priority = match call.arguments.get(6) {
        Some(Value::Text(text)) => text.trim().parse().ok(),
        _ => i8::try_from(call.integer(6)).ok(),
    };
    let priority: i8 =
        priority.ok_or_else(|| CommandError::Arguments("The priority must be -128 to 127".to_owned()))?;
    let mut stanza = Stanza::presence(kind);
    for (name, text) in [
        ("show", Cow::from(call.text(4).as_str())),
        ("status", Cow::from(call.text(5).as_str())),
        ("priority", Cow::from(priority.to_string())),
    ] {
        if !text.is_empty() {
            stanza.append(element(name, &text));
        }
    }
    let sent = call.kernel.user_send(&session, stanza).await;
    sent.map(|()| Value::Done(true)).map_err(|error| CommandError::Failed(format!("{error:?}")))
}

/// An element of the stream's namespace with text in it.
pub(crate) fn element(name: &str, text: &str) -> Text {
    let mut writer = Writer::new();
    writer.start(name);
    writer.text(text);
    writer.end(name);
    Text::from(writer.finish())
}

async fn rows(call: Call, of_host: bool, row: fn(&Session, Text) -> Vec<Value>) -> CommandResult {
    let found = matching(&call, of_host);
    Ok(Value::List(
        found.iter().map(|(session, status)| Value::Tuple(row(session, status.clone()))).collect(),
    ))
}

/// Sessions whose `<show/>` is the one asked for, with their status on one line.
fn matching(call: &Call, of_host: bool) -> Vec<(Arc<Session>, Text)> {
    let wanted = call.text(usize::from(of_host));
    let sessions = if of_host && call.text(0).as_str() != "all" {
        find::host(call, 0).map(|host| call.kernel.sessions.of_host(&host.name)).unwrap_or_default()
    } else {
        call.kernel.sessions.collect(|_| true)
    };
    let of_status = sorted(sessions).into_iter().filter_map(|session| {
        let (show, status) = shown(&session);
        let fits = wanted.as_str() == "all" || wanted.as_str() == show;
        fits.then(|| (session, Text::from(status.replace('\n', "\\n"))))
    });
    of_status.collect()
}

fn with_parts(session: &Session, status: Text) -> Vec<Value> {
    vec![
        Value::text(session.jid.local().unwrap_or_default()),
        Value::text(session.jid.domain()),
        Value::text(session.jid.resource().unwrap_or_default()),
        Value::Integer(priority(session)),
        Value::Text(status),
    ]
}

fn with_jid(session: &Session, status: Text) -> Vec<Value> {
    vec![Value::text(session.jid.as_str()), Value::Integer(priority(session)), Value::Text(status)]
}

#[cfg(test)]
mod tests;
