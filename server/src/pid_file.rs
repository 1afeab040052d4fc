//! `EJABBERD_PID_PATH`: a file with the number of the node's process.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use nightjar_base::guard::Guard;

use crate::home::write_private;

/// Writes the file that the environment names, if it names one, until the guard is dropped.
///
/// # Errors
/// Those of the file system.
pub(crate) fn write_where_asked() -> anyhow::Result<Option<Guard>> {
    let Some(path) = std::env::var_os("EJABBERD_PID_PATH").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let path = Path::new(&path);
    write(path).map(Some).with_context(|| format!("EJABBERD_PID_PATH {}", path.display()))
}

/// Writes the file, until the guard is dropped.
///
/// # Errors
/// Those of the file system.
fn write(path: &Path) -> io::Result<Guard> {
    let number = std::process::id().to_string();
    write_private(path, format!("{number}\n").as_bytes())?;
    let path = path.to_owned();
    Ok(Guard::new(move || {
        // A file that another process has written since is that process's.
        if std::fs::read_to_string(&path).is_ok_and(|found| found.trim() == number) {
            let _ = std::fs::remove_file(&path);
        }
    }))
}

#[cfg(test)]
mod tests;
