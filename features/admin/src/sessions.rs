//! Who is connected, and ending sessions.

use std::sync::Arc;

use nightjar_base::commands::declare::{
    ACCOUNT, binary, command, integer, list, rescode, restuple, string, tuple,
};
use nightjar_base::commands::{Call, CommandError, CommandHandler, CommandResult, CommandSpec, Field, Value};
use nightjar_base::guard::Guard;
use nightjar_base::mqtt::{self, MqttWhose};
use nightjar_base::{Kernel, Registration, Session};
use nightjar_text::Text;
use nightjar_xmpp::StreamErrorCondition;

use crate::find;
use crate::presence::shown;

/// The name of this node.
pub(crate) const NODE: &str = "ejabberd@localhost";

static CONNECTED_USERS: CommandSpec = command(
    "connected_users",
    &["session"],
    "List all sessions",
    &[],
    list("connected_users", &string("sessions")),
);
static CONNECTED_USERS_NUMBER: CommandSpec = command(
    "connected_users_number",
    &["session", "statistics"],
    "Count all sessions",
    &[],
    integer("num_sessions"),
);
static CONNECTED_USERS_VHOST: CommandSpec = command(
    "connected_users_vhost",
    &["session"],
    "List the sessions of a host",
    &[binary("host")],
    list("connected_users_vhost", &string("sessions")),
);
static CONNECTED_USERS_INFO: CommandSpec = command(
    "connected_users_info",
    &["session"],
    "List all sessions and how they are connected",
    &[],
    list("connected_users_info", &tuple("session", SESSION_WITH_JID)),
);
static USER_SESSIONS_INFO: CommandSpec = command(
    "user_sessions_info",
    &["session"],
    "List the sessions of an account and how they are connected",
    ACCOUNT,
    list("sessions_info", &tuple("session", SESSION)),
);
static USER_RESOURCES: CommandSpec = command(
    "user_resources",
    &["session"],
    "List the resources of an account",
    ACCOUNT,
    list("resources", &string("resource")),
);
static NUM_RESOURCES: CommandSpec =
    command("num_resources", &["session"], "Count the sessions of an account", ACCOUNT, integer("resources"));
static RESOURCE_NUM: CommandSpec = command(
    "resource_num",
    &["session"],
    "Name the resource of an account's session of that number",
    &[binary("user"), binary("host"), integer("num")],
    string("resource"),
);
static KICK_SESSION: CommandSpec = command(
    "kick_session",
    &["session"],
    "End a session",
    &[binary("user"), binary("host"), binary("resource"), binary("reason")],
    rescode(),
);
static KICK_USER: CommandSpec =
    command("kick_user", &["session"], "End the sessions of an account", ACCOUNT, integer("num_resources"));
static KICK_USER_2: CommandSpec =
    command("kick_user", &["session"], "End the sessions of an account", ACCOUNT, restuple()).since(2);
static KICK_USERS: CommandSpec = command(
    "kick_users",
    &["session"],
    "End the sessions of a host",
    &[binary("host")],
    integer("num_sessions"),
);

const SESSION: &[Field] = &[
    string("connection"),
    string("ip"),
    integer("port"),
    integer("priority"),
    string("node"),
    integer("uptime"),
    string("status"),
    string("resource"),
    string("statustext"),
];
const SESSION_WITH_JID: &[Field] = &[
    string("jid"),
    string("connection"),
    string("ip"),
    integer("port"),
    integer("priority"),
    string("node"),
    integer("uptime"),
    string("status"),
    string("resource"),
    string("statustext"),
];

pub(crate) fn core(kernel: &Arc<Kernel>) -> Vec<Guard> {
    let offer = |spec, handler: Arc<dyn CommandHandler>| kernel.commands.add(spec, None, handler);
    vec![
        offer(&CONNECTED_USERS, Arc::new(connected_users)),
        offer(&CONNECTED_USERS_NUMBER, Arc::new(connected_users_number)),
        offer(&USER_RESOURCES, Arc::new(user_resources)),
        offer(&KICK_USER, Arc::new(kick_user)),
        offer(&KICK_USER_2, Arc::new(kick_user_2)),
        offer(&KICK_USERS, Arc::new(kick_users)),
    ]
}

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&CONNECTED_USERS_VHOST, connected_users_vhost);
    registration.command(&CONNECTED_USERS_INFO, connected_users_info);
    registration.command(&USER_SESSIONS_INFO, user_sessions_info);
    registration.command(&NUM_RESOURCES, num_resources);
    registration.command(&RESOURCE_NUM, resource_num);
    registration.command(&KICK_SESSION, kick_session);
}

/// All sessions, by address.
pub(crate) fn sorted(mut sessions: Vec<Arc<Session>>) -> Vec<Arc<Session>> {
    sessions.sort_by(|one, other| one.jid.cmp(&other.jid));
    sessions
}

