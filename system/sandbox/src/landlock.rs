//! Which files the process may touch from now on (Landlock).
//!
//! A rule holds for the file or folder that is there when it is made, not for its name. So folders are named
//! where files are replaced: a new certificate, a new resolv.conf.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ::landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

/// What is asked for; a kernel that knows less gives less.
const WANTED: ABI = ABI::V6;

/// Read by every process: resolver, certificate authorities, time zones, libraries, what the kernel tells.
const SYSTEM: &[&str] = &[
    "/dev/random",
    "/dev/urandom",
    "/etc/pki",
    "/etc/ssl",
    "/lib",
    "/lib64",
    "/proc",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/run/systemd/resolve",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
];

/// What of /etc root is left with. Root could read everything there, an ordinary user only what is for all.
const SYSTEM_AS_ROOT: &[&str] = &[
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/timezone",
];

/// What the process needs, besides what every process does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Files and folders that are read.
    pub read: Vec<PathBuf>,
    /// Folders in which files are made, changed and removed.
    pub write: Vec<PathBuf>,
    /// Folders in which UNIX sockets are made and removed.
    pub sockets: Vec<PathBuf>,
    /// Programs that are run.
    pub execute: Vec<PathBuf>,
}

impl Paths {
    /// Adds what every process needs: the libraries and the loader it runs with, and its own program, to start
    /// itself again.
    pub fn with_system(mut self) -> Self {
        let as_user = !rustix::process::geteuid().is_root();
        let etc: &[&str] = if as_user { &["/etc"] } else { SYSTEM_AS_ROOT };
        self.read.extend(SYSTEM.iter().chain(etc).map(PathBuf::from));
        self.write.push("/dev/null".into());
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let program = fs::read_link("/proc/self/exe").unwrap_or_default();
        let mut mapped = mapped(&maps);
        mapped.retain(|path| *path != program);
        self.execute.extend(mapped.iter().filter(|path| is_loader(path)).cloned());
        self.execute.push(program);
        self.read.extend(mapped.into_iter().filter_map(|path| Some(path.parent()?.to_owned())));
        self.read.dedup();
        self
    }

    /// Whether a file may be read, by its real path.
    pub fn allows_reading(&self, path: &Path) -> bool {
        let Ok(path) = fs::canonicalize(path) else { return true };
        self.read.iter().chain(&self.write).any(|allowed| is_within(&path, allowed))
    }

    /// Whether files may be made in a folder, by its real path.
    pub fn allows_writing(&self, folder: &Path) -> bool {
        let Ok(folder) = fs::canonicalize(folder) else { return true };
        self.write.iter().any(|allowed| is_within(&folder, allowed))
    }

    /// Whether UNIX sockets may be made in a folder, by its real path.
    pub fn allows_sockets(&self, folder: &Path) -> bool {
        let Ok(real) = fs::canonicalize(folder) else { return true };
        self.allows_writing(folder) || self.sockets.iter().any(|allowed| is_within(&real, allowed))
    }

    /// The folder of a file that others replace, and of what it leads to: a certificate that is a link into the
    /// folder of all versions is renewed there.
    pub fn read_beside(&mut self, file: &Path) {
        let Some(folder) = file.parent() else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        self.read.push(folder.to_owned());
        let (Ok(from), Ok(target)) = (fs::canonicalize(folder), fs::canonicalize(file)) else { return };
        if target.starts_with(&from) {
            return;
        }
        let common: PathBuf =
            from.components().zip(target.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
        // /etc/letsencrypt has both live/ and archive/; / or /etc would be far too much.
        let narrow = common.components().count() > 2;
        self.read.extend(if narrow { Some(common) } else { target.parent().map(Path::to_owned) });
    }
}

fn is_within(path: &Path, allowed: &Path) -> bool {
    fs::canonicalize(allowed).is_ok_and(|allowed| path.starts_with(allowed))
}

/// The files that a process has mapped, from `/proc/self/maps`.
fn mapped(maps: &str) -> Vec<PathBuf> {
    let path = |line: &str| line.find('/').and_then(|at| line.get(at..)).map(PathBuf::from);
    let mut found: Vec<_> = maps.lines().filter_map(path).collect();
    found.sort();
    found.dedup();
    found
}

/// The program that loads programs (`ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`): running any needs it.
fn is_loader(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with("ld-") && name.contains(".so"))
}

/// Takes every other file away from this thread and those it will start, for good.
///
/// # Errors
/// A sentence that says why it isn't in force.
pub(crate) fn restrict(paths: &Paths) -> Result<String, String> {
    let status = build(paths).and_then(RulesetCreated::restrict_self);
    let status = status.map_err(|error| format!("files aren't limited: {error}"))?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => format!("{effective_abi:?}"),
        _ => String::new(),
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced => {
            Ok("files are limited to what the configuration names (Landlock)".to_owned())
        }
        RulesetStatus::PartiallyEnforced => Ok(format!(
            "files are limited to what the configuration names, as far as this kernel can (Landlock {abi})"
        )),
        RulesetStatus::NotEnforced => Err(match status.landlock {
            LandlockStatus::NotEnabled => {
                "files aren't limited: Landlock is switched off in this kernel (boot with lsm=landlock,…)"
            }
            _ => "files aren't limited: this kernel has no Landlock (Linux 5.13 and later have)",
        }
        .to_owned()),
    }
}

fn build(paths: &Paths) -> Result<RulesetCreated, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let all = AccessFs::from_all(WANTED);
    // Neither programs nor devices are ever made.
    let never = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    let sockets = AccessFs::MakeSock | AccessFs::RemoveFile;
    let rules = [
        (&paths.read, read),
        (&paths.write, all & !never),
        (&paths.sockets, sockets),
        (&paths.execute, AccessFs::Execute | AccessFs::ReadFile),
    ];
    // Signals go to nobody outside; abstract sockets neither, unless systemd listens on one.
    let abstract_notify = std::env::var("NOTIFY_SOCKET").is_ok_and(|name| name.starts_with('@'));
    let scopes = if abstract_notify { Scope::Signal.into() } else { Scope::from_all(WANTED) };
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(scopes)?
        .create()?;
    for (paths, access) in rules {
        for path in paths {
            // What isn't there needs no rule.
            let (Ok(file), Ok(found)) = (PathFd::new(path), fs::metadata(path)) else { continue };
            let access = if found.is_dir() { access } else { access & AccessFs::from_file(WANTED) };
            ruleset = add(ruleset, file, access)?;
        }
    }
    Ok(ruleset)
}

fn add(
    ruleset: RulesetCreated,
    file: PathFd,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    if access.is_empty() { Ok(ruleset) } else { ruleset.add_rule(PathBeneath::new(file, access)) }
}

/// Whether the top folder can't be read, which nothing but Landlock keeps a process from.
pub(crate) fn is_in_force() -> bool {
    File::open("/").is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests;
