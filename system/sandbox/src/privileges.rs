//! Giving up root's rights.

use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::Path;

use rustix::fs::{Gid, Uid};
use rustix::process::{getegid, geteuid, getgid, getuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

/// Why root's rights could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// No such user.
    #[error("there is no user {0}")]
    NoUser(String),
    /// No such group.
    #[error("there is no group {0}")]
    NoGroup(String),
    /// The user is root.
    #[error("{0} is root itself: name an ordinary user")]
    Root(String),
    /// Only root can become somebody else.
    #[error("only root can become the user {0}, and this runs as user {1}")]
    NotRoot(String, u32),
    /// A thread that runs already would keep the rights.
    #[error("{0} threads run already, and would keep root's rights")]
    Threads(usize),
    /// The rights are still there.
    #[error("root's rights can be taken back")]
    Recoverable,
    /// The kernel or the file system refused.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl From<rustix::io::Errno> for PrivilegeError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.into())
    }
}

/// An ordinary user to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: String,
    user: u32,
    group: u32,
    groups: Vec<u32>,
}

impl User {
    /// Finds `NAME[:GROUP]` in /etc/passwd and /etc/group. Numbers stand for themselves.
    ///
    /// # Errors
    /// If there is no such user or group, or it is root.
    pub fn find(named: &str) -> Result<Self, PrivilegeError> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let group = fs::read_to_string("/etc/group").unwrap_or_default();
        Self::find_in(named, &passwd, &group)
    }

    fn find_in(named: &str, passwd: &str, groups: &str) -> Result<Self, PrivilegeError> {
        let (name, group_name) =
            named.split_once(':').map_or((named, None), |(name, group)| (name, Some(group)));
        // name:password:uid:gid:…
        let account = entries(passwd).find(|entry| is_named(entry, name));
        let (name, user, own_group) = match account.as_deref() {
            Some([found, _, user, group, ..]) => (*found, number(user), number(group)),
            _ => (name, number(name), None),
        };
        let user = user.ok_or_else(|| PrivilegeError::NoUser(name.to_owned()))?;
        let group = match group_name {
            // name:password:gid:members
            Some(wanted) => match entries(groups).find(|entry| is_named(entry, wanted)).as_deref() {
                Some([_, _, group, ..]) => number(group),
                _ => number(wanted),
            },
            None => own_group,
        };
        let group = group.ok_or_else(|| PrivilegeError::NoGroup(group_name.unwrap_or(name).to_owned()))?;
        if user == 0 || group == 0 {
            return Err(PrivilegeError::Root(named.to_owned()));
        }
        let member = |entry: &Vec<&str>| {
            entry.get(3).is_some_and(|members| members.split(',').any(|member| member == name))
        };
        let mut all: Vec<u32> = entries(groups)
            .filter(member)
            .filter_map(|entry| number(entry.get(2)?))
            .filter(|group| *group != 0)
            .collect();
        all.push(group);
        all.sort_unstable();
        all.dedup();
        Ok(Self { name: name.to_owned(), user, group, groups: all })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the process is this user already.
    pub fn is_current(&self) -> bool {
        geteuid().as_raw() == self.user && getuid().as_raw() == self.user
    }

    /// Gives a file or folder that root just made to this user. A link is not followed.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.user), Some(self.group))
    }
}

/// Whether the process has root's rights.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Becomes the user for good, and makes sure of it. Called while there is one thread: the kernel changes threads,
/// not processes, and those that are started later are like the one that starts them.
///
/// # Errors
/// If the process isn't root's and not this user's either; if the kernel refuses; if it could be undone.
pub fn become_user(user: &User) -> Result<(), PrivilegeError> {
    if user.is_current() {
        return Ok(());
    }
    if !is_root() {
        return Err(PrivilegeError::NotRoot(user.name.clone(), geteuid().as_raw()));
    }
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads != 1 {
        return Err(PrivilegeError::Threads(threads));
    }
    let (uid, gid) = (Uid::from_raw(user.user), Gid::from_raw(user.group));
    let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
    set_thread_groups(&groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    let root = (Uid::ROOT, Gid::ROOT);
    let back = set_thread_res_uid(root.0, root.0, root.0).is_ok()
        || set_thread_res_gid(root.1, root.1, root.1).is_ok();
    let became = (getuid(), geteuid(), getgid(), getegid()) == (uid, uid, gid, gid);
    if back || !became { Err(PrivilegeError::Recoverable) } else { Ok(()) }
}

/// The lowest TCP port that needs no right of root's.
pub fn first_free_port() -> u16 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

fn entries(file: &str) -> impl Iterator<Item = Vec<&str>> {
    file.lines().map(|line| line.split(':').collect())
}

fn is_named(entry: &[&str], name: &str) -> bool {
    entry.first().is_some_and(|found| *found == name && !name.is_empty())
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests;
