//! Commands of administration. ejabberd has none for MQTT.

use std::sync::Arc;

use nightjar_base::Registration;
use nightjar_base::commands::declare::{binary, command, integer, list, rescode, string, tuple};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::mqtt::{MqttWhose, kick};
use nightjar_jid::{nameprep, nodeprep};
use nightjar_mqtt::{Message, Properties, QoS, Text, Version, topic};

use crate::broker::Broker;

const TAGS: &[&str] = &["mqtt"];
const HOST: Field = binary("host");
const CLIENT: &[Field] = &[binary("user"), HOST, binary("client_id")];
const FILTERED: &[Field] = &[HOST, binary("filter")];

static SESSIONS: CommandSpec = command(
    "mqtt_sessions",
    TAGS,
    "List the MQTT sessions of a host: seconds is how long it is connected, or how long it stays without a connection",
    &[HOST],
    list(
        "sessions",
        &tuple(
            "session",
            &[
                string("user"),
                string("client_id"),
                string("status"),
                string("version"),
                string("ip"),
                integer("seconds"),
                integer("subscriptions"),
                integer("queued"),
            ],
        ),
    ),
);
static SUBSCRIPTIONS: CommandSpec = command(
    "mqtt_subscriptions",
    TAGS,
    "List what an MQTT session subscribed to",
    CLIENT,
    list("subscriptions", &tuple("subscription", &[string("filter"), integer("qos")])),
);
static KICK: CommandSpec = command(
    "mqtt_kick_session",
    TAGS,
    "End the connection of an MQTT session, which stays as long as its client asked for",
    CLIENT,
    rescode(),
);
static DELETE: CommandSpec = command(
    "mqtt_delete_session",
    TAGS,
    "End an MQTT session with all that waits for it, and its connection",
    CLIENT,
    rescode(),
);
static RETAINED: CommandSpec = command(
    "mqtt_retained",
    TAGS,
    "List retained MQTT messages on topics that a filter matches",
    FILTERED,
    list("retained", &tuple("message", &[string("topic"), integer("qos"), integer("bytes")])),
);
static DELETE_RETAINED: CommandSpec = command(
    "mqtt_delete_retained",
    TAGS,
    "Forget retained MQTT messages on topics that a filter matches; tells how many",
    FILTERED,
    integer("count"),
);
static PUBLISH: CommandSpec = command(
    "mqtt_publish",
    TAGS,
    "Publish an MQTT message in the server's name; `retain` is true or false",
    &[HOST, binary("topic"), binary("payload"), integer("qos"), binary("retain")],
    rescode(),
);

pub(crate) fn register(registration: &mut Registration) {
    registration.command(&SESSIONS, sessions);
    registration.command(&SUBSCRIPTIONS, subscriptions);
    registration.command(&KICK, kick_session);
    registration.command(&DELETE, delete_session);
    registration.command(&RETAINED, retained);
    registration.command(&DELETE_RETAINED, delete_retained);
    registration.command(&PUBLISH, publish);
}

fn broker(call: &Call, at: usize) -> Result<Arc<Broker>, CommandError> {
    let name = call.text(at);
    let host = nameprep(&name).ok().and_then(|name| call.kernel.host(&name));
    let host = host.ok_or_else(|| CommandError::Failed("Unknown virtual host".to_owned()))?;
    host.get().ok_or_else(|| CommandError::Failed(format!("mod_mqtt isn't loaded for {}", host.name)))
}

/// The localpart that the first argument gives; that of those without an account is empty.
fn user(call: &Call) -> Result<String, CommandError> {
    let given = call.text(0);
    let wrong = |_| CommandError::Arguments(format!("{given} is no user name"));
    if given.is_empty() { Ok(String::new()) } else { nodeprep(&given).map(String::from).map_err(wrong) }
}

fn filter(call: &Call) -> Result<nightjar_text::Text, CommandError> {
    let filter = call.text(1);
    let is_fine = topic::check_filter(filter.as_bytes(), &topic::Limits::default()).is_ok();
    if is_fine && !topic::is_shared(filter.as_bytes()) {
        return Ok(filter);
    }
    Err(CommandError::Arguments(format!("{filter} is no topic filter")))
}

