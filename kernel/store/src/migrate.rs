//! From the tables that exist to the tables of [`schema`](crate::schema): what is missing, as statements.
//!
//! A backend reads a [`Catalog`], asks for the [`Plan`], may show it, and runs it in one transaction (MySQL commits each
//! DDL statement by itself: a plan that stopped half-way is made again from what is there).

use foldhash::HashMap;

use crate::schema::{
    self, Dialect, Key, KeyKind, Layout, SCHEMA_VERSION, Table, add_column, create_key, create_table,
};

#[cfg(test)]
mod tests;

/// What a database has now.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub tables: HashMap<String, ExistingTable>,
    /// Rows of `schema_version`.
    pub versions: HashMap<String, i64>,
}

/// A table that is there.
#[derive(Clone, Debug, Default)]
pub struct ExistingTable {
    pub columns: Vec<String>,
    pub indexes: Vec<ExistingIndex>,
}

/// An index that is there, the primary key included.
#[derive(Clone, Debug, Default)]
pub struct ExistingIndex {
    pub name: String,
    pub columns: Vec<String>,
    pub unique: bool,
    pub primary: bool,
}

/// What to do to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub layout: Layout,
    /// Whether the database held any of our tables before: then a snapshot comes first.
    pub existing: bool,
    /// In order; nothing to do when empty.
    pub statements: Vec<String>,
}

/// Why a database cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    #[error(
        "the tables of {module} have version {found}, this Nightjar knows version {known}: \
         use the newer Nightjar that made them, or restore the snapshot taken before it did"
    )]
    Newer { module: &'static str, found: i64, known: i64 },
    #[error(
        "some tables have a server_host column and {table} has not: the move to the multi-host layout stopped half-way"
    )]
    MixedLayouts { table: &'static str },
}

/// The layout of the tables that exist, or `None` when there are none.
pub fn detect_layout(catalog: &Catalog) -> Result<Option<Layout>, MigrationError> {
    let mut found = None;
    for table in schema::tables().filter(|table| table.tells_layout()) {
        let Some(existing) = catalog.tables.get(table.name) else { continue };
        let layout = if existing.has_column("server_host") { Layout::MultiHost } else { Layout::SingleHost };
        if *found.get_or_insert(layout) != layout {
            return Err(MigrationError::MixedLayouts { table: table.name });
        }
    }
    Ok(found)
}

/// What brings a database up to date. `preferred` is the layout of a database that has no tables yet.
pub fn plan(catalog: &Catalog, dialect: Dialect, preferred: Layout) -> Result<Plan, MigrationError> {
    let detected = detect_layout(catalog)?;
    let layout = detected.unwrap_or(preferred);
    let mut statements = Vec::new();
    if !catalog.tables.contains_key(SCHEMA_VERSION.name) {
        statements.extend(create_table(&SCHEMA_VERSION, dialect, layout));
    }
    for module in schema::modules() {
        let version = catalog.versions.get(module.name).copied();
        if let Some(found) = version.filter(|found| *found > module.version) {
            return Err(MigrationError::Newer { module: module.name, found, known: module.version });
        }
        for table in module.tables {
            match catalog.tables.get(table.name) {
                None => statements.extend(create_table(table, dialect, layout)),
                Some(existing) => update_table(table, existing, dialect, layout, &mut statements),
            }
        }
        if version != Some(module.version) {
            statements.push(format!("DELETE FROM schema_version WHERE module = '{}'", module.name));
            statements.push(format!(
                "INSERT INTO schema_version (module, version) VALUES ('{}', {})",
                module.name, module.version
            ));
        }
    }
    Ok(Plan { layout, existing: detected.is_some(), statements })
}

