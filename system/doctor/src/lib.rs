//! What an operator should know about an installation: findings, why, and the line to change.
//!
//! [`examine`] compares a configuration with the machine it runs on. What is asked of the outside (DNS, the
//! database) comes through traits, and what is read of the machine is gathered before ([`Machine`], [`Socket`]), so that
//! every finding can be tested.

mod catalogue;
mod certificates;
mod clock;
mod database;
mod dns;
mod erlang;
mod files;
mod finding;
mod hickory;
mod look;
mod machine;
mod options;
mod ports;
mod process;
mod report;
mod sockets;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use nightjar_config::Config;
use nightjar_firewall::{Erlang, Opening};

pub use catalogue::{RULES, Rule, Severity};
pub use database::{Database, DatabaseProbe};
pub use dns::{Answer, DnsFailure, Resolver, Srv, Tlsa};
pub use finding::Finding;
pub use hickory::Hickory;
pub use look::is_private;
pub use machine::{Disk, Machine};
pub use process::NodeProcess;
pub use report::{json, text, verdict};
pub use sockets::{Socket, sockets};

/// All that is looked at.
#[derive(Clone, Copy)]
pub struct Examination<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its file; none for the built-in one.
    pub file: Option<&'a Path>,
    /// The files of the node.
    pub paths: &'a Paths,
    /// What the configuration opens, by [`nightjar_firewall::openings`].
    pub openings: &'a [Opening],
    /// The node's Erlang side, if it has one.
    pub erlang: Option<&'a Erlang>,
    /// The machine.
    pub machine: &'a Machine,
    /// The running node, if one runs.
    pub node: Option<&'a NodeProcess>,
    /// The ports that are bound on the machine.
    pub sockets: &'a [Socket],
    /// Who answers questions about names; none to ask nothing.
    pub resolver: Option<&'a dyn Resolver>,
    /// Who looks at databases.
    pub databases: &'a dyn DatabaseProbe,
}

/// The files of a node. What isn't there isn't looked at.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// The folder the node lives in.
    pub home: PathBuf,
    /// The embedded database.
    pub database: PathBuf,
    /// The folder of logs.
    pub logs: PathBuf,
    /// Keys and secrets of the node's own.
    pub secrets: Vec<PathBuf>,
    /// The Erlang cookie, where it could be.
    pub cookies: Vec<PathBuf>,
    /// The control socket.
    pub control: PathBuf,
    /// `certfiles`: what was written, and the files it stands for.
    pub certificates: Vec<(String, Vec<PathBuf>)>,
    /// The authorities that are trusted (`ca_file`).
    pub authorities: Option<PathBuf>,
}

/// Everything found, the worst first.
pub fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    options::check(examination, &mut found);
    ports::check(examination, &mut found);
    let chains = certificates::check(examination, &mut found);
    dns::check(examination, &chains, &mut found);
    erlang::check(examination, &mut found);
    files::check(examination, &mut found);
    machine::check(examination, &mut found);
    database::check(examination, &mut found);
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        // One line of the file may hold for many hosts.
        if !kept.contains(&finding) {
            kept.push(finding);
        }
    }
    kept.sort_by_key(|finding| finding.severity);
    kept
}
