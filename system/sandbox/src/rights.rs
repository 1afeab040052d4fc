//! Who may read what is secret: the check of files and folders at start.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open};
use rustix::process::{getegid, geteuid, getgroups};

/// Most entries of a folder's tree that are looked at; the folder itself keeps others from the rest.
const ENTRIES_MAX: usize = 10_000;

/// How secret something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// It is this user's alone: home, database, logs, cookie, keys made here.
    Private,
    /// Root may own it and let the server's group read it: configuration, keys of certificates.
    Shared,
}

/// What became of one file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody else can read or change it.
    Fine,
    /// Others could; it is ours, and they can't any more.
    Tightened {
        /// What it is about.
        path: PathBuf,
        /// The mode it had.
        was: u32,
    },
    /// Others can, and it's not for us to change that.
    Refused {
        /// What it is about.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// The command that puts it right.
        command: String,
    },
    /// Everybody may put another file in its place.
    Replaceable {
        /// The folder.
        path: PathBuf,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Fine => formatter.write_str("fine"),
            Finding::Tightened { path, was } => {
                write!(
                    formatter,
                    "{} could be read by others (mode {was:04o}); it no longer can",
                    path.display()
                )
            }
            Finding::Refused { path, why, command } => {
                write!(formatter, "{} {why}; run: {command}", path.display())
            }
            Finding::Replaceable { path } => write!(
                formatter,
                "everybody may replace what is in {path}; run: chmod o-w {}",
                quoted(path),
                path = path.display()
            ),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug)]
struct Me {
    user: u32,
    groups: Vec<u32>,
}

impl Me {
    fn now() -> Self {
        let mut groups = vec![getegid().as_raw()];
        groups.extend(getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw()));
        Self { user: geteuid().as_raw(), groups }
    }
}

/// What counts of a file's status.
#[derive(Clone, Copy, Debug)]
struct Status {
    kind: FileType,
    mode: u32,
    owner: u32,
    group: u32,
    /// Hard links: names elsewhere, too.
    has_other_names: bool,
}

impl From<Stat> for Status {
    fn from(stat: Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            owner: stat.st_uid,
            group: stat.st_gid,
            has_other_names: stat.st_nlink > 1,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    Tighten(u32),
    Refuse(String, String),
}

/// Checks one file or folder, and takes from others what they may do with it, if it is ours. What a symbolic
/// link leads to is checked in its place where it may be root's.
///
/// # Errors
/// `NotFound`, and those of the file system.
pub fn check(path: &Path, sensitivity: Sensitivity) -> io::Result<Finding> {
    let path = match sensitivity {
        Sensitivity::Private => path.to_owned(),
        Sensitivity::Shared => fs::canonicalize(path)?,
    };
    look(&path, sensitivity, &Me::now())
}

/// Checks a folder of ours with all that is in it. Links in it are not followed.
///
/// # Errors
/// If the folder itself can't be looked at.
pub fn check_tree(folder: &Path) -> io::Result<Vec<Finding>> {
    let (folder, me) = (fs::canonicalize(folder)?, Me::now());
    let mut findings = vec![look(&folder, Sensitivity::Private, &me)?];
    let mut waiting = vec![folder];
    let mut left = ENTRIES_MAX;
    while let Some(folder) = waiting.pop() {
        // A folder that can't be read was told about already: it isn't ours.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if left == 0 {
                return Ok(findings);
            }
            left -= 1;
            let path = entry.path();
            // What is gone by now, as files of a database are, needs no check.
            findings
                .extend(look(&path, Sensitivity::Private, &me).ok().filter(|found| *found != Finding::Fine));
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            }
        }
    }
    findings.retain(|found| *found != Finding::Fine);
    Ok(findings)
}

/// The folders above `path` where everybody may rename what is in them.
pub fn check_parents(path: &Path) -> Vec<Finding> {
    let Ok(path) = fs::canonicalize(path) else { return Vec::new() };
    let open = |folder: &&Path| {
        // In a folder with the sticky bit only owners rename.
        fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o1002 == 0o002)
    };
    let above = path.ancestors().skip(1);
    above.filter(open).map(|folder| Finding::Replaceable { path: folder.to_owned() }).collect()
}

/// Whether a file holds a private key in PEM. An unreadable one doesn't, as far as this process goes.
pub fn holds_key(path: &Path) -> bool {
    const MARK: &[u8] = b"PRIVATE KEY-----";
    fs::read(path).is_ok_and(|bytes| bytes.windows(MARK.len()).any(|window| window == MARK))
}

fn look(path: &Path, sensitivity: Sensitivity, me: &Me) -> io::Result<Finding> {
    // O_PATH works for sockets and unreadable files too, and the name is looked up once.
    let file = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let status = Status::from(fstat(&file)?);
    Ok(match judge(&status, sensitivity, me, path) {
        Verdict::Fine => Finding::Fine,
        Verdict::Refuse(why, command) => Finding::Refused { path: path.to_owned(), why, command },
        Verdict::Tighten(mode) => match change_mode(&file, mode) {
            Ok(()) => Finding::Tightened { path: path.to_owned(), was: status.mode },
            Err(error) => Finding::Refused {
                path: path.to_owned(),
                why: format!(
                    "can be read by others (mode {:04o}), and that can't be changed: {error}",
                    status.mode
                ),
                command: format!("chmod go= {}", quoted(path)),
            },
        },
    })
}

/// fchmod for a descriptor that was opened with O_PATH: never another file than the one that was judged.
fn change_mode(file: &OwnedFd, mode: u32) -> io::Result<()> {
    fs::set_permissions(format!("/proc/self/fd/{}", file.as_raw_fd()), fs::Permissions::from_mode(mode))
}

fn judge(status: &Status, sensitivity: Sensitivity, me: &Me, path: &Path) -> Verdict {
    let quoted = quoted(path);
    let ours = status.owner == me.user;
    let roots = status.owner == 0 && sensitivity == Sensitivity::Shared;
    if status.kind == FileType::Symlink {
        // A link has no mode of its own; who owns it says where it leads.
        let known = ours || status.owner == 0;
        let why = format!("is a symbolic link of another user ({})", status.owner);
        return if known { Verdict::Fine } else { Verdict::Refuse(why, format!("rm {quoted}")) };
    }
    if ours {
        return match status.mode & 0o077 {
            0 => Verdict::Fine,
            // The other name may be another program's file, laid here to have it changed.
            _ if status.kind == FileType::RegularFile && status.has_other_names => Verdict::Refuse(
                format!("can be read by others (mode {:04o}) and has another name elsewhere", status.mode),
                format!("chmod go= {quoted}"),
            ),
            _ => Verdict::Tighten(status.mode & !0o077),
        };
    }
    let group = me.groups.first().copied().unwrap_or(me.user);
    if !roots {
        let why = format!("belongs to another user ({})", status.owner);
        let recursive = if status.kind == FileType::Directory { "-R " } else { "" };
        return Verdict::Refuse(
            why,
            match sensitivity {
                Sensitivity::Private => format!("chown {recursive}{} {quoted}", me.user),
                Sensitivity::Shared => format!("chown 0:{group} {quoted} && chmod 640 {quoted}"),
            },
        );
    }
    let readers_known = status.mode & 0o040 == 0 || status.group == 0 || me.groups.contains(&status.group);
    if status.mode & 0o027 == 0 && readers_known {
        return Verdict::Fine;
    }
    Verdict::Refuse(
        format!("can be read or changed by others (mode {:04o})", status.mode),
        format!("chgrp {group} {quoted} && chmod 640 {quoted}"),
    )
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@:,".contains(character);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
