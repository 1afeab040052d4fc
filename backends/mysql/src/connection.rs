//! How connections are made, how values travel, what errors mean.

use mysql_async::{ClientIdentity, DriverError, Error, Opts, OptsBuilder, SslOpts};
use nightjar_store::statement::BoundValue;
use nightjar_store::{Row, RowBuilder, SqlOptions, StoreError, Value, time};
use nightjar_text::Text;

/// Prepared statements a connection keeps; more than the program has.
const PREPARED_LIMIT: usize = 1_024;

/// Run on every new connection: UTF-8 compared as ejabberd compares it, times in UTC, nothing cut off silently.
const SETUP: [&str; 3] = [
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET time_zone = '+00:00'",
    "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
];

pub(crate) fn connect_options(options: &SqlOptions) -> OptsBuilder {
    let server = options.server.strip_prefix("unix:").unwrap_or(&options.server);
    let mut builder = OptsBuilder::from_opts(Opts::default())
        .user(Some(&options.username))
        .db_name(Some(&options.database))
        .stmt_cache_size(PREPARED_LIMIT)
        // An update counts the rows it found, as everywhere else, not those it changed.
        .client_found_rows(true)
        .prefer_socket(false)
        .setup(SETUP.to_vec());
    if !options.password.reveal().is_empty() {
        builder = builder.pass(Some(options.password.reveal()));
    }
    if server.starts_with('/') {
        return builder.socket(Some(server));
    }
    builder = builder.ip_or_hostname(server);
    if let Some(port) = options.port {
        builder = builder.tcp_port(port);
    }
    if options.ssl { builder.ssl_opts(ssl_options(options)) } else { builder }
}

fn ssl_options(options: &SqlOptions) -> SslOpts {
    let mut ssl = SslOpts::default()
        .with_danger_accept_invalid_certs(!options.ssl_verify)
        .with_danger_skip_domain_validation(!options.ssl_verify);
    if let Some(path) = &options.ssl_cafile {
        let roots = vec![path.clone().into()];
        ssl = ssl.with_root_certs(roots).with_disable_built_in_roots(true);
    }
    let identity = options
        .ssl_certfile
        .as_ref()
        .map(|path| ClientIdentity::new(path.clone().into(), path.clone().into()));
    ssl.with_client_identity(identity)
}

/// A value as the protocol carries it.
pub(crate) fn parameter(value: &BoundValue<'_>) -> mysql_async::Value {
    let text = |text: &Text| mysql_async::Value::Bytes(text.as_bytes().to_vec());
    let value = match value {
        BoundValue::Host(host) => return text(host),
        BoundValue::Borrowed(value) => value,
        BoundValue::Owned(value) => value,
    };
    match value {
        Value::Null => mysql_async::Value::NULL,
        Value::Int(number) => mysql_async::Value::Int(*number),
        Value::Bool(truth) => mysql_async::Value::Int(i64::from(*truth)),
        Value::Text(value) => text(value),
        Value::Blob(bytes) => mysql_async::Value::Bytes(bytes.clone()),
        Value::Time(micros) => {
            let (year, month, day, hour, minute, second, micro) = time::to_civil(*micros);
            mysql_async::Value::Date(year as u16, month, day, hour, minute, second, micro)
        }
    }
}

pub(crate) fn collect(rows: Vec<mysql_async::Row>) -> Vec<Row> {
    let mut builder = RowBuilder::default();
    let row = |row: mysql_async::Row| {
        row.unwrap().into_iter().for_each(|value| push(value, &mut builder));
        builder.finish()
    };
    rows.into_iter().map(row).collect()
}

fn push(value: mysql_async::Value, builder: &mut RowBuilder) {
    match value {
        mysql_async::Value::NULL => builder.push(Value::Null),
        mysql_async::Value::Int(number) => builder.push(Value::Int(number)),
        mysql_async::Value::UInt(number) => match i64::try_from(number) {
            Ok(number) => builder.push(Value::Int(number)),
            Err(_) => builder.push_text(&number.to_string()),
        },
        mysql_async::Value::Float(number) => builder.push_text(&number.to_string()),
        mysql_async::Value::Double(number) => builder.push_text(&number.to_string()),
        mysql_async::Value::Bytes(bytes) => match str::from_utf8(&bytes) {
            Ok(text) => builder.push_text(text),
            Err(_) => builder.push(Value::Blob(bytes)),
        },
        mysql_async::Value::Date(year, month, day, hour, minute, second, micro) => {
            let civil = (i32::from(year), month, day, hour, minute, second, micro);
            builder.push(Value::Time(time::from_civil(civil)));
        }
        // No table has a column of this type.
        mysql_async::Value::Time(..) => builder.push(Value::Null),
    }
}

/// What an error of MySQL means to a caller. The details go to the log here and nowhere else.
pub(crate) fn store_error(error: &Error) -> StoreError {
    let mapped = match error {
        Error::Server(server) => by_code(server.code, &server.message),
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed | DriverError::PoolDisconnected) => {
            StoreError::Unavailable
        }
        other => StoreError::Other(other.to_string()),
    };
    match mapped {
        StoreError::Constraint => tracing::debug!(%error, "a statement broke a rule of its table"),
        _ => tracing::error!(%error, "MySQL failed"),
    }
    mapped
}

fn by_code(code: u16, message: &str) -> StoreError {
    match code {
        // NULL, duplicate, no default, unreadable text, too long, out of range, references, CHECK.
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1264 | 1364 | 1366 | 1406 | 1451 | 1452 | 1557 | 1586
        | 3819 | 4025 => StoreError::Constraint,
        // Lock wait, deadlock.
        1205 | 1213 => StoreError::Busy,
        1021 | 1114 => StoreError::Full,
        // Statement time limits of MariaDB and MySQL.
        1969 | 3024 => StoreError::Timeout,
        // Too many connections, shutdown, read-only, killed, aborted.
        1040 | 1053 | 1077 | 1152 | 1158..=1161 | 1203 | 1290 | 1317 | 1836 | 1927 | 4031 => {
            StoreError::Unavailable
        }
        1034 | 1035 | 1194 | 1195 => StoreError::Corrupt,
        _ => StoreError::Other(format!("{code}: {message}")),
    }
}
