//! The folder a node lives in: database, keys, logs, control socket. Nobody else may look into it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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
        private_folder(&self.path)?;
        private_folder(&self.logs())
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

/// Makes a folder with mode 0700, and gives an existing one that mode.
///
/// # Errors
/// Those of the file system.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Opens a file for appending, with mode 0600 whatever the umask.
///
/// # Errors
/// Those of the file system.
pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    restrict(&file)?;
    Ok(file)
}

/// Puts a file in place as a whole, with mode 0600 whatever the umask: readers see the old one or the new one.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    restrict(&file)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn restrict(file: &File) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
