//! Commands about relays.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_base::guard::Guard;
use nightjar_stun::server::{AllocationId, AllocationInfo, Counters, Transport};

use crate::command::Command;
use crate::listener::StunListeners;
use crate::metrics;

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

static ALLOCATION: Field = field(
    "allocation",
    Shape::Tuple(&[
        field("id", Shape::String),
        field("user", Shape::String),
        field("client", Shape::String),
        field("relayed", Shape::String),
        field("seconds", Shape::Integer),
        field("permissions", Shape::Integer),
        field("channels", Shape::Integer),
        field("packets", Shape::Integer),
        field("bytes", Shape::Integer),
    ]),
);

static LIST: CommandSpec = CommandSpec {
    name: "turn_allocations",
    tags: &["statistics", "turn"],
    doc: "List the relays that TURN clients have",
    arguments: &[],
    result: field("allocations", Shape::List(&ALLOCATION)),
    policy: Policy::Restricted,
    version: 0,
};

static END: CommandSpec = CommandSpec {
    name: "turn_end_allocation",
    tags: &["turn"],
    doc: "End a relay, named as turn_allocations does",
    arguments: &[field("id", Shape::String)],
    result: field("res", Shape::Rescode),
    policy: Policy::Restricted,
    version: 0,
};

static COUNTER: Field =
    field("counter", Shape::Tuple(&[field("name", Shape::Atom), field("value", Shape::Integer)]));

static STATISTICS: CommandSpec = CommandSpec {
    name: "turn_statistics",
    tags: &["statistics", "turn"],
    doc: "Tell what STUN and TURN have counted since their start",
    arguments: &[],
    result: field("counters", Shape::List(&COUNTER)),
    policy: Policy::Restricted,
    version: 0,
};

static DRAIN: CommandSpec = CommandSpec {
    name: "turn_drain",
    tags: &["turn"],
    doc: "Give no new relays (on), or give them again (off); those that are there go on",
    arguments: &[field("state", Shape::String)],
    result: field("res", Shape::Rescode),
    policy: Policy::Restricted,
    version: 0,
};

/// Offers the commands, and figures for monitoring, until the guards are dropped.
#[must_use]
pub fn commands(kernel: &Arc<Kernel>) -> Vec<Guard> {
    vec![
        kernel.commands.add(&LIST, None, Arc::new(list)),
        kernel.commands.add(&END, None, Arc::new(end)),
        kernel.commands.add(&DRAIN, None, Arc::new(drain)),
        kernel.commands.add(&STATISTICS, None, Arc::new(statistics)),
        metrics::register(kernel),
    ]
}

async fn list(call: Call) -> CommandResult {
    let listeners: Arc<StunListeners> = call.kernel.shared();
    let now = u64::try_from(call.kernel.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
    let mut rows = Vec::new();
    for (group, (_, address)) in listeners.groups() {
        for (number, worker) in group.workers.iter().enumerate() {
            let allocations = worker.allocations().await;
            rows.extend(allocations.iter().map(|own| row(&format!("{}-{number}", address.port()), own, now)));
        }
    }
    Ok(Value::List(rows))
}

fn row(worker: &str, own: &AllocationInfo, now: u64) -> Value {
    let relayed: Vec<String> =
        own.relayed.v4.iter().chain(&own.relayed.v6).map(ToString::to_string).collect();
    let transport = match own.client.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
        Transport::Dtls => "dtls",
    };
    let number = |value: u64| Value::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    Value::Tuple(vec![
        Value::text(format!("{worker}-{}-{}", own.id.index, own.id.generation)),
        Value::text(&own.user),
        Value::text(format!("{transport}:{}", own.client.remote)),
        Value::text(relayed.join(" ")),
        number(own.expires.saturating_sub(now) / 1000),
        Value::count(own.permissions),
        Value::count(own.channels),
        number(own.packets),
        number(own.bytes),
    ])
}

async fn end(call: Call) -> CommandResult {
    let name = call.text(0);
    let parts: Vec<u32> = name.split('-').filter_map(|part| part.parse().ok()).collect();
    let [port, worker, index, generation] = parts.as_slice() else {
        return Err(CommandError::Arguments(format!(
            "{name} names no relay: turn_allocations tells the names"
        )));
    };
    let listeners: Arc<StunListeners> = call.kernel.shared();
    let of_port =
        listeners.groups().into_iter().filter(|(_, (_, address))| u32::from(address.port()) == *port);
    for (group, _) in of_port {
        let Some(worker) = group.workers.get(*worker as usize) else { continue };
        let (reply, answer) = tokio::sync::oneshot::channel();
        let id = AllocationId { index: *index, generation: *generation };
        worker.send(Command::EndAllocation(id, reply));
        if answer.await == Ok(true) {
            return Ok(Value::Done(true));
        }
    }
    Err(CommandError::NotFound(format!("there is no relay {name}")))
}

async fn drain(call: Call) -> CommandResult {
    let state = call.text(0);
    let is_draining = match &*state {
        "on" => true,
        "off" => false,
        _ => return Err(CommandError::Arguments(format!("{state} is neither on nor off"))),
    };
    call.kernel.shared::<StunListeners>().drain(is_draining);
    Ok(Value::Done(true))
}

async fn statistics(call: Call) -> CommandResult {
    let listeners: Arc<StunListeners> = call.kernel.shared();
    let (counters, (used, ports)) = listeners.totals();
    let mut rows = vec![("relay_ports_used", used as u64), ("relay_ports", ports as u64)];
    rows.extend(Counters::NAMES.iter().copied().zip(counters.values()));
    let pair = |(name, value): (&str, u64)| {
        Value::Tuple(vec![Value::text(name), Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))])
    };
    Ok(Value::List(rows.into_iter().map(pair).collect()))
}
