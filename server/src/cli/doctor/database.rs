//! Whether the hosts' databases can be used.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use nightjar_config::{Config, Options};
use nightjar_doctor::{Database, DatabaseProbe};

use crate::home::Home;

/// How long looking at one database may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The databases of a configuration; each is looked at once.
pub(super) struct Databases<'a> {
    config: &'a Config,
    home: &'a Home,
    seen: RefCell<HashMap<String, Database>>,
}

impl<'a> Databases<'a> {
    pub(super) fn new(config: &'a Config, home: &'a Home) -> Self {
        Self { config, home, seen: RefCell::default() }
    }
}

impl DatabaseProbe for Databases<'_> {
    fn probe(&self, host: &str) -> Database {
        let options = &self.config.host(host).options;
        let key = ["sql_type", "sql_server", "sql_database"].map(|name| options.text(name)).join(" ");
        let port = options.opt_int("sql_port").unwrap_or_default();
        let key = format!("{key} {port}");
        if let Some(known) = self.seen.borrow().get(&key) {
            return known.clone();
        }
        let found = look(options, self.home);
        self.seen.borrow_mut().insert(key, found.clone());
        found
    }
}

fn look(options: &Options, home: &Home) -> Database {
    let port = |usual| options.opt_int("sql_port").and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
    match options.text("sql_type").as_str() {
        "pgsql" => server(&options.text("sql_server"), port(5432)),
        "mysql" => server(&options.text("sql_server"), port(3306)),
        _ => match options.opt_text("sql_database") {
            Some(file) => embedded(Path::new(file.as_str())),
            None => embedded(&home.database()),
        },
    }
}

/// A file that isn't there is made at the first start.
fn embedded(file: &Path) -> Database {
    if !file.exists() {
        return Database::Fine;
    }
    match nightjar_sqlite::probe(file, LIMIT) {
        Ok(None) => Database::Fine,
        Ok(Some(problem)) => Database::Damaged(format!("{}: {problem}", file.display())),
        Err(error) => Database::Unreachable(format!("{}: {error}", file.display())),
    }
}

fn server(name: &str, port: u16) -> Database {
    let path = name.strip_prefix("unix:").unwrap_or(name);
    if path.starts_with('/') {
        return match Path::new(path).exists() {
            true => Database::Fine,
            false => Database::Unreachable(format!("{path} is not there")),
        };
    }
    let connected = (name, port).to_socket_addrs().and_then(|addresses| {
        let mut last = Err(std::io::Error::from(std::io::ErrorKind::AddrNotAvailable));
        for address in addresses {
            last = TcpStream::connect_timeout(&address, LIMIT);
            if last.is_ok() {
                break;
            }
        }
        last
    });
    match connected {
        Ok(_) => Database::Fine,
        Err(error) => Database::Unreachable(format!("{name}, port {port}: {error}")),
    }
}
