//! Where the database is and how it is reached: the `sql_*` options as plain data.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// `sql_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlType {
    Sqlite,
    Postgres,
    Mysql,
}

/// A text that neither `Debug` nor `Display` shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself, for the driver that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The options named `sql_*`; defaults are ejabberd's.
#[derive(Clone, Debug)]
pub struct SqlOptions {
    pub kind: SqlType,
    /// Host name, address, or the path of a UNIX socket's folder (PostgreSQL) or file (MySQL) when it starts with `/` or `unix:`.
    pub server: String,
    /// The database's usual port when absent.
    pub port: Option<u16>,
    /// Name of the database, or the file's path for SQLite.
    pub database: String,
    pub username: String,
    pub password: Secret,
    /// Connections; SQLite counts its readers.
    pub pool_size: usize,
    pub connect_timeout: Duration,
    /// Limit of every statement, waiting included.
    pub query_timeout: Duration,
    /// Longest pause between two attempts to connect.
    pub start_interval: Duration,
    pub ssl: bool,
    /// Whether the server's certificate must be valid for its name.
    pub ssl_verify: bool,
    pub ssl_cafile: Option<PathBuf>,
    /// Client certificate and key, PEM, in one file.
    pub ssl_certfile: Option<PathBuf>,
    pub prepared_statements: bool,
    /// Statements that may wait; more get [`StoreError::Busy`](crate::StoreError::Busy).
    pub queue_limit: usize,
}

impl SqlOptions {
    /// ejabberd's defaults for `kind`.
    pub fn new(kind: SqlType) -> SqlOptions {
        SqlOptions {
            kind,
            server: "localhost".into(),
            port: None,
            database: "ejabberd".into(),
            username: "ejabberd".into(),
            password: Secret::default(),
            pool_size: if kind == SqlType::Sqlite { 2 } else { 10 },
            connect_timeout: Duration::from_secs(5),
            query_timeout: Duration::from_secs(60),
            start_interval: Duration::from_secs(30),
            ssl: false,
            ssl_verify: false,
            ssl_cafile: None,
            ssl_certfile: None,
            prepared_statements: true,
            queue_limit: 65_536,
        }
    }
}
