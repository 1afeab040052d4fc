//! DDL of a table, a key or a column in a dialect.

use super::{Column, ColumnType, Dialect, Key, KeyKind, Layout, Table};

/// How many characters of a text MySQL puts into an index.
const MYSQL_INDEX_CHARS: u16 = 191;

/// `CREATE TABLE` and the indexes beside it, in order.
pub fn create_table(table: &Table, dialect: Dialect, layout: Layout) -> Vec<String> {
    let name = table.name;
    let mut lines: Vec<String> =
        table.columns(layout).map(|column| column_definition(column, dialect)).collect();
    let primary = primary_key(table, dialect);
    if let Some(key) = primary {
        lines.push(format!("PRIMARY KEY ({})", index_columns(table, key, dialect, layout)));
    }
    if dialect == Dialect::Mysql {
        // MySQL reads a reference beside its column and forgets it.
        let references = table.columns(layout).filter_map(|column| Some((column.name, column.references?)));
        lines.extend(references.map(|(column, (target, key))| {
            format!("FOREIGN KEY ({column}) REFERENCES {target}({key}) ON DELETE CASCADE")
        }));
    }
    let engine = match dialect {
        Dialect::Mysql => " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        _ => "",
    };
    let mut statements = vec![format!("CREATE TABLE {name} ({}){engine}", lines.join(", "))];
    for key in table.keys() {
        if primary.is_some_and(|primary| std::ptr::eq(primary, key)) {
            continue;
        }
        statements.extend(create_key(table, key, dialect, layout));
    }
    statements
}

/// `CREATE INDEX` of `key`, or nothing where the dialect has no such key or the serial column already is it.
pub fn create_key(table: &Table, key: &'static Key, dialect: Dialect, layout: Layout) -> Option<String> {
    let columns = table.key_columns(key, layout);
    let serial_is_primary = dialect != Dialect::Postgres && columns.as_slice() == table.serial().as_slice();
    if serial_is_primary || (key.kind == KeyKind::FullText && dialect != Dialect::Mysql) {
        return None;
    }
    let name = format!("i_{}_{}", table.name, columns.join("_"));
    let listed = index_columns(table, key, dialect, layout);
    let table = table.name;
    Some(match key.kind {
        KeyKind::Index => format!("CREATE INDEX {name} ON {table} ({listed})"),
        KeyKind::Unique => format!("CREATE UNIQUE INDEX {name} ON {table} ({listed})"),
        KeyKind::FullText => format!("CREATE FULLTEXT INDEX {name} ON {table} ({})", columns.join(", ")),
    })
}

/// `ALTER TABLE … ADD COLUMN` with a default for the rows that exist.
pub fn add_column(table: &Table, column: &Column, dialect: Dialect) -> String {
    let mut definition = column_definition(column, dialect);
    if !column.default {
        // SQLite refuses CURRENT_TIMESTAMP here; such a column always has a default of its own.
        definition.push_str(" DEFAULT ");
        definition.push_str(default_value(column.kind, dialect));
    }
    format!("ALTER TABLE {} ADD COLUMN {definition}", table.name)
}

/// The key that becomes `PRIMARY KEY`: the first unique one, unless a serial column is it by its type.
fn primary_key(table: &Table, dialect: Dialect) -> Option<&'static Key> {
    if dialect != Dialect::Postgres && table.serial().is_some() {
        return None;
    }
    table.keys().find(|key| key.kind == KeyKind::Unique)
}

/// Columns of `key` as the dialect lists them in an index.
pub(crate) fn index_columns(table: &Table, key: &'static Key, dialect: Dialect, layout: Layout) -> String {
    let limited = |name: &&str| {
        dialect == Dialect::Mysql
            && table.columns(layout).any(|column| {
                column.name == *name && matches!(column.kind, ColumnType::Text | ColumnType::BigText)
            })
    };
    let columns = table
        .key_columns(key, layout)
        .into_iter()
        .map(|name| if limited(&name) { format!("{name}({MYSQL_INDEX_CHARS})") } else { name.to_owned() });
    columns.collect::<Vec<_>>().join(", ")
}

fn column_definition(column: &Column, dialect: Dialect) -> String {
    let mut definition = format!("{} {} NOT NULL", column.name, type_name(column.kind, dialect));
    if column.kind == ColumnType::Serial && dialect != Dialect::Postgres {
        definition = format!("{} {}", column.name, type_name(column.kind, dialect));
    }
    if column.default {
        definition.push_str(" DEFAULT ");
        definition.push_str(default_value(column.kind, dialect));
    }
    if let Some((table, target)) = column.references.filter(|_| dialect != Dialect::Mysql) {
        definition.push_str(&format!(" REFERENCES {table}({target}) ON DELETE CASCADE"));
    }
    definition
}

fn type_name(kind: ColumnType, dialect: Dialect) -> String {
    let name = match (kind, dialect) {
        (ColumnType::BigText, Dialect::Mysql) => "mediumtext",
        (ColumnType::ShortText(length), Dialect::Mysql) => return format!("varchar({length})"),
        (ColumnType::Text | ColumnType::BigText | ColumnType::ShortText(_), _) => "text",
        (ColumnType::BigInt, _) => "bigint",
        (ColumnType::Integer, _) => "integer",
        (ColumnType::SmallInt, _) => "smallint",
        (ColumnType::Numeric, _) => "numeric",
        (ColumnType::Boolean, _) => "boolean",
        (ColumnType::Blob | ColumnType::BigBlob, Dialect::Postgres) => "bytea",
        (ColumnType::BigBlob, Dialect::Mysql) => "longblob",
        (ColumnType::Blob | ColumnType::BigBlob, _) => "blob",
        (ColumnType::Timestamp, _) => "timestamp",
        (ColumnType::Char, _) => "character(1)",
        (ColumnType::Serial, Dialect::Sqlite) => "integer PRIMARY KEY AUTOINCREMENT",
        (ColumnType::Serial, Dialect::Postgres) => "bigserial",
        (ColumnType::Serial, Dialect::Mysql) => "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
    };
    name.to_owned()
}

fn default_value(kind: ColumnType, dialect: Dialect) -> &'static str {
    match (kind, dialect) {
        (ColumnType::Text | ColumnType::BigText | ColumnType::Blob | ColumnType::BigBlob, Dialect::Mysql) => {
            "('')"
        }
        (
            ColumnType::Text
            | ColumnType::BigText
            | ColumnType::ShortText(_)
            | ColumnType::Char
            | ColumnType::Blob
            | ColumnType::BigBlob,
            _,
        ) => "''",
        (ColumnType::Boolean, _) => "false",
        (ColumnType::Timestamp, Dialect::Postgres) => "now()",
        (ColumnType::Timestamp, _) => "CURRENT_TIMESTAMP",
        _ => "0",
    }
}
