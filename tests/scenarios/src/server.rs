//! The server the scripts are played against: one process, ended by its id.

use anyhow::{Context as _, Result, ensure};
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Server {
    process: Child,
    program: PathBuf,
    folder: PathBuf,
    port: u16,
}

const DOMAIN: &str = "localhost";
const READY: Duration = Duration::from_secs(30);

impl Server {
    /// Of every account.
    pub const PASSWORD: &str = "a password of no worth";

    /// Starts `program` with the configuration `template` in an empty home below `folder`.
    pub fn start(program: &Path, template: &str, folder: &Path) -> Result<Server> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let configuration = folder.join("ejabberd.yml");
        fs::write(
            &configuration,
            template.replace("__PORT__", &port.to_string()).replace("__DOMAIN__", DOMAIN),
        )?;
        let log = File::create(folder.join("server.log"))?;
        let process = Command::new(program)
            .arg("start")
            .arg("--home")
            .arg(folder.join("home"))
            .arg("--config")
            .arg(&configuration)
            // Machines of continuous integration run everything as root.
            .env("NIGHTJAR_ALLOW_ROOT", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Server { process, program: program.to_owned(), folder: folder.to_owned(), port };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.process.try_wait()?.is_some();
            let log = || fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            ensure!(!ended && start.elapsed() < READY, "the server did not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn domain(&self) -> &'static str {
        DOMAIN
    }

    pub fn register(&self, user: &str) -> Result<()> {
        let output = Command::new(&self.program)
            .arg("ctl")
            .arg("--home")
            .arg(self.folder.join("home"))
            .args(["register", user, DOMAIN, Server::PASSWORD])
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cannot register {user}: {said}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
