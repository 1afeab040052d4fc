//! Files and folders that nobody else may read, whatever the umask.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const NOFOLLOW: i32 = libc::O_NOFOLLOW;

/// Makes a folder with mode 0700, and gives an existing one that mode.
///
/// # Errors
/// Those of the file system.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let folder = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path)?;
    restrict(&folder, 0o700)
}

/// As [`create_private_dir`], but leaves a folder that is there as it is.
///
/// # Errors
/// Those of the file system.
pub fn create_private_dir_if_missing(path: &Path) -> io::Result<()> {
    if path.is_dir() { Ok(()) } else { create_private_dir(path) }
}

/// Makes a file with mode 0600 that wasn't there.
///
/// # Errors
/// `AlreadyExists`, also for a symbolic link that leads nowhere; those of the file system.
pub fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    restrict(&file, 0o600)?;
    Ok(file)
}

/// Opens a file for appending, with mode 0600; it is made if it isn't there. A symbolic link is not followed.
///
/// # Errors
/// Those of the file system.
pub fn append_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(NOFOLLOW).open(path)?;
    restrict(&file, 0o600)?;
    Ok(file)
}

/// Puts a file in place as a whole, with mode 0600: readers see the old one or the new one.
///
/// # Errors
/// Those of the file system.
pub fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // One that a crash left behind, or that somebody else laid there.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_private(&beside)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn restrict(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