fn version(version: Version) -> &'static str {
    match version {
        Version::V3_1 => "3.1",
        Version::V3_1_1 => "3.1.1",
        Version::V5 => "5.0",
    }
}

async fn sessions(call: Call) -> CommandResult {
    let shown = broker(&call, 0)?.shown();
    let row = |session: &crate::administration::Shown| {
        Value::Tuple(vec![
            Value::text(&session.user),
            Value::text(session.client_id.as_str()),
            Value::text(if session.is_online { "connected" } else { "away" }),
            Value::text(session.version.map_or("", version)),
            Value::text(session.ip.map(|ip| ip.to_string()).unwrap_or_default()),
            Value::Integer(i64::try_from(session.seconds).unwrap_or(i64::MAX)),
            Value::count(session.subscriptions),
            Value::count(session.queued),
        ])
    };
    Ok(Value::List(shown.iter().map(row).collect()))
}

async fn subscriptions(call: Call) -> CommandResult {
    let (broker, user) = (broker(&call, 1)?, user(&call)?);
    let found = broker.subscriptions(&user, &call.text(2));
    let row = |(filter, qos): &(Text, QoS)| {
        Value::Tuple(vec![Value::text(filter.as_str()), Value::Integer(i64::from(*qos as u8))])
    };
    Ok(Value::List(found.ok_or_else(no_session)?.iter().map(row).collect()))
}

fn no_session() -> CommandError {
    CommandError::NotFound("there is no such session".to_owned())
}

async fn kick_session(call: Call) -> CommandResult {
    let (broker, user) = (broker(&call, 1)?, user(&call)?);
    match kick(&broker.host, MqttWhose::Client(&user, &call.text(2))) {
        0 => Err(CommandError::NotFound("no such client is connected".to_owned())),
        _ => Ok(Value::Done(true)),
    }
}

async fn delete_session(call: Call) -> CommandResult {
    let (broker, user) = (broker(&call, 1)?, user(&call)?);
    if broker.delete_session(&user, &call.text(2)) { Ok(Value::Done(true)) } else { Err(no_session()) }
}

async fn retained(call: Call) -> CommandResult {
    let (broker, filter) = (broker(&call, 0)?, filter(&call)?);
    let mut rows = Vec::new();
    broker.retained.matching(filter.as_bytes(), usize::MAX, broker.now(), |message| {
        rows.push(Value::Tuple(vec![
            Value::text(String::from_utf8_lossy(message.topic())),
            Value::Integer(i64::from(message.qos as u8)),
            Value::count(message.payload().len()),
        ]));
    });
    Ok(Value::List(rows))
}

async fn delete_retained(call: Call) -> CommandResult {
    let (broker, filter) = (broker(&call, 0)?, filter(&call)?);
    let (count, ticket) = broker.forget_retained(filter.as_bytes());
    if let Some(ticket) = ticket {
        ticket.await.map_err(|error| CommandError::Failed(error.to_string()))?;
    }
    Ok(Value::count(count))
}

async fn publish(call: Call) -> CommandResult {
    let broker = broker(&call, 0)?;
    let (name, now) = (call.text(1), broker.now());
    let wrong = |what: &str| CommandError::Arguments(what.to_owned());
    let qos = u8::try_from(call.integer(3)).ok().and_then(QoS::from_u8);
    let qos = qos.ok_or_else(|| wrong("qos is 0, 1 or 2"))?;
    let retain = match call.text(4).as_str() {
        "true" => true,
        "false" => false,
        _ => return Err(wrong("retain is true or false")),
    };
    let is_fine = topic::check_name(name.as_bytes(), &broker.options().topic).is_ok();
    let topic = Text::new(&name).filter(|_| is_fine && !name.starts_with('$'));
    let topic = topic.ok_or_else(|| wrong("that is no topic to publish on"))?;
    let payload = bytes::Bytes::copy_from_slice(call.text(2).as_bytes());
    let message = Message::new(&topic, qos, retain, &Properties::default(), &payload, now);
    let published = broker.announce(message, now);
    for ticket in published.retained.into_iter().chain(published.stored) {
        ticket.await.map_err(|error| CommandError::Failed(error.to_string()))?;
    }
    Ok(Value::Done(true))
}

#[cfg(test)]
mod tests;
