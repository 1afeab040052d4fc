//! Numbers.

use std::sync::Arc;

use nightjar_base::commands::declare::{binary, command, integer};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Value};
use nightjar_base::{Host, Registration};

use crate::find;

static STATS: CommandSpec = command(
    "stats",
    &["statistics"],
    "Tell a number: registeredusers, onlineusers, onlineusersnode, uptimeseconds, processes (running tasks)",
    &[binary("name")],
    integer("stat"),
);
static STATS_HOST: CommandSpec = command(
    "stats_host",
    &["statistics"],
    "Tell a number of a host: registeredusers, onlineusers",
    &[binary("name"), binary("host")],
    integer("stat"),
);

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&STATS, stats);
    registration.command(&STATS_HOST, stats_host);
}

async fn stats(call: Call) -> CommandResult {
    let kernel = &call.kernel;
    Ok(match call.text(0).as_str() {
        "registeredusers" => registered(kernel.hosts()).await?,
        "onlineusers" | "onlineusersnode" => Value::count(kernel.sessions.count()),
        "uptimeseconds" => {
            Value::Integer((kernel.clock.unix_micros() - kernel.started_micros()).max(0) / 1_000_000)
        }
        "processes" => Value::count(tokio::runtime::Handle::current().metrics().num_alive_tasks()),
        other => return Err(unknown(other)),
    })
}

async fn stats_host(call: Call) -> CommandResult {
    let host = find::known_host(&call, 1)?;
    match call.text(0).as_str() {
        "registeredusers" => registered(vec![host]).await,
        "onlineusers" => Ok(Value::count(call.kernel.sessions.of_host(&host.name).len())),
        other => Err(unknown(other)),
    }
}

async fn registered(hosts: Vec<Arc<Host>>) -> CommandResult {
    let mut total = 0;
    for host in hosts {
        total += host.accounts.count("").await.map_err(|error| find::failed(&error))?;
    }
    Ok(Value::Integer(i64::try_from(total).unwrap_or(i64::MAX)))
}

fn unknown(name: &str) -> CommandError {
    CommandError::Arguments(format!("Unknown statistic: {name}"))
}

#[cfg(test)]
mod tests;