fn update_table(
    table: &'static Table,
    existing: &ExistingTable,
    dialect: Dialect,
    layout: Layout,
    statements: &mut Vec<String>,
) {
    let missing: Vec<_> = table.columns(layout).filter(|column| !existing.has_column(column.name)).collect();
    let primary = table.keys().find(|key| key.kind == KeyKind::Unique);
    let outgrown = primary.and_then(|key| existing.outgrown_primary(&table.key_columns(key, layout)));
    let rebuild = outgrown.is_some() && dialect == Dialect::Sqlite;
    if rebuild {
        statements.extend(rebuild_table(table, existing, dialect, layout));
        return;
    }
    statements.extend(missing.iter().map(|column| add_column(table, column, dialect)));
    if let (Some(old), Some(key)) = (outgrown, primary) {
        statements.push(replace_primary(table, old, key, dialect, layout));
    }
    for key in table.keys() {
        let replaced = outgrown.is_some() && primary.is_some_and(|primary| std::ptr::eq(primary, key));
        if !replaced && !existing.has_key(&table.key_columns(key, layout), key.kind == KeyKind::Unique) {
            statements.extend(create_key(table, key, dialect, layout));
        }
    }
}

/// SQLite cannot change a primary key: the rows move into a new table that takes the old one's name.
fn rebuild_table(
    table: &'static Table,
    existing: &ExistingTable,
    dialect: Dialect,
    layout: Layout,
) -> Vec<String> {
    let name = table.name;
    let old = format!("{name}_before_migration");
    let kept: Vec<_> = table.columns(layout).map(|column| column.name).collect();
    let values: Vec<_> = table
        .columns(layout)
        .map(|column| match (existing.has_column(column.name), column.kind) {
            (true, _) => column.name,
            (
                false,
                schema::ColumnType::Text | schema::ColumnType::BigText | schema::ColumnType::ShortText(_),
            ) => "''",
            (false, schema::ColumnType::Timestamp) => "CURRENT_TIMESTAMP",
            (false, _) => "0",
        })
        .collect();
    let mut statements = vec![format!("ALTER TABLE {name} RENAME TO {old}")];
    let free = existing.indexes.iter().filter(|index| !index.primary && !index.name.starts_with("sqlite_"));
    statements.extend(free.map(|index| format!("DROP INDEX {}", index.name)));
    statements.extend(create_table(table, dialect, layout));
    statements.push(format!(
        "INSERT INTO {name} ({}) SELECT {} FROM {old}",
        kept.join(", "),
        values.join(", ")
    ));
    statements.push(format!("DROP TABLE {old}"));
    statements
}

fn replace_primary(
    table: &'static Table,
    old: &ExistingIndex,
    key: &'static Key,
    dialect: Dialect,
    layout: Layout,
) -> String {
    let columns = schema::index_columns(table, key, dialect, layout);
    let drop = match dialect {
        Dialect::Mysql => "DROP PRIMARY KEY".to_owned(),
        _ => format!("DROP CONSTRAINT {}", old.name),
    };
    format!("ALTER TABLE {} {drop}, ADD PRIMARY KEY ({columns})", table.name)
}

impl ExistingTable {
    fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.eq_ignore_ascii_case(name))
    }

    /// Order matters to an index that is searched, not to one that forbids duplicates.
    fn has_key(&self, wanted: &[&str], unique: bool) -> bool {
        self.indexes.iter().any(|index| {
            let same_set = index.columns.len() == wanted.len()
                && index.columns.iter().all(|column| wanted.contains(&column.as_str()));
            if unique {
                return index.unique && same_set;
            }
            index.columns.iter().map(String::as_str).take(wanted.len()).eq(wanted.iter().copied())
        })
    }

    /// The primary key, when its columns are some but not all of `wanted`: rows may now differ in the others.
    fn outgrown_primary(&self, wanted: &[&str]) -> Option<&ExistingIndex> {
        self.indexes.iter().find(|index| {
            index.primary
                && index.columns.len() < wanted.len()
                && index.columns.iter().all(|column| wanted.contains(&column.as_str()))
        })
    }
}
