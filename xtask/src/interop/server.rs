//! One Nightjar for one suite: its own home, configuration, certificate and ports.

use crate::shell::{self, Running};
use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const DOMAIN: &str = "localhost";
/// The marks of a configuration template, each given a free port.
const PORTS: [&str; 15] = [
    "C2S",
    "C2S_TLS",
    "S2S",
    "COMPONENT",
    "COMPONENT_TLS",
    "HTTP",
    "HTTPS",
    "PROXY65",
    "STUN",
    "STUN_TLS",
    "STUN_DTLS",
    "STUN_OTHER",
    "STUN_PEER",
    "MQTT",
    "MQTT_TLS",
];
const READY: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    home: PathBuf,
    configuration: PathBuf,
    ports: Vec<u16>,
    running: Option<Running>,
}

impl Server {
    /// Lays out an empty home with the configuration `name` of tests/interop/ filled in.
    pub(crate) fn prepare(home: &Path, name: &str) -> Result<Server> {
        if home.exists() {
            fs::remove_dir_all(home)?;
        }
        fs::create_dir_all(home)?;
        fs::set_permissions(home, fs::Permissions::from_mode(0o700))?;
        certificate(home)?;
        let ports = shell::free_ports(PORTS.len())?;
        let template = shell::root().join("tests/interop").join(name);
        let text =
            fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
        let configuration = home.join("ejabberd.yml");
        fs::write(&configuration, filled_in(&text, home, &ports))?;
        Ok(Server { home: home.to_owned(), configuration, ports, running: None })
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let mut command = Command::new(shell::binary());
        command.arg("start").arg("--home").arg(self.home.join("home"));
        command.arg("--config").arg(&self.configuration).current_dir(&self.home);
        // Machines of continuous integration run everything as root.
        command.env("NIGHTJAR_ALLOW_ROOT", "1");
        let mut running = Running::start(&mut command, &self.home.join("server.log"), Signal::TERM)?;
        let port = self.port("C2S");
        if !shell::wait_until(READY, || running.has_ended() || shell::is_open(port)) || running.has_ended() {
            drop(running);
            bail!("the server did not start:\n{}", self.last_words());
        }
        self.running = Some(running);
        Ok(())
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// What a suite learns about its server (names are listed in tests/interop/README.md).
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("NJ_HOST".to_owned(), "127.0.0.1".to_owned()),
            ("NJ_DOMAIN".to_owned(), DOMAIN.to_owned()),
            ("NJ_BIN".to_owned(), shell::binary().display().to_string()),
            ("NJ_HOME".to_owned(), self.home.join("home").display().to_string()),
            ("NJ_CONFIG".to_owned(), self.configuration.display().to_string()),
            ("NJ_LOG".to_owned(), self.home.join("server.log").display().to_string()),
        ];
        variables.extend(PORTS.iter().map(|name| (format!("NJ_PORT_{name}"), self.port(name).to_string())));
        // For suites that start nodes of their own.
        variables.push(("NIGHTJAR_ALLOW_ROOT".to_owned(), "1".to_owned()));
        if let Some(running) = &self.running {
            variables.push(("NJ_PID".to_owned(), running.id().to_string()));
        }
        variables
    }

    /// What the server itself did wrong while the suite ran.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.running.as_mut().is_some_and(Running::has_ended) {
            complaints.push(format!("the server ended:\n{}", self.last_words()));
        }
        if let Some(line) = self.log().lines().find(|line| line.contains("panicked at")) {
            complaints.push(format!("the server panicked: {line}"));
        }
        complaints
    }

    fn port(&self, name: &str) -> u16 {
        let place = PORTS.iter().position(|known| *known == name);
        place.and_then(|place| self.ports.get(place)).copied().unwrap_or(0)
    }

    /// The end of the log, without the frames of a panic.
    fn last_words(&self) -> String {
        let log = self.log();
        let end = log.find("stack backtrace:").unwrap_or(log.len());
        shell::tail(log.get(..end).unwrap_or_default(), 20)
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.home.join("server.log")).unwrap_or_default()).into_owned()
    }
}

fn filled_in(template: &str, home: &Path, ports: &[u16]) -> String {
    let mut text = template.replace("__DIR__", &home.display().to_string()).replace("__DOMAIN__", DOMAIN);
    for (name, port) in PORTS.iter().zip(ports) {
        text = text.replace(&format!("__P_{name}__"), &port.to_string());
    }
    text
}

/// A self-signed certificate for the domain, its key in the same file, as ejabberd's `certfiles` allow.
fn certificate(home: &Path) -> Result<()> {
    let file = home.join("server.pem");
    let key = home.join("key.pem");
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    command.args(["-days", "30", "-subj", &format!("/CN={DOMAIN}")]);
    command.args(["-addext", &format!("subjectAltName=DNS:{DOMAIN},DNS:anon.{DOMAIN}")]);
    command.arg("-keyout").arg(&key).arg("-out").arg(&file);
    let output = command.output().context("cannot run openssl")?;
    if !output.status.success() {
        bail!("openssl made no certificate: {}", String::from_utf8_lossy(&output.stderr));
    }
    let both = fs::read_to_string(&key)? + &fs::read_to_string(&file)?;
    fs::write(&file, both)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    Ok(())
}
