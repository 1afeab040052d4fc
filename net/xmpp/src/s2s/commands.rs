//! Commands about other servers.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::declare::{command, field, integer, list, rescode, string, tuple};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::guard::Guard;
use nightjar_jid::Jid;
use nightjar_xmpp::StreamErrorCondition;

use super::federation::Federation;
use super::handle::Direction;
use super::probe;

const S2S: &[&str] = &["s2s"];
const STATISTICS: &[&str] = &["statistics", "s2s"];

static INCOMING: CommandSpec = command(
    "incoming_s2s_number",
    STATISTICS,
    "Number of incoming s2s connections on the node",
    &[],
    integer("s2s_incoming"),
);
static OUTGOING: CommandSpec = command(
    "outgoing_s2s_number",
    STATISTICS,
    "Number of outgoing s2s connections on the node",
    &[],
    integer("s2s_outgoing"),
);
static STOP: CommandSpec =
    command("stop_s2s_connections", S2S, "Stop all s2s outgoing and incoming connections", &[], rescode());

static CONNECTION: Field = tuple(
    "connection",
    &[
        string("local"),
        string("remote"),
        string("direction"),
        string("address"),
        string("tls"),
        string("proof"),
        string("state"),
        integer("waiting"),
    ],
);
static LIST: CommandSpec = command(
    "s2s_connections",
    STATISTICS,
    "List the connections with other servers, and the servers that can't be reached",
    &[],
    list("connections", &CONNECTION),
);

static STEP: Field = string("step");
static PROBE: CommandSpec = command(
    "s2s_probe",
    S2S,
    "Try to reach another server, and tell each step: DNS, address, TLS, certificate, SASL or dialback",
    &[field("domain", nightjar_base::commands::Shape::Binary)],
    list("steps", &STEP),
);

/// Offers the commands until the guards are dropped.
pub(super) fn offer(kernel: &Kernel, federation: &Arc<Federation>) -> Vec<Guard> {
    let own = || Arc::clone(federation);
    let (one, two, three, four, five) = (own(), own(), own(), own(), own());
    let commands = &kernel.commands;
    vec![
        commands.add(&INCOMING, None, Arc::new(move |_: Call| count(Arc::clone(&one), Direction::In))),
        commands.add(&OUTGOING, None, Arc::new(move |_: Call| count(Arc::clone(&two), Direction::Out))),
        commands.add(&STOP, None, Arc::new(move |_: Call| stop(Arc::clone(&three)))),
        commands.add(&LIST, None, Arc::new(move |call: Call| connections(Arc::clone(&four), call))),
        commands.add(&PROBE, None, Arc::new(move |call: Call| probe_domain(Arc::clone(&five), call))),
    ]
}

async fn count(federation: Arc<Federation>, direction: Direction) -> CommandResult {
    Ok(Value::count(federation.connections.count(direction)))
}

async fn stop(federation: Arc<Federation>) -> CommandResult {
    federation.close_all(StreamErrorCondition::Reset);
    Ok(Value::Done(true))
}

async fn connections(federation: Arc<Federation>, call: Call) -> CommandResult {
    let mut rows = Vec::new();
    for handle in federation.connections.all() {
        let told = handle.told.lock().clone();
        let claimed = handle.remote.lock().clone();
        let address = handle.address.map(|address| address.to_string()).unwrap_or_default();
        let direction = if told.is_bidi { "both" } else { handle.direction.word() };
        let state = if told.pairs.is_empty() { "unproved" } else { "open" };
        let claimed = claimed.as_ref().map_or("", Jid::as_str);
        let pairs: Vec<(&str, &str)> = match told.pairs.is_empty() {
            true => vec![("", claimed)],
            false => told.pairs.iter().map(|(local, remote)| (local.as_str(), remote.as_str())).collect(),
        };
        for (local, remote) in pairs {
            let texts = [local, remote, direction, &address, told.tls.unwrap_or("none"), told.proof, state];
            rows.push(row(texts, handle.inbox.len()));
        }
    }
    let now = call.kernel.clock.monotonic();
    for link in federation.links.all() {
        let state = link.word(now);
        if matches!(state, "connecting" | "failed") {
            let texts = [link.local.as_str(), link.remote.as_str(), "out", "", "none", "none", state];
            rows.push(row(texts, link.waiting()));
        }
    }
    Ok(Value::List(rows))
}

fn row(texts: [&str; 7], waiting: usize) -> Value {
    let mut values: Vec<Value> = texts.iter().map(Value::text).collect();
    values.push(Value::count(waiting));
    Value::Tuple(values)
}

async fn probe_domain(federation: Arc<Federation>, call: Call) -> CommandResult {
    let domain = call.text(0);
    let remote: Jid = domain
        .parse()
        .ok()
        .filter(Jid::is_domain)
        .ok_or_else(|| CommandError::Arguments(format!("{domain} is no domain")))?;
    let lines = Box::pin(probe::probe(&federation, &call.kernel, remote)).await?;
    Ok(Value::List(lines.iter().map(Value::text).collect()))
}
