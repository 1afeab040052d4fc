use super::{Catalog, ExistingIndex, ExistingTable, MigrationError, detect_layout, plan};
use crate::schema::{KeyKind, modules, tables};
use crate::{Dialect, Layout};

/// A database that is up to date.
fn current(layout: Layout) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.tables.insert("schema_version".into(), ExistingTable::default());
    for table in tables() {
        let columns = table.columns(layout).map(|column| column.name.to_owned()).collect();
        let indexes = table
            .keys()
            .map(|key| ExistingIndex {
                // As a file of ejabberd's may name it: names do not matter.
                name: format!("old_{}", table.name),
                columns: table.key_columns(key, layout).into_iter().map(str::to_owned).collect(),
                unique: key.kind == KeyKind::Unique,
                primary: false,
            })
            .collect();
        catalog.tables.insert(table.name.into(), ExistingTable { columns, indexes });
    }
    catalog.versions = modules().map(|module| (module.name.to_owned(), module.version)).collect();
    catalog
}

const DIALECTS: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql];

#[test]
fn nothing_is_done_to_a_current_database() {
    for layout in [Layout::SingleHost, Layout::MultiHost] {
        for dialect in DIALECTS {
            let plan = plan(&current(layout), dialect, Layout::MultiHost).unwrap();
            assert_eq!((plan.layout, plan.existing), (layout, true));
            assert_eq!(plan.statements, Vec::<String>::new());
        }
    }
}

#[test]
fn an_empty_database_gets_everything_in_the_preferred_layout() {
    for layout in [Layout::SingleHost, Layout::MultiHost] {
        let plan = plan(&Catalog::default(), Dialect::Sqlite, layout).unwrap();
        assert_eq!((plan.layout, plan.existing), (layout, false));
        let created =
            plan.statements.iter().filter(|statement| statement.starts_with("CREATE TABLE")).count();
        assert_eq!(created, 49);
        assert!(plan.statements.iter().any(|s| s.contains("server_host")));
        let hosted =
            plan.statements.iter().any(|s| s.starts_with("CREATE TABLE users") && s.contains("server_host"));
        assert_eq!(hosted, layout == Layout::MultiHost);
    }
}

#[test]
fn a_missing_column_and_index_are_added() {
    let mut catalog = current(Layout::SingleHost);
    let archive = catalog.tables.get_mut("archive").unwrap();
    archive.columns.retain(|column| column != "origin_id");
    archive.indexes.retain(|index| !index.columns.contains(&"origin_id".to_owned()));
    catalog.versions.insert("mod_mam_sql".into(), 1);
    let expected = |column: &str, columns: &str| {
        vec![
            format!("ALTER TABLE archive ADD COLUMN origin_id text NOT NULL DEFAULT {column}"),
            format!("CREATE INDEX i_archive_username_origin_id ON archive ({columns})"),
            "DELETE FROM schema_version WHERE module = 'mod_mam_sql'".into(),
            "INSERT INTO schema_version (module, version) VALUES ('mod_mam_sql', 2)".into(),
        ]
    };
    for (dialect, default, columns) in [
        (Dialect::Sqlite, "''", "username, origin_id"),
        (Dialect::Postgres, "''", "username, origin_id"),
        (Dialect::Mysql, "('')", "username(191), origin_id(191)"),
    ] {
        let plan = plan(&catalog, dialect, Layout::MultiHost).unwrap();
        assert_eq!(plan.statements, expected(default, columns), "{dialect:?}");
    }
}

#[test]
fn a_primary_key_that_is_too_narrow_is_replaced() {
    let mut catalog = current(Layout::MultiHost);
    let users = catalog.tables.get_mut("users").unwrap();
    users.columns.retain(|column| column != "type");
    users.indexes = vec![ExistingIndex {
        name: "users_pkey".into(),
        columns: vec!["server_host".into(), "username".into()],
        unique: true,
        primary: true,
    }];
    for (dialect, expected) in [
        (Dialect::Postgres, "DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (server_host, username, type)"),
        (Dialect::Mysql, "DROP PRIMARY KEY, ADD PRIMARY KEY (server_host(191), username(191), type)"),
        (Dialect::Sqlite, "ALTER TABLE users RENAME TO users_before_migration"),
    ] {
        let plan = plan(&catalog, dialect, Layout::MultiHost).unwrap();
        assert!(
            plan.statements.iter().any(|statement| statement.ends_with(expected)),
            "{:?}",
            plan.statements
        );
    }
}

#[test]
fn what_cannot_be_used_is_refused() {
    let mut newer = current(Layout::MultiHost);
    newer.versions.insert("mod_mam_sql".into(), 3);
    assert_eq!(
        plan(&newer, Dialect::Sqlite, Layout::MultiHost),
        Err(MigrationError::Newer { module: "mod_mam_sql", found: 3, known: 2 })
    );
    let mut mixed = current(Layout::MultiHost);
    mixed.tables.get_mut("vcard").unwrap().columns.retain(|column| column != "server_host");
    assert_eq!(
        plan(&mixed, Dialect::Sqlite, Layout::MultiHost),
        Err(MigrationError::MixedLayouts { table: "vcard" })
    );
    assert_eq!(detect_layout(&Catalog::default()), Ok(None));
}
