//! One server's process.

use super::Kind;
use super::configuration::{DOMAIN, Place, command, prepare};
use crate::target::{Mechanism, Target, Tls};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A server that runs; it's ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    pub place: Place,
    nightjar: PathBuf,
    child: Child,
    /// From the start of the process to the first stream features it sent
    pub ready: Duration,
}

impl Server {
    /// Makes a new home at `place` and starts there.
    pub fn start(place: Place, nightjar: &Path) -> Result<Self> {
        prepare(&place)?;
        let (child, ready) = launch(&place, nightjar)?;
        Ok(Self { place, nightjar: nightjar.to_owned(), child, ready })
    }

    /// Ends the process as an operator would and starts it again in the same home.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        (self.child, self.ready) = launch(&self.place, &self.nightjar)?;
        Ok(())
    }

    pub fn target(&self, tls: Tls, mechanism: Option<Mechanism>, first_user: usize) -> Target {
        Target {
            host: Ipv4Addr::LOCALHOST.into(),
            port: if tls == Tls::Direct { self.place.port_tls } else { self.place.port },
            domain: DOMAIN.into(),
            tls,
            mechanism,
            user_prefix: "bench".into(),
            first_user,
            password: "nightjar-bench".into(),
            pid: Some(self.child.id()),
        }
    }

    pub fn turn_target(&self) -> Target {
        Target { port: self.place.port_turn, ..self.target(Tls::None, None, 0) }
    }

    pub fn mqtt_target(&self, tls: Tls) -> Target {
        let port = if tls == Tls::Direct { self.place.port_mqtt_tls } else { self.place.port_mqtt };
        Target { port, ..self.target(tls, None, 0) }
    }

    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no pid")?;
        kill_process(pid, Signal::TERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP_LIMIT {
                self.child.kill()?;
                self.child.wait()?;
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.stop().is_err() {
            let _ = self.child.kill();
        }
    }
}

/// A port of 127.0.0.1 that is free now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn launch(place: &Place, nightjar: &Path) -> Result<(Child, Duration)> {
    let console = File::create(place.home.join("console.log"))?;
    let mut command = command(place, nightjar)?;
    command.current_dir(&place.home).stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("{:?} can't be run", command.get_program()))?;
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("{} ended with {status}, see {}", place.kind.name(), place.home.display());
        }
        if answers(place) {
            return Ok((child, started.elapsed()));
        }
        if started.elapsed() > START_LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("{} didn't get ready, see {}", place.kind.name(), place.home.display());
        }
        sleep(Duration::from_millis(5));
    }
}

fn is_bare(kind: Kind) -> bool {
    matches!(kind, Kind::Relay | Kind::Echo | Kind::Coturn | Kind::Mosquitto)
}

/// A port of TCP that is there when all are.
fn first_port(place: &Place) -> u16 {
    match place.kind {
        Kind::Echo | Kind::Coturn => place.port_turn,
        Kind::Mosquitto => place.port_mqtt,
        _ => place.port,
    }
}

/// Whether a stream can be opened; of the relay, whether it listens.
fn answers(place: &Place) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first_port(place)));
    let Ok(mut socket) = TcpStream::connect(address) else { return false };
    if is_bare(place.kind) {
        // Two connections make a pair, so that the next two are one again.
        return TcpStream::connect(address).is_ok();
    }
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    let mut input = Vec::new();
    let mut chunk = [0; 4096];
    let _ = socket.set_read_timeout(Some(Duration::from_secs(2)));
    if socket.write_all(header.as_bytes()).is_err() {
        return false;
    }
    while let Ok(count @ 1..) = socket.read(&mut chunk) {
        input.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if memchr::memmem::find(&input, b"</stream:features>").is_some() {
            return true;
        }
    }
    false
}
