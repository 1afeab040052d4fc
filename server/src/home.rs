//! The folder a node lives in: database, keys, logs, control socket. Nobody else may look into it.

use std::io;
use std::path::{Path, PathBuf};

use nightjar_sandbox::files::create_private_dir;
pub(crate) use nightjar_sandbox::files::{append_private, write_private};

/// The folder used when nothing else is said and it is there or can be made.
const LOCAL: &str = "nightjar-home";
/// The folder of a node that the system starts.
const SYSTEM: &str = "/var/lib/nightjar";

/// A node's home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    path: PathBuf,
}

impl Home {
    /// The folder named, or `NIGHTJAR_HOME`, or `./nightjar-home`; the system's, if only that one is there.
    pub(crate) fn locate(named: Option<PathBuf>) -> Self {
        let from_environment = || std::env::var_os("NIGHTJAR_HOME").map(PathBuf::from);
        let path = named.or_else(from_environment).unwrap_or_else(|| {
            let local = PathBuf::from(LOCAL);
            let system = PathBuf::from(SYSTEM);
            if !local.is_dir() && system.is_dir() { system } else { local }
        });
        Self { path }
    }

    /// Makes the folder, and takes from everybody else the right to look into it.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        create_private_dir(&self.path)?;
        create_private_dir(&self.logs())
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The control socket.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.path.join("ctl.sock")
    }

    /// Held locked while a node runs here.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.path.join("nightjar.lock")
    }

    /// The SQLite database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("nightjar.db")
    }

    /// The folder of logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// The main log.
    pub(crate) fn log(&self) -> PathBuf {
        self.logs().join("nightjar.log")
    }

    /// Certificate and key that the node made for itself.
    pub(crate) fn own_certificate(&self) -> PathBuf {
        self.path.join("self-signed.pem")
    }

    /// Random bytes that stay the same over restarts.
    pub(crate) fn secret(&self) -> PathBuf {
        self.path.join("secret")
    }
}

#[cfg(test)]
mod tests;
