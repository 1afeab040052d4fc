//! What a first real deployment needs: configuration, folders, unit, and what remains to be done.
//!
//! [`Plan::new`] decides, [`Plan::write`] writes. What is there already is never touched.

mod template;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;

/// What is wanted. Host and administrator are taken as they are: whoever calls has checked them.
#[derive(Clone, Debug)]
pub struct Request {
    /// The domain that is served.
    pub host: String,
    /// The folder, as an absolute path.
    pub folder: PathBuf,
    /// The local part of the administrator's account.
    pub admin: String,
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Who is to run the node.
    pub user: String,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub text: String,
    /// Its rights.
    pub mode: u32,
}

/// Everything to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Folders, with mode 0700; those that are there stay as they are.
    pub folders: Vec<PathBuf>,
    /// Files; none of them may be there.
    pub files: Vec<File>,
    /// What a person has to do afterwards.
    pub next_steps: String,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file is there. Nothing was written.
    #[error("{path} is there already; nothing was written", path = .0.display())]
    Exists(PathBuf),
    /// The file system refused.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    File(PathBuf, io::Error),
}

impl Plan {
    /// What a request comes to.
    pub fn new(request: &Request) -> Plan {
        let at = |name: &str| request.folder.join(name);
        let file = |name: &str, template: &str, mode| File {
            path: at(name),
            text: template::fill(template, request),
            mode,
        };
        Plan {
            folders: vec![at("home"), at("certs")],
            files: vec![
                file("nightjar.yml", template::CONFIGURATION, 0o600),
                file("nightjar.service", template::UNIT, 0o644),
            ],
            next_steps: template::fill(template::NEXT_STEPS, request),
        }
    }

    /// The configuration.
    pub fn configuration(&self) -> Option<&File> {
        self.files.first()
    }

    /// Makes folders and files.
    ///
    /// # Errors
    /// If a file is there already: then nothing is written. Those of the file system.
    pub fn write(&self) -> Result<(), InstallError> {
        if let Some(file) = self.files.iter().find(|file| file.path.symlink_metadata().is_ok()) {
            return Err(InstallError::Exists(file.path.clone()));
        }
        for folder in &self.folders {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| InstallError::File(folder.clone(), error))?;
        }
        self.files.iter().try_for_each(write)
    }
}

fn write(file: &File) -> Result<(), InstallError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => InstallError::Exists(file.path.clone()),
        _ => InstallError::File(file.path.clone(), error),
    };
    let opened = OpenOptions::new().write(true).create_new(true).mode(file.mode).open(&file.path);
    let mut opened = opened.map_err(failed)?;
    // Whatever the umask takes away.
    opened.set_permissions(fs::Permissions::from_mode(file.mode)).map_err(failed)?;
    opened.write_all(file.text.as_bytes()).map_err(failed)?;
    opened.sync_all().map_err(failed)
}

/// A path as a word for a shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@:,=".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
