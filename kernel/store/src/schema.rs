//! Every table of ejabberd 26.07 and our own, once, for three dialects and two layouts.
//!
//! The description follows what ejabberd itself creates with `update_sql_schema`; databases made from its `sql/*.sql`
//! files differ in index names only, which is why keys are compared by their columns.

mod im;
mod own;
mod render;
mod services;
#[cfg(test)]
mod tests;

pub(crate) use render::index_columns;
pub use render::{add_column, create_key, create_table};

/// Which SQL a backend speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

/// How hosts share a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// ejabberd's default layout: one database a host, no `server_host` column.
    SingleHost,
    /// `new_sql_schema`: one database for all hosts. New installs have this.
    MultiHost,
}

/// Kind of a column; [`render`] has its spelling in each dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    /// Up to 16 MB where plain text holds 64 KB (MySQL).
    BigText,
    /// At most this many characters where indexes are limited (MySQL).
    ShortText(u16),
    BigInt,
    Integer,
    SmallInt,
    Numeric,
    Boolean,
    Blob,
    /// Up to 4 GB where a plain one holds 64 KB (MySQL).
    BigBlob,
    Timestamp,
    /// One character.
    Char,
    /// A number the database assigns, growing.
    Serial,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    /// Whether the column has a default: empty, zero, false or now, after its kind.
    pub default: bool,
    /// Table and column this one points to; rows go when that row goes.
    pub references: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Index,
    Unique,
    /// MySQL only.
    FullText,
}

#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub kind: KeyKind,
    columns: &'static [&'static str],
}

#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    columns: &'static [Column],
    keys: &'static [Key],
}

/// Tables that one `schema_version` row speaks for.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    pub name: &'static str,
    pub version: i64,
    pub tables: &'static [Table],
}

const fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind, default: false, references: None }
}

impl Column {
    const fn with_default(self) -> Column {
        Column { default: true, ..self }
    }

    const fn references(self, table: &'static str, column: &'static str) -> Column {
        Column { references: Some((table, column)), ..self }
    }
}

const fn unique(columns: &'static [&'static str]) -> Key {
    Key { kind: KeyKind::Unique, columns }
}

const fn index(columns: &'static [&'static str]) -> Key {
    Key { kind: KeyKind::Index, columns }
}

const fn full_text(columns: &'static [&'static str]) -> Key {
    Key { kind: KeyKind::FullText, columns }
}

/// Where migrations write what they did.
pub const SCHEMA_VERSION: Table = Table {
    name: "schema_version",
    columns: &[column("module", ColumnType::Text), column("version", ColumnType::BigInt)],
    keys: &[unique(&["module"])],
};

/// All modules with their tables; a table that another refers to comes first.
pub fn modules() -> impl Iterator<Item = &'static Module> {
    im::IM.iter().chain(services::SERVICES).chain(own::OWN)
}

/// All tables of all modules.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    modules().flat_map(|module| module.tables)
}

/// The table of that name.
pub fn table(name: &str) -> Option<&'static Table> {
    tables().find(|table| table.name == name)
}

impl Table {
    /// Columns in their order, as `layout` has them.
    pub fn columns(&self, layout: Layout) -> impl Iterator<Item = &'static Column> {
        let hosts = self.keeps_host(layout);
        self.columns.iter().filter(move |column| hosts || column.name != "server_host")
    }

    /// Keys in their order; the first unique one is the primary key unless a serial column is.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter()
    }

    /// Columns of `key` as `layout` has them.
    pub fn key_columns(&self, key: &'static Key, layout: Layout) -> Vec<&'static str> {
        let hosts = self.keeps_host(layout);
        key.columns.iter().copied().filter(|column| hosts || *column != "server_host").collect()
    }

    /// Whether rows of this table belong to a host in `layout`.
    pub fn has_server_host(&self, layout: Layout) -> bool {
        self.columns(layout).any(|column| column.name == "server_host")
    }

    /// Whether the description names a `server_host` column that the single-host layout drops.
    pub fn tells_layout(&self) -> bool {
        self.name != "route" && self.has_server_host(Layout::MultiHost)
    }

    /// The serial column.
    pub fn serial(&self) -> Option<&'static str> {
        self.columns.iter().find(|column| column.kind == ColumnType::Serial).map(|column| column.name)
    }

    // `route` names its host in both layouts: there it is data, not a partition.
    fn keeps_host(&self, layout: Layout) -> bool {
        layout == Layout::MultiHost || self.name == "route"
    }
}
