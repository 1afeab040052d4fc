//! Databases, seen by whoever has their drivers.

use crate::Examination;
use crate::finding::Finding;

/// What a database is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// It answers, and is sound as far as could be seen; or it is made at the first start.
    Fine,
    /// It doesn't answer; with the reason.
    Unreachable(String),
    /// It answers, and is damaged; with what is wrong.
    Damaged(String),
}

/// Looks at databases without changing them.
pub trait DatabaseProbe {
    /// The database of a host.
    fn probe(&self, host: &str) -> Database;
}

pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    for host in examination.config.hosts() {
        let options = &examination.config.host(host).options;
        let at = ["sql_database", "sql_server", "sql_type"]
            .iter()
            .find_map(|name| crate::look::line(options, name));
        match examination.databases.probe(host) {
            Database::Fine => {}
            Database::Unreachable(reason) => {
                let what = format!("the database can't be used: {reason}");
                let fix = "start it, and check the sql_… options";
                found.push(Finding::new("database-unreachable", what, fix).at(at));
            }
            Database::Damaged(reason) => {
                let what = format!("the database is damaged: {reason}");
                let fix = "stop the node, keep the file, and restore the last backup";
                found.push(Finding::new("database-damaged", what, fix).at(at));
            }
        }
    }
}
