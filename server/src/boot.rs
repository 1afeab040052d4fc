//! Starting a node. Everything that can be wrong is found before a port is bound.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, bail};
use nightjar_base::{Kernel, Random};
use nightjar_config::{Config, ListenerConfig};
use nightjar_net_listen::{Budget, Certificates};
use nightjar_net_xmpp::Federation;
use nightjar_sandbox::landlock::Paths;
use nightjar_sandbox::privileges::{first_free_port, is_root};
use nightjar_sasl::Secret;
use tokio::sync::{Mutex, watch};

use crate::backends::Databases;
use crate::clock::{SystemClock, SystemRandom};
use crate::home::{Home, append_private, write_private};
use crate::hosts::RunningHost;
use crate::listeners::{self, Listening};
use crate::logs::Logs;
use crate::node::{Node, Parts};
use crate::{certificates, commands, ctl, process};

/// Why a low port may be refused, and what to do.
const LOW_PORT: &str = "a port that needs a right: start the node anew as root with --user, or give its unit \
                        AmbientCapabilities=CAP_NET_BIND_SERVICE or the socket (nightjar.socket)";

/// What a node is started with.
pub(crate) struct Start {
    pub(crate) home: Home,
    /// The configuration file; none is the built-in configuration.
    pub(crate) file: Option<PathBuf>,
    pub(crate) config: Config,
    pub(crate) logs: Logs,
    /// What the sandbox leaves of the file system; none without one.
    pub(crate) sandbox: Option<Paths>,
}

/// Takes the home for this process, until the value is dropped.
///
/// # Errors
/// `AlreadyExists` if a node runs there; those of the file system.
pub(crate) fn lock(home: &Home) -> io::Result<File> {
    let file = append_private(&home.lock_file())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Starts a node. Listeners come last: whoever can connect finds everything there.
///
/// # Errors
/// What didn't start; everything that did is stopped again.
pub(crate) async fn start(start: Start) -> anyhow::Result<Arc<Node>> {
    let Start { home, file, config, logs, sandbox } = start;
    let config = Arc::new(config);
    for listener in config.listeners() {
        if listeners::find(&listener.module).is_none() {
            bail!("nothing here speaks {}", listener.module);
        }
    }
    let certificates = Arc::new(Certificates::default());
    certificates::load(&certificates, &config, &home)?;
    let random = Arc::new(SystemRandom);
    let secret = secret(&home, &*random)?;
    let clock = Arc::new(SystemClock::new());
    let authentication = {
        let (clock, random) = (Arc::clone(&clock), Arc::clone(&random));
        let unix_micros = move || nightjar_base::Clock::unix_micros(&*clock);
        nightjar_auth::Environment::new(move |bytes| random.fill(bytes), unix_micros, secret.clone())
    };
    let kernel = Kernel::new(clock, random, Arc::clone(&config));
    kernel.shared::<Budget>().set_limits(process::connection_limits(&config));
    let node = Arc::new(Node {
        kernel,
        home,
        logs,
        file,
        sandbox,
        certificates,
        secret,
        authentication,
        federation: OnceLock::new(),
        parts: Mutex::default(),
        ending: watch::Sender::new(None),
    });
    if let Err(error) = start_parts(&node, &config).await {
        node.stop().await;
        return Err(error);
    }
    Ok(node)
}

async fn start_parts(node: &Arc<Node>, config: &Config) -> anyhow::Result<()> {
    let mut parts = node.parts.lock().await;
    let Parts { databases, hosts, listeners, guards } = &mut *parts;
    guards.extend(nightjar_admin::core_commands(&node.kernel));
    guards.extend(commands::offer(node));
    guards.extend(nightjar_net_stun::commands(&node.kernel));
    guards.push(nightjar_net_mqtt::offer_websocket(&node.kernel, &node.certificates));
    guards.extend(nightjar_web::offer(&node.kernel, ctl::words::console(node)));
    let (federation, offered) = Federation::begin(&node.kernel, &node.certificates);
    let _ = node.federation.set(federation);
    guards.extend(offered);
    start_hosts(node, config, databases, hosts).await?;
    for listener in config.listeners() {
        listeners.push((listener.clone(), listen(node, listener)?));
    }
    guards.push(ctl::serve::listen(node)?);
    Ok(())
}

async fn start_hosts(
    node: &Node,
    config: &Config,
    databases: &mut Databases,
    hosts: &mut Vec<RunningHost>,
) -> anyhow::Result<()> {
    for name in config.hosts() {
        let of_host = config.host(name);
        let store = databases.store(of_host, &node.home.database()).await?;
        hosts.push(RunningHost::start(node, of_host, store).await?);
    }
    Ok(())
}

/// Binds a listener.
///
/// # Errors
/// If it can't be bound.
pub(crate) fn listen(node: &Node, config: &ListenerConfig) -> anyhow::Result<Listening> {
    let kind = listeners::find(&config.module);
    let kind = kind.with_context(|| format!("nothing here speaks {}", config.module))?;
    let listening = (kind.listen)(&node.kernel, config, &node.certificates);
    listening.map_err(|error| {
        let why = format!("{} can't listen on {}", config.module, config.endpoint());
        let low = (1..first_free_port()).contains(&config.port) && config.unix.is_none();
        let why = if low && !is_root() { format!("{why} ({LOW_PORT})") } else { why };
        error.context(why)
    })
}

/// Random bytes of this node, made at its first start.
fn secret(home: &Home, random: &dyn Random) -> anyhow::Result<Secret> {
    let path = home.secret();
    match fs::read(&path) {
        Ok(bytes) if bytes.len() >= 32 => Ok(Secret::new(bytes)),
        Ok(_) => bail!("{} is damaged: it must hold 32 bytes", path.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = vec![0; 32];
            random.fill(&mut bytes);
            write_private(&path, &bytes).with_context(|| path.display().to_string())?;
            Ok(Secret::new(bytes))
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests;
