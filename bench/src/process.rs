//! What a process costs: CPU time and memory, from /proc. A server of several processes is counted whole.

use anyhow::{Context, Result};
use serde::Serialize;
use std::{collections::HashMap, fs, time::Duration};

/// A process and all its descendants.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: u32,
}

/// User-space memory in bytes (`/proc/PID/smaps_rollup`).
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Memory {
    pub resident: u64,
    pub anonymous: u64,
}

/// The fields of `/proc/PID/stat` that matter here; times in clock ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    own_ticks: u64,
    reaped_ticks: u64,
}

impl Process {
    pub fn new(pid: u32) -> Self {
        Self { pid }
    }

    pub fn this() -> Self {
        Self { pid: std::process::id() }
    }

    /// User and system time so far of the process, its living descendants and the children it has reaped.
    pub fn cpu(&self) -> Result<Duration> {
        let mut ticks = 0;
        for stat in self.tree()? {
            ticks += stat.own_ticks + stat.reaped_ticks;
        }
        Ok(from_ticks(ticks))
    }

    /// The same without descendants: what this program itself used, not the servers it started.
    pub fn own_cpu(&self) -> Result<Duration> {
        let stat = read_stat(self.pid).with_context(|| format!("no process {}", self.pid))?;
        Ok(from_ticks(stat.own_ticks))
    }

    pub fn memory(&self) -> Result<Memory> {
        let mut sum = Memory::default();
        for stat in self.tree()? {
            // A child may have ended since; one that can't be read counts nothing.
            let Ok(text) = fs::read_to_string(format!("/proc/{}/smaps_rollup", stat.pid)) else { continue };
            sum.resident += kilobytes(&text, "Rss:") * 1024;
            sum.anonymous += kilobytes(&text, "Anonymous:") * 1024;
        }
        Ok(sum)
    }

    fn tree(&self) -> Result<Vec<Stat>> {
        let mut children: HashMap<u32, Vec<Stat>> = HashMap::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(stat) =
                entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(read_stat)
            else {
                continue;
            };
            children.entry(stat.parent).or_default().push(stat);
        }
        let root = read_stat(self.pid).with_context(|| format!("no process {}", self.pid))?;
        let mut tree = vec![root];
        let mut next = 0;
        while let Some(stat) = tree.get(next) {
            let found = children.remove(&stat.pid).unwrap_or_default();
            tree.extend(found);
            next += 1;
        }
        Ok(tree)
    }
}

/// Memory of the kernel that sockets live in: slab and buffers of TCP, in bytes. Of the whole machine, so both ends of
/// a loopback connection count.
pub fn kernel_memory() -> Result<u64> {
    let slab = kilobytes(&fs::read_to_string("/proc/meminfo")?, "SUnreclaim:") * 1024;
    let sockets = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = sockets.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = tcp.split_once(" mem ").and_then(|(_, pages)| pages.trim().parse::<u64>().ok()).unwrap_or(0);
    Ok(slab + pages * rustix::param::page_size() as u64)
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_nanos(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second())
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field, the name, may hold spaces and parentheses; the last `)` ends it (proc(5)).
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        pid: head.split_ascii_whitespace().next()?.parse().ok()?,
        parent: u32::try_from(number(1)?).ok()?,
        own_ticks: number(11)? + number(12)?,
        reaped_ticks: number(13)? + number(14)?,
    })
}

fn kilobytes(text: &str, field: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
