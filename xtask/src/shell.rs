//! Running other programs: with a log, in order, and ended by their own process id.

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The repository's top folder.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Where the tasks keep what they install and log: a folder below cargo's, so that `cargo clean` removes it.
pub(crate) fn work() -> PathBuf {
    target().join("xtask")
}

/// The program under test: `NIGHTJAR_BIN`, or what the workspace's debug build makes.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("NIGHTJAR_BIN").map_or_else(|| target().join("debug").join("nightjar"), PathBuf::from)
}

pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // `cargo run` tells its child about this package; a cargo below must not believe it is still there.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || name == "CARGO_PRIMARY_PACKAGE"
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Is there such a program in PATH (or in the folders that only root has there)?
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
}

/// What a finished command said, standard output and error together.
pub(crate) struct Finished {
    pub success: bool,
    pub output: String,
}

/// Runs a command to its end with its output in `<work>/logs/<name>.log`.
pub(crate) fn logged(name: &str, command: &mut Command) -> Result<Finished> {
    let folder = work().join("logs");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.log"));
    let log = File::create(&path)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    let output = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    Ok(Finished { success: status.success(), output })
}

/// As `logged`, but a failure is an error that shows the end of the output.
pub(crate) fn must(name: &str, command: &mut Command) -> Result<String> {
    let finished = logged(name, command)?;
    if !finished.success {
        bail!("{name} failed:\n{}", tail(&finished.output, 40));
    }
    Ok(finished.output)
}

pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// A program of ours in the background; dropping it ends it by its process id.
pub(crate) struct Running {
    child: Child,
    signal: Signal,
}

impl Running {
    /// `signal` asks the program to end; after ten seconds it is killed.
    pub(crate) fn start(command: &mut Command, log: &Path, signal: Signal) -> Result<Running> {
        let log = File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        Ok(Running { child, signal })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end; false when the time is over first.
    pub(crate) fn wait(&mut self, limit: Duration) -> bool {
        wait_until(limit, || self.has_ended())
    }

    pub(crate) fn succeeded(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(status)) if status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(pid, self.signal);
        }
        if !self.wait(Duration::from_secs(10)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Asks `condition` every 20 ms until it holds or the time is over.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ports of the loopback address that nobody listens on, all different.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>> {
    let held: Vec<_> =
        (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

pub(crate) fn is_open(port: u16) -> bool {
    std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_millis(200)).is_ok()
}
