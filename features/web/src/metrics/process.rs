//! What the process costs, from /proc/self.

use std::fs;

/// A figure is left out where the system doesn't tell it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    /// Seconds of user and system time since the start.
    pub(super) cpu_seconds: Option<f64>,
    /// Bytes of memory in use.
    pub(super) resident_bytes: Option<u64>,
    /// Open files and sockets.
    pub(super) descriptors: Option<u64>,
    /// Threads.
    pub(super) threads: Option<u64>,
}

/// Clock ticks a second in /proc, on every architecture of Linux.
const TICKS: f64 = 100.0;

impl Process {
    pub(super) fn read() -> Process {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let descriptors = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
        Process {
            cpu_seconds: cpu_seconds(&stat),
            resident_bytes: field(&status, "VmRSS:").map(|kilobytes| kilobytes * 1024),
            descriptors,
            threads: field(&status, "Threads:"),
        }
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time are the 14th and 15th field; the second, the program's name, may have spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests;
