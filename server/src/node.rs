//! A running node: what it is made of, and how it ends.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::mqtt;
use nightjar_config::{Config, Declarations, Diagnostic, Environment, ListenerConfig, OptionSpec, Severity};
use nightjar_net_listen::Certificates;
use nightjar_net_xmpp::Federation;
use nightjar_sandbox::landlock::Paths;
use nightjar_sasl::Secret;
use nightjar_xmpp::StreamErrorCondition;
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use crate::backends::Databases;
use crate::home::Home;
use crate::hosts::RunningHost;
use crate::listeners::{self, Listening};
use crate::logs::Logs;
use crate::options::TOPLEVEL;
use crate::{features, protect};

/// How long sessions get to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long the databases get to finish what they accepted.
const CLOSING: Duration = Duration::from_secs(30);

/// How a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The program ends.
    Stop,
    /// The program starts anew.
    Restart,
    /// The program ends at once, with exit code 1.
    Halt,
}

/// A running node.
pub(crate) struct Node {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) home: Home,
    pub(crate) logs: Logs,
    /// The configuration file; none is the built-in configuration.
    pub(crate) file: Option<PathBuf>,
    /// What the sandbox leaves of the file system; none without one.
    pub(crate) sandbox: Option<Paths>,
    pub(crate) certificates: Arc<Certificates>,
    /// What makes unknown accounts look like known ones, and bans genuine.
    pub(crate) secret: Secret,
    pub(crate) authentication: nightjar_auth::Environment,
    /// The way to other servers, once the node has started.
    pub(crate) federation: OnceLock<Arc<Federation>>,
    /// Held by whoever changes what runs; one at a time.
    pub(crate) parts: Mutex<Parts>,
    pub(crate) ending: watch::Sender<Option<Ending>>,
}

/// What starts and stops while the node runs.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) databases: Databases,
    pub(crate) hosts: Vec<RunningHost>,
    pub(crate) listeners: Vec<(ListenerConfig, Listening)>,
    pub(crate) guards: Vec<Guard>,
}

/// Reads a configuration with everything this server has. The second value is remarks.
///
/// # Errors
/// Every mistake.
pub(crate) fn read_config(
    file: Option<&PathBuf>,
    home: &Home,
) -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> {
    let environment = Environment::at_home(home.path()).with_variables(std::env::vars());
    let (config, mut remarks) = with_declarations(|declarations| match file {
        Some(file) => nightjar_config::load_with(file, declarations, &environment, &nightjar_config::Disk),
        None => nightjar_config::default_config(declarations, &environment),
    })?;
    remarks.extend(nightjar_net_listen::chosen::check(&config));
    match remarks.iter().any(|found| found.severity == Severity::Error) {
        true => Err(remarks),
        false => Ok((config, remarks)),
    }
}

/// Lends what this server declares.
pub(crate) fn with_declarations<T>(use_them: impl FnOnce(&Declarations<'_>) -> T) -> T {
    let (modules, listeners) = (features::specs(), listeners::specs());
    let others = [
        nightjar_web::oauth::OPTIONS,
        nightjar_net_xmpp::C2S_TOPLEVEL,
        nightjar_net_xmpp::COMPONENT_TOPLEVEL,
        nightjar_net_xmpp::S2S_TOPLEVEL,
        nightjar_net_listen::websocket::TOPLEVEL,
    ];
    let toplevel: Vec<OptionSpec> = TOPLEVEL.iter().chain(others.into_iter().flatten()).copied().collect();
    use_them(&Declarations { modules: &modules, listeners: &listeners, toplevel: &toplevel })
}

impl Node {
    /// Ends everything in order: no new connections, sessions told, features, databases.
    pub(crate) async fn stop(&self) {
        let mut parts = self.parts.lock().await;
        parts.listeners.clear();
        self.kernel.shared::<nightjar_net_stun::StunListeners>().stop().await;
        self.end_clients();
        let gone = async {
            while self.kernel.sessions.count() > 0 || self.end_mqtt() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(FAREWELL, gone).await.is_err() {
            let (sessions, mqtt) = (self.kernel.sessions.count(), self.end_mqtt());
            tracing::warn!(sessions, mqtt, "clients did not end in time");
        }
        nightjar_net_xmpp::stop_components(&self.kernel).await;
        if let Some(federation) = self.federation.get() {
            federation.stop().await;
        }
        while let Some(host) = parts.hosts.pop() {
            host.stop(&self.kernel);
        }
        if timeout(CLOSING, parts.databases.close()).await.is_err() {
            tracing::error!("the databases did not finish in time");
        }
        parts.guards.clear();
        tracing::info!("stopped");
    }

    /// Tells the clients of all hosts that the node ends, and lets them go.
    pub(crate) fn end_clients(&self) {
        for session in self.kernel.sessions.collect(|_| true) {
            session.end(StreamErrorCondition::SystemShutdown, None);
        }
        self.end_mqtt();
    }

    /// Does so with MQTT's; gives how many there are.
    fn end_mqtt(&self) -> usize {
        self.kernel.hosts().iter().map(|host| mqtt::shut_down(host)).sum()
    }

    /// Reads the configuration anew, for a reload or a restart.
    ///
    /// # Errors
    /// Every mistake; what it names that the sandbox doesn't leave.
    pub(crate) fn read_again(&self) -> Result<(Config, Vec<Diagnostic>), String> {
        let (config, remarks) = read_config(self.file.as_ref(), &self.home).map_err(|mistakes| {
            let mut lines: Vec<_> = mistakes.iter().map(Diagnostic::one_line).collect();
            let denied = lines.iter().any(|line| line.contains("permission denied"));
            if denied && self.sandbox.is_some() {
                lines.push("files in other folders than at start are outside the sandbox; stop the node and start it".into());
            }
            lines.join("\n")
        })?;
        let outside =
            self.sandbox.as_ref().map(|sandbox| protect::outside(sandbox, &config)).unwrap_or_default();
        if outside.is_empty() {
            return Ok((config, remarks));
        }
        let paths: Vec<_> = outside.iter().map(|path| path.display().to_string()).collect();
        Err(format!(
            "the sandbox that was built at start has no {}; stop the node and start it",
            paths.join(", ")
        ))
    }

    /// An error of the file system, with what to do where the sandbox may be the reason.
    pub(crate) fn denied(&self, error: std::io::Error) -> String {
        if self.sandbox.is_some() && error.kind() == std::io::ErrorKind::PermissionDenied {
            let home = self.home.path().display();
            return format!(
                "{error} (the sandbox lets files be written in {home} and folders given by --writable)"
            );
        }
        error.to_string()
    }

    /// Asks the node to end.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.send_replace(Some(ending));
    }

    /// Waits until somebody asks the node to end.
    pub(crate) async fn ended(&self) -> Ending {
        let mut ending = self.ending.subscribe();
        let asked = ending.wait_for(Option::is_some).await;
        asked.ok().and_then(|ending| *ending).unwrap_or(Ending::Stop)
    }
}
