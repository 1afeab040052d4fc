//! A new configuration for a running node: all of it or nothing.

use std::sync::Arc;

use nightjar_config::{Change, Config, ListenerConfig, diff};
use nightjar_net_listen::Budget;
use nightjar_text::Text;
use nightjar_xmpp::StreamErrorCondition;

use crate::boot;
use crate::certificates;
use crate::hosts::RunningHost;
use crate::listeners::Listening;
use crate::node::{Node, Parts};
use crate::process;
use crate::supervisor::Reloading;

/// Options that only a restart puts in force.
fn needs_restart(option: &str) -> bool {
    option.starts_with("sql_") || option.starts_with("auth_") || option == "new_sql_schema"
}

/// Reads the configuration anew and follows it. Returns what changed, a line each.
///
/// # Errors
/// Why nothing was changed.
pub(crate) async fn reload(node: &Arc<Node>) -> Result<Vec<String>, String> {
    let mut parts = node.parts.lock().await;
    let _reloading = Reloading::begin();
    let (config, remarks) = node.read_again()?;
    for remark in &remarks {
        tracing::warn!("{}", remark.one_line());
    }
    let old = node.kernel.config();
    let changes = diff(&old, &config);
    let new = Arc::new(config);
    // New parts read the new configuration, so it is in force while they are made.
    node.kernel.set_config(Arc::clone(&new));
    let (added, bound) = match prepare(node, &new, &changes, &mut parts).await {
        Ok(prepared) => prepared,
        Err(why) => {
            node.kernel.set_config(old);
            return Err(why);
        }
    };
    parts.hosts.extend(added);
    parts.listeners.extend(bound);
    node.logs.follow(&new.global);
    node.kernel.shared::<Budget>().set_limits(process::connection_limits(&new));
    let mut told = vec!["certificates were read".to_owned()];
    apply(node, &old, &new, &changes, &mut parts, &mut told).await;
    let ended = node.federation.get().map_or(0, |federation| federation.follow(&node.kernel));
    if ended > 0 {
        told.push(format!("{ended} connections with other servers were ended"));
    }
    for line in &told {
        tracing::info!("reload: {line}");
    }
    Ok(told)
}

type Prepared = (Vec<RunningHost>, Vec<(ListenerConfig, Listening)>);

/// Does first what may fail; whatever was made is undone then.
async fn prepare(
    node: &Node,
    config: &Config,
    changes: &[Change],
    parts: &mut Parts,
) -> Result<Prepared, String> {
    let bound = bind_added(node, changes)?;
    let added = start_added(node, config, changes, parts).await?;
    match certificates::load(&node.certificates, config, &node.home) {
        Ok(_) => Ok((added, bound)),
        Err(error) => {
            added.into_iter().for_each(|host| host.stop(&node.kernel));
            Err(format!("{error:#}"))
        }
    }
}

fn bind_added(node: &Node, changes: &[Change]) -> Result<Vec<(ListenerConfig, Listening)>, String> {
    let mut bound = Vec::new();
    for change in changes {
        if let Change::ListenerAdded(listener) = change {
            let listening = boot::listen(node, listener).map_err(|error| format!("{error:#}"))?;
            bound.push((listener.clone(), listening));
        }
    }
    Ok(bound)
}

async fn start_added(
    node: &Node,
    config: &Config,
    changes: &[Change],
    parts: &mut Parts,
) -> Result<Vec<RunningHost>, String> {
    let mut added = Vec::new();
    for change in changes {
        let Change::HostAdded(name) = change else { continue };
        let of_host = config.host(name);
        let started = async {
            let store = parts.databases.store(of_host, &node.home.database()).await?;
            RunningHost::start(node, of_host, store).await
        };
        match started.await {
            Ok(host) => added.push(host),
            Err(error) => {
                added.into_iter().for_each(|host: RunningHost| host.stop(&node.kernel));
                return Err(format!("{error:#}"));
            }
        }
    }
    Ok(added)
}

/// Does what each change asks for, and tells of it.
async fn apply(
    node: &Node,
    old: &Config,
    new: &Config,
    changes: &[Change],
    parts: &mut Parts,
    told: &mut Vec<String>,
) {
    for running in &parts.hosts {
        running.follow(new.host(&running.host.name));
    }
    for change in changes {
        let mut line = change.to_string();
        match change {
            Change::HostRemoved(name) => remove_host(node, parts, name),
            Change::ListenerRemoved(listener) => {
                parts.listeners.retain(|(running, _)| running.endpoint() != listener.endpoint());
            }
            Change::ListenerChanged { new, .. } => {
                parts.listeners.retain(|(running, _)| running.endpoint() != new.endpoint());
                match boot::listen(node, new) {
                    Ok(listening) => parts.listeners.push((new.clone(), listening)),
                    Err(error) => line = format!("{line}: FAILED, nothing listens there now: {error:#}"),
                }
            }
            Change::ModuleStarted { host, module }
            | Change::ModuleStopped { host, module }
            | Change::ModuleChanged { host, module, .. } => {
                if let Err(why) = change_module(node, old, new, parts, host, module).await {
                    line = format!("{line}: FAILED, {why}");
                }
            }
            Change::Option { change, .. } if needs_restart(&change.name) => {
                line.push_str(" (after a restart)")
            }
            _ => {}
        }
        told.push(line);
    }
}

fn remove_host(node: &Node, parts: &mut Parts, name: &Text) {
    let Some(at) = parts.hosts.iter().position(|running| running.host.name == *name) else { return };
    let running = parts.hosts.remove(at);
    running.end_sessions(&node.kernel, StreamErrorCondition::HostGone);
    running.stop(&node.kernel);
}

/// Stops a module and starts it as the new configuration wants it; as the old one did, if that fails.
async fn change_module(
    node: &Node,
    old: &Config,
    new: &Config,
    parts: &mut Parts,
    host: &Text,
    module: &Text,
) -> Result<(), String> {
    let Some(running) = parts.hosts.iter_mut().find(|running| running.host.name == *host) else {
        return Ok(());
    };
    running.stop_feature(module);
    let started = running.start_feature(&node.kernel, new.host(host), module).await;
    let Err(error) = started else { return Ok(()) };
    match running.start_feature(&node.kernel, old.host(host), module).await {
        Ok(()) => Err(format!("it runs as before: {error:#}")),
        Err(_) => Err(format!("it is stopped: {error:#}")),
    }
}

#[cfg(test)]
mod tests;