fn addresses(sessions: Vec<Arc<Session>>) -> Value {
    Value::List(sorted(sessions).iter().map(|session| Value::text(session.jid.as_str())).collect())
}

async fn connected_users(call: Call) -> CommandResult {
    Ok(addresses(call.kernel.sessions.collect(|_| true)))
}

async fn connected_users_number(call: Call) -> CommandResult {
    Ok(Value::count(call.kernel.sessions.count()))
}

async fn connected_users_vhost(call: Call) -> CommandResult {
    let of_host = find::host(&call, 0).map(|host| call.kernel.sessions.of_host(&host.name));
    Ok(addresses(of_host.unwrap_or_default()))
}

async fn connected_users_info(call: Call) -> CommandResult {
    let sessions = sorted(call.kernel.sessions.collect(|_| true));
    let row = |session: &Arc<Session>| {
        let mut row = vec![Value::text(session.jid.as_str())];
        row.extend(info(&call.kernel, session));
        Value::Tuple(row)
    };
    Ok(Value::List(sessions.iter().map(row).collect()))
}

async fn user_sessions_info(call: Call) -> CommandResult {
    let sessions = sorted(find::sessions(&call, 0));
    Ok(Value::List(sessions.iter().map(|session| Value::Tuple(info(&call.kernel, session))).collect()))
}

fn info(kernel: &Kernel, session: &Session) -> Vec<Value> {
    let connection = session.connection();
    let (status, text) = shown(session);
    let uptime = (kernel.clock.unix_micros() - session.opened_micros).max(0) / 1_000_000;
    vec![
        Value::text(connection.kind),
        Value::text(connection.ip.map(|ip| ip.to_string()).unwrap_or_default()),
        Value::Integer(i64::from(connection.port)),
        Value::Integer(priority(session)),
        Value::text(NODE),
        Value::Integer(uptime),
        Value::text(status),
        Value::text(session.jid.resource().unwrap_or_default()),
        Value::Text(text),
    ]
}

/// The priority, or ejabberd's −1 for a session without presence.
pub(crate) fn priority(session: &Session) -> i64 {
    session.priority().map_or(-1, i64::from)
}

async fn user_resources(call: Call) -> CommandResult {
    Ok(Value::List(resources(&call).into_iter().map(Value::Text).collect()))
}

fn resources(call: &Call) -> Vec<Text> {
    let sessions = sorted(find::sessions(call, 0));
    sessions.iter().map(|session| Text::new(session.jid.resource().unwrap_or_default())).collect()
}

async fn num_resources(call: Call) -> CommandResult {
    Ok(Value::count(find::sessions(&call, 0).len()))
}

async fn resource_num(call: Call) -> CommandResult {
    let number = call.integer(2);
    let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let resource = at.and_then(|at| resources(&call).into_iter().nth(at));
    resource
        .map(Value::Text)
        .ok_or_else(|| CommandError::Arguments(format!("Wrong resource number: {number}")))
}

async fn kick_session(call: Call) -> CommandResult {
    if let Some(session) = find::session(&call, 0) {
        end(&session, &call.text(3));
    }
    if let Some((host, account)) = find::account(&call, 0) {
        let client = call.text(2);
        mqtt::kick(&host, MqttWhose::Client(account.local().unwrap_or_default(), &client));
    }
    Ok(Value::Done(true))
}

/// Ends a session for the reason an administrator gave.
pub(crate) fn end(session: &Session, reason: &str) -> bool {
    let reason = if reason.is_empty() { "Kicked by administrator" } else { reason };
    session.end(StreamErrorCondition::Conflict, Some(reason))
}

fn kick(sessions: &[Arc<Session>]) -> usize {
    let kicked =
        |session: &&Arc<Session>| session.end(StreamErrorCondition::PolicyViolation, Some("has been kicked"));
    sessions.iter().filter(kicked).count()
}

/// Ends all sessions of the account that the arguments name; connections of MQTT are sessions too.
fn kick_account(call: &Call) -> usize {
    let clients = find::account(call, 0).map_or(0, |(host, account)| {
        mqtt::kick(&host, MqttWhose::Account(account.local().unwrap_or_default()))
    });
    kick(&find::sessions(call, 0)) + clients
}

async fn kick_user(call: Call) -> CommandResult {
    Ok(Value::count(kick_account(&call)))
}

async fn kick_user_2(call: Call) -> CommandResult {
    let kicked = kick_account(&call);
    Ok(Value::Told(true, Text::from(format!("Kicked sessions: {kicked}"))))
}

async fn kick_users(call: Call) -> CommandResult {
    let Some(host) = find::host(&call, 0) else { return Ok(Value::count(0)) };
    let clients = mqtt::kick(&host, MqttWhose::Everybody);
    Ok(Value::count(kick(&call.kernel.sessions.of_host(&host.name)) + clients))
}

#[cfg(test)]
mod tests;
