//! Opening connections: modes, pragmas, limits and the mapping of errors.

use std::path::Path;
use std::time::Duration;

use nightjar_store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{OpenError, SqliteOptions, Synchronous, functions};

/// Locks are held by other processes only (a backup, a person with `sqlite3`); they get this long.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Pages of the log before it is moved into the database: 16 MB, so that a burst pays for fewer of these moves.
const CHECKPOINT_PAGES: u32 = 4_000;

/// The connection that writes. Creates the file, readable by its owner alone.
pub(crate) fn open_writer(options: &SqliteOptions) -> Result<Connection, OpenError> {
    let connection = match &options.path {
        None => Connection::open_in_memory()?,
        Some(path) => {
            make_private(path)?;
            Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?
        }
    };
    let synchronous = match options.synchronous {
        Synchronous::Normal => "NORMAL",
        Synchronous::Full => "FULL",
    };
    connection.busy_timeout(LOCK_PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    common(&connection)?;
    Ok(connection)
}

/// A connection that reads.
pub(crate) fn open_reader(options: &SqliteOptions) -> Result<Connection, OpenError> {
    let path = options.path.as_deref().unwrap_or(Path::new(""));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    common(&connection)?;
    Ok(connection)
}

fn common(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The schema of a database that came from elsewhere cannot call functions with side effects.
    connection.pragma_update(None, "trusted_schema", false)?;
    functions::register(connection)
}

/// Makes `path` when it is absent and takes it from everybody but its owner. The log files get the same mode from SQLite.
pub(crate) fn make_private(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path).map_err(failed)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)
}

/// What an error of SQLite means to a caller. The details go to the log here and nowhere else.
pub(crate) fn store_error(error: &rusqlite::Error) -> StoreError {
    let Some(code) = error.sqlite_error_code() else {
        tracing::error!(%error, "SQLite refused a statement");
        return StoreError::Other(error.to_string());
    };
    let mapped = match code {
        ErrorCode::ConstraintViolation => StoreError::Constraint,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt,
        ErrorCode::OperationInterrupted => StoreError::Timeout,
        ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly => StoreError::Unavailable,
        _ => StoreError::Other(error.to_string()),
    };
    match mapped {
        StoreError::Constraint => tracing::debug!(%error, "a statement broke a rule of its table"),
        _ => tracing::error!(%error, "SQLite failed"),
    }
    mapped
}
