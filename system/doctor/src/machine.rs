//! What the machine gives.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nightjar_config::Value;

use crate::Examination;
use crate::clock::synchronised;
use crate::finding::Finding;

/// File descriptors below which a server of this kind soon refuses connections.
const FEW_FILES: u64 = 8192;
/// 2026-01-01 and 2100-01-01 in seconds of UNIX time: the clock stands in between.
const YEARS: std::ops::Range<i64> = 1_767_225_600..4_102_444_800;
const MEBIBYTE: u64 = 1 << 20;

/// The space of a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What is on it.
    pub path: PathBuf,
    /// Bytes that can be written.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Files that can be made.
    pub free_files: u64,
    /// Files in all; 0 where there is no limit.
    pub files: u64,
}

/// A machine at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Seconds of UNIX time.
    pub now: i64,
    /// Whether the clock is kept right, if that can be known.
    pub synchronised: Option<bool>,
    /// File descriptors a node may have.
    pub nofile: u64,
    /// `net.core.somaxconn`
    pub somaxconn: Option<u64>,
    /// Bytes of memory that are there to be used, and all.
    pub memory: Option<(u64, u64)>,
    /// File systems that the node writes to.
    pub disks: Vec<Disk>,
}

impl Machine {
    /// This one, now. `folders` are those the node writes to.
    pub fn now(folders: &[&Path]) -> Machine {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let nofile = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        let somaxconn = fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
        Machine {
            now: i64::try_from(now).unwrap_or(i64::MAX),
            synchronised: synchronised(),
            nofile: nofile.unwrap_or(u64::MAX),
            somaxconn: somaxconn.and_then(|text| text.trim().parse().ok()),
            memory: fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text)),
            disks: folders.iter().filter_map(|folder| disk(folder)).collect(),
        }
    }
}

fn memory(text: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((field("MemAvailable")? * 1024, field("MemTotal")? * 1024))
}

fn disk(path: &Path) -> Option<Disk> {
    let state = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        path: path.to_owned(),
        free: state.f_bavail.saturating_mul(state.f_frsize),
        total: state.f_blocks.saturating_mul(state.f_frsize),
        free_files: state.f_favail,
        files: state.f_files,
    })
}

pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    let machine = examination.machine;
    clock(machine, found);
    limits(examination, found);
    machine.disks.iter().for_each(|disk| space(disk, found));
    if let Some((available, total)) = machine.memory
        && (available < 64 * MEBIBYTE || available < total / 20)
    {
        let what = format!("{} MiB of {} MiB of memory are left", available / MEBIBYTE, total / MEBIBYTE);
        found.push(Finding::new("memory-low", what, "stop what needs it, or add memory"));
    }
    let Some(node) = examination.node else { return };
    if node.uid == 0 {
        let what = format!("the node (process {}) runs as root", node.pid);
        let fix = "run it as a user of its own: `User=nightjar` in its unit";
        found.push(Finding::new("runs-as-root", what, fix));
    }
    if node.sandboxed == Some(false) {
        let what = format!("the node (process {}) runs without a filter of system calls", node.pid);
        let fix = "leave the sandbox on, on a kernel that has seccomp";
        found.push(Finding::new("sandbox-off", what, fix));
    }
}

fn clock(machine: &Machine, found: &mut Vec<Finding>) {
    if !YEARS.contains(&machine.now) {
        let what = format!("the clock says {} seconds after 1970", machine.now);
        found.push(Finding::new(
            "clock-wrong",
            what,
            "set it, and let NTP keep it: `timedatectl set-ntp true`",
        ));
    } else if machine.synchronised == Some(false) {
        let what = "nobody keeps the clock right";
        let fix = "let NTP do it: `timedatectl set-ntp true`";
        found.push(Finding::new("clock-unsynchronised", what, fix));
    }
}

fn limits(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    let machine = examination.machine;
    let nofile = examination.node.and_then(|node| node.nofile).unwrap_or(machine.nofile);
    if nofile < FEW_FILES {
        let what = format!("the node may have {nofile} file descriptors");
        let fix = "write `LimitNOFILE=1048576` into its unit, or raise `ulimit -n`";
        found.push(Finding::new("nofile-low", what, fix));
    }
    let listeners = examination.config.listeners().iter();
    let backlogs = listeners.filter_map(|one| match crate::look::value(&one.options, "backlog") {
        Value::Int(backlog) => u64::try_from(*backlog).ok().map(|backlog| (backlog, one)),
        _ => None,
    });
    let largest = backlogs.max_by_key(|(backlog, _)| *backlog);
    if let (Some(limit), Some((backlog, listener))) = (machine.somaxconn, largest)
        && limit < backlog
    {
        let what = format!("`backlog` is {backlog}, and the kernel keeps {limit} waiting connections");
        let fix = format!("sysctl -w net.core.somaxconn={backlog}");
        let at = crate::look::line(&listener.options, "backlog");
        found.push(Finding::new("somaxconn-low", what, fix).at(at));
    }
}

fn space(disk: &Disk, found: &mut Vec<Finding>) {
    let path = disk.path.display();
    let what = format!("{} MiB of {} MiB are free at {path}", disk.free / MEBIBYTE, disk.total / MEBIBYTE);
    if disk.free < 100 * MEBIBYTE {
        found.push(Finding::new("disk-full", what, "make room, or move the home"));
    } else if disk.free < disk.total / 20 {
        found.push(Finding::new("disk-low", what, "make room, or move the home"));
    }
    if disk.files > 0 && disk.free_files < disk.files / 20 {
        let what = format!("{} of {} inodes are free at {path}", disk.free_files, disk.files);
        found.push(Finding::new("inodes-low", what, "remove small files"));
    }
}
