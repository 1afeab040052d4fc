//! What the configuration takes from outside its files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The prefix of environment variables that define macros.
pub const MACRO_PREFIX: &str = "EJABBERD_MACRO_";

/// Directories, versions and macros that files may refer to.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `@HOME@`
    pub home: PathBuf,
    /// `@DATABASE_PATH@`
    pub database_path: PathBuf,
    /// `@LOG_PATH@`
    pub log_path: PathBuf,
    /// `@SEMVER@` and `@VERSION@`
    pub version: String,
    /// Macros that override those of the files, by NAME (without `EJABBERD_MACRO_`); values are YAML.
    pub macros: BTreeMap<String, String>,
}

impl Default for Environment {
    fn default() -> Environment {
        Environment {
            home: PathBuf::from("nightjar-home"),
            database_path: PathBuf::from("nightjar-home"),
            log_path: PathBuf::from("nightjar-home/logs"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            macros: BTreeMap::new(),
        }
    }
}

impl Environment {
    /// Everything below one home directory.
    pub fn at_home(home: &Path) -> Environment {
        Environment {
            home: home.to_owned(),
            database_path: home.to_owned(),
            log_path: home.join("logs"),
            ..Environment::default()
        }
    }

    /// The same with macros from environment variables (`std::env::vars`); others are passed over.
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Environment {
        for (name, value) in variables {
            if let Some(name) = name.strip_prefix(MACRO_PREFIX) {
                self.macros.insert(name.to_owned(), value);
            }
        }
        self
    }
}

/// Where files are read from.
pub trait Files {
    /// The content of a file.
    ///
    /// # Errors
    /// As [`std::fs::read`].
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

/// Files in memory.
impl Files for BTreeMap<PathBuf, Vec<u8>> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
