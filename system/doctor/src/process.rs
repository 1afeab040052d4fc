//! The running node.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

#[cfg(test)]
mod tests;

/// A node that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeProcess {
    /// Its number.
    pub pid: u32,
    /// The user it runs as.
    pub uid: u32,
    /// Whether system calls are filtered; none where the kernel doesn't tell.
    pub sandboxed: Option<bool>,
    /// How many file descriptors it may have.
    pub nofile: Option<u64>,
}

impl NodeProcess {
    /// The process that holds the lock of a home. `proc` is `/proc`.
    pub fn find(proc: &Path, lock_file: &Path) -> Option<NodeProcess> {
        let inode = fs::metadata(lock_file).ok()?.ino();
        let locks = fs::read_to_string(proc.join("locks")).ok()?;
        let pid = locks.lines().find_map(|line| holder(line, inode))?;
        NodeProcess::read(proc, pid)
    }

    fn read(proc: &Path, pid: u32) -> Option<NodeProcess> {
        let folder = proc.join(pid.to_string());
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().nth(if name == "Uid" { 1 } else { 0 })?.parse::<u32>().ok()
        };
        let limits = fs::read_to_string(folder.join("limits")).unwrap_or_default();
        let nofile = limits.lines().find_map(|line| line.strip_prefix("Max open files")).and_then(|line| {
            let soft = line.split_whitespace().next()?;
            if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
        });
        let sandboxed = field("Seccomp").map(|mode| mode != 0);
        Some(NodeProcess { pid, uid: field("Uid")?, sandboxed, nofile })
    }
}

/// `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`
fn holder(line: &str, inode: u64) -> Option<u32> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, "WRITE", pid, file, ..] = fields.as_slice() else { return None };
    let held: u64 = file.rsplit(':').next()?.parse().ok()?;
    (held == inode).then(|| pid.parse().ok())?
}
