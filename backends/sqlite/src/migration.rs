//! Bringing a database file up to date before anybody uses it.

use std::path::{Path, PathBuf};

use nightjar_store::migrate::{Catalog, ExistingIndex, ExistingTable, MigrationError, Plan, plan};
use nightjar_store::{Dialect, Layout};
use rusqlite::{Connection, OpenFlags};

use crate::{SqliteOptions, connection};

/// What opening did to the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// What was run, in order; empty when the tables were up to date.
    pub statements: Vec<String>,
    /// Copy of the database as it was before, made when it held data.
    pub snapshot: Option<PathBuf>,
}

/// Why a database was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error("no thread for SQLite: {0}")]
    Thread(std::io::Error),
}

/// What opening this file would do to its tables, without doing it. A file that does not exist is like an empty one.
pub fn rehearse(path: &Path, preferred: Layout) -> Result<Plan, OpenError> {
    let catalog = if path.exists() {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        read_catalog(&Connection::open_with_flags(path, flags)?)?
    } else {
        Catalog::default()
    };
    Ok(plan(&catalog, Dialect::Sqlite, preferred)?)
}

pub(crate) fn open_and_migrate(
    options: &SqliteOptions,
) -> Result<(Connection, Layout, MigrationReport), OpenError> {
    let connection = connection::open_writer(options)?;
    let plan = plan(&read_catalog(&connection)?, Dialect::Sqlite, options.layout)?;
    if plan.statements.is_empty() {
        return Ok((connection, plan.layout, MigrationReport::default()));
    }
    let snapshot = match &options.path {
        Some(path) if plan.existing => Some(take_snapshot(&connection, path)?),
        _ => None,
    };
    // A table that is rebuilt must not take the rows that refer to it along.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.unchecked_transaction()?;
    for statement in &plan.statements {
        transaction.execute_batch(statement)?;
    }
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok((connection, plan.layout, MigrationReport { statements: plan.statements, snapshot }))
}

/// Copies the database beside itself, as `NAME.before-YYYYMMDDThhmmssZ`.
fn take_snapshot(connection: &Connection, path: &Path) -> Result<PathBuf, OpenError> {
    let stamp: String =
        connection.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', 'now')", [], |row| row.get(0))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{stamp}"));
    let snapshot = PathBuf::from(name);
    // SQLite fills a file that exists and is empty, and leaves its mode alone.
    connection::make_private(&snapshot)?;
    connection.execute("VACUUM INTO ?1", [snapshot.to_string_lossy()])?;
    Ok(snapshot)
}

fn read_catalog(connection: &Connection) -> rusqlite::Result<Catalog> {
    let mut catalog = Catalog::default();
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        let table =
            ExistingTable { columns: columns(connection, &name)?, indexes: indexes(connection, &name)? };
        catalog.tables.insert(name, table);
    }
    if catalog.tables.contains_key("schema_version") {
        let mut versions = connection.prepare("SELECT module, version FROM schema_version")?;
        let rows = versions.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        catalog.versions = rows.collect::<Result<_, _>>()?;
    }
    Ok(catalog)
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    columns.query_map([table], |row| row.get(0))?.collect()
}

fn indexes(connection: &Connection, table: &str) -> rusqlite::Result<Vec<ExistingIndex>> {
    let mut listed =
        connection.prepare("SELECT name, \"unique\", origin FROM pragma_index_list(?1) WHERE partial = 0")?;
    let mut keyed = connection.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    let rows = listed.query_map([table], |row| {
        let origin: String = row.get(2)?;
        let name: String = row.get(0)?;
        Ok(ExistingIndex { name, columns: Vec::new(), unique: row.get(1)?, primary: origin == "pk" })
    })?;
    rows.map(|index| {
        let mut index = index?;
        let columns = keyed.query_map([&index.name], |row| row.get::<_, Option<String>>(0))?;
        index.columns = columns.map(|name| Ok(name?.unwrap_or_default())).collect::<rusqlite::Result<_>>()?;
        Ok(index)
    })
    .collect()
}
