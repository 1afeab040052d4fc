//! Who may read and write the files.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::Examination;
use crate::finding::Finding;

/// Anything for anybody but the owner.
const ALL_OTHERS: u32 = 0o077;
/// Anything for users outside the group.
const OUTSIDE: u32 = 0o007;
/// The same, and the group may not write.
const OUTSIDE_OR_CHANGE: u32 = 0o027;

pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    let paths = examination.paths;
    look(&paths.home, ALL_OTHERS, "home-open", "0700", found);
    if let (Some(node), Ok(home)) = (examination.node, fs::metadata(&paths.home))
        && home.uid() != node.uid
        && node.uid != 0
    {
        let shown = paths.home.display();
        let what = format!("{shown} belongs to the user {}, and the node runs as {}", home.uid(), node.uid);
        found.push(Finding::new("home-foreign", what, format!("chown -R {} {shown}", node.uid)));
    }
    if let Some(file) = examination.file {
        look(file, OUTSIDE_OR_CHANGE, "config-open", "0600", found);
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name: OsString = paths.database.clone().into();
        name.push(suffix);
        look(Path::new(&name), ALL_OTHERS, "database-open", "0600", found);
    }
    look(&paths.logs, OUTSIDE_OR_CHANGE, "logs-open", "0700", found);
    for log in fs::read_dir(&paths.logs).into_iter().flatten().flatten() {
        look(&log.path(), OUTSIDE, "logs-open", "0600", found);
    }
    for secret in &paths.secrets {
        look(secret, ALL_OTHERS, "key-open", "0600", found);
    }
    for file in paths.certificates.iter().flat_map(|(_, files)| files) {
        // A group of those who need the key, such as Debian's ssl-cert, is usual.
        if has_key(file) {
            look(file, OUTSIDE, "key-open", "0640", found);
        }
    }
    look(&paths.control, ALL_OTHERS, "socket-open", "0600", found);
    let sockets = examination.config.listeners().iter().filter_map(|one| Some((one.unix.as_ref()?, one)));
    for (path, listener) in sockets {
        let path: PathBuf = if path.is_relative() { paths.home.join(path) } else { path.clone() };
        let before = found.len();
        look(&path, OUTSIDE, "socket-open", "0660", found);
        for finding in found.iter_mut().skip(before) {
            finding.line = crate::look::line_or_port(listener, "unix_socket");
        }
    }
}

fn look(path: &Path, forbidden: u32, id: &'static str, mode: &str, found: &mut Vec<Finding>) {
    let Ok(metadata) = fs::metadata(path) else { return };
    let rights = metadata.permissions().mode() & 0o777;
    if rights & forbidden != 0 {
        let shown = path.display();
        let what = format!("{shown} has mode {rights:04o}");
        found.push(Finding::new(id, what, format!("chmod {mode} {shown}")));
    }
}

fn has_key(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes.windows(11).any(|part| part == b"PRIVATE KEY"))
}
