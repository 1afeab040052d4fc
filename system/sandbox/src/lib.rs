//! What the server gives up before it serves anybody: the rights of root, files it has no business with, system
//! calls it never makes. And what it is given by systemd, and tells it.
//!
//! Everything here is called while the process has one thread: what a thread gives up, the threads it starts
//! lack too, but those that run already keep.

pub mod descriptors;
pub mod files;
pub mod harden;
pub mod landlock;
pub mod privileges;
pub mod rights;
pub mod seccomp;
pub mod systemd;
#[cfg(test)]
mod testing;

use std::ffi::OsStr;

/// Set for a node that restarts itself: it is in the sandbox of its predecessor, and builds no other.
pub const INSIDE: &str = "NIGHTJAR_SANDBOXED";

/// What of the sandbox is in force, each a sentence for the log.
#[derive(Debug, Default)]
pub struct Report {
    /// What is in force.
    pub in_force: Vec<String>,
    /// What isn't, and why.
    pub lacking: Vec<String>,
}

impl Report {
    fn add(&mut self, outcome: Result<String, String>) {
        match outcome {
            Ok(sentence) => self.in_force.push(sentence),
            Err(sentence) => self.lacking.push(sentence),
        }
    }
}

/// Limits files to `paths` and removes system calls, for good. What the kernel lacks is told and left out.
pub fn enter(paths: &landlock::Paths) -> Report {
    let mut report = Report::default();
    if is_inside() {
        report.in_force.push("the sandbox of the node that restarted itself holds".to_owned());
        return report;
    }
    report.add(harden::no_new_privileges());
    report.add(landlock::restrict(paths));
    report.add(seccomp::apply());
    report
}

/// Whether this process came out of one that was in a sandbox already. The variable alone is not believed:
/// it would be a way around.
fn is_inside() -> bool {
    std::env::var_os(INSIDE).as_deref() == Some(OsStr::new("1"))
        && seccomp::is_in_force()
        && landlock::is_in_force()
}
