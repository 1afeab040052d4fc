//! restart_module.

use std::sync::Arc;

use nightjar_base::commands::declare::{binary, command, integer};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Value};

use crate::node::Node;

pub(super) static RESTART_MODULE: CommandSpec = command(
    "restart_module",
    &["erlang"],
    "Stop a module of a host and start it again. Result: 0 restarted, 1 it does not run there",
    &[binary("host"), binary("module")],
    integer("res"),
);

pub(super) async fn restart_module(node: Arc<Node>, call: Call) -> CommandResult {
    let (host, module) = (call.text(0), call.text(1));
    let config = node.kernel.config();
    let mut parts = node.parts.lock().await;
    let running = parts.hosts.iter_mut().find(|running| running.host.name == host);
    let Some(running) = running.filter(|running| running.runs(&module)) else { return Ok(Value::Integer(1)) };
    running.stop_feature(&module);
    let started = running.start_feature(&node.kernel, config.host(&host), &module).await;
    started.map_err(|error| CommandError::Failed(format!("it is stopped: {error:#}")))?;
    Ok(Value::Integer(0))
}
