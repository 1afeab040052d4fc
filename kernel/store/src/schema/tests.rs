use super::{ColumnType, Dialect, KeyKind, Layout, create_table, modules, table, tables};

#[test]
fn the_description_is_ejabberds() {
    let is_ours = |name: &str| name.starts_with("nightjar_");
    let theirs = || modules().filter(|module| !is_ours(module.name)).flat_map(|module| module.tables);
    assert_eq!(modules().filter(|module| !is_ours(module.name)).count(), 24);
    assert_eq!(theirs().count(), 43);
    assert!(theirs().all(|table| !is_ours(table.name)));
    assert_eq!(theirs().map(|table| table.columns(Layout::MultiHost).count()).sum::<usize>(), 265);
    for (module, version) in
        [("ejabberd_auth_sql", 2), ("mod_mam_sql", 2), ("mod_invites_sql", 3), ("mod_roster_sql", 2)]
    {
        assert_eq!(modules().find(|known| known.name == module).unwrap().version, version);
    }
}

#[test]
fn keys_and_references_name_what_exists() {
    for table in tables() {
        for key in table.keys() {
            for column in table.key_columns(key, Layout::MultiHost) {
                assert!(
                    table.columns(Layout::MultiHost).any(|known| known.name == column),
                    "{}.{column}",
                    table.name
                );
            }
        }
        for (target, column) in table.columns(Layout::MultiHost).filter_map(|column| column.references) {
            let position = |name| tables().position(|table| table.name == name).unwrap();
            assert!(position(target) < position(table.name), "{target} comes before {}", table.name);
            assert_eq!(super::table(target).unwrap().serial(), Some(column));
        }
    }
}

#[test]
fn single_host_tables_have_no_host_except_route() {
    for table in tables() {
        assert_eq!(table.has_server_host(Layout::SingleHost), table.name == "route", "{}", table.name);
    }
    assert!(!table("route").unwrap().tells_layout());
    assert!(table("users").unwrap().tells_layout());
}

#[test]
fn tables_are_written_as_ejabberd_writes_them() {
    for (name, dialect, layout, expected) in [
        (
            "archive_prefs",
            Dialect::Sqlite,
            Layout::MultiHost,
            vec![
                "CREATE TABLE archive_prefs (username text NOT NULL, server_host text NOT NULL, def text NOT NULL, \
                 always text NOT NULL, never text NOT NULL, \
                 created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (server_host, username))",
            ],
        ),
        (
            "spool",
            Dialect::Postgres,
            Layout::SingleHost,
            vec![
                "CREATE TABLE spool (username text NOT NULL, xml text NOT NULL, seq bigserial NOT NULL, \
                 created_at timestamp NOT NULL DEFAULT now())",
                "CREATE INDEX i_spool_username ON spool (username)",
                "CREATE INDEX i_spool_created_at ON spool (created_at)",
            ],
        ),
        (
            "privacy_list",
            Dialect::Mysql,
            Layout::MultiHost,
            vec![
                "CREATE TABLE privacy_list (username text NOT NULL, server_host text NOT NULL, name text NOT NULL, \
                 id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, \
                 created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP) \
                 ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
                "CREATE UNIQUE INDEX i_privacy_list_server_host_username_name ON privacy_list \
                 (server_host(191), username(191), name(191))",
            ],
        ),
    ] {
        assert_eq!(create_table(table(name).unwrap(), dialect, layout), expected, "{name}");
    }
}

#[test]
fn only_mysql_has_a_full_text_index() {
    let archive = table("archive").unwrap();
    assert!(archive.keys().any(|key| key.kind == KeyKind::FullText));
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
        let statements = create_table(archive, dialect, Layout::MultiHost);
        let full_text = statements
            .iter()
            .any(|statement| statement == "CREATE FULLTEXT INDEX i_archive_txt ON archive (txt)");
        assert_eq!(full_text, dialect == Dialect::Mysql);
        assert_eq!(statements.len(), if full_text { 7 } else { 6 });
    }
}

#[test]
fn no_primary_key_of_mysql_is_longer_than_an_index_may_be() {
    for table in tables() {
        for key in table.keys().filter(|key| key.kind != KeyKind::FullText) {
            let columns = table.key_columns(key, Layout::MultiHost);
            let bytes = |name: &&str| match table
                .columns(Layout::MultiHost)
                .find(|column| column.name == *name)
                .unwrap()
                .kind
            {
                ColumnType::Text | ColumnType::BigText => 191 * 4,
                ColumnType::ShortText(length) => usize::from(length) * 4,
                _ => 8,
            };
            let total: usize = columns.iter().map(bytes).sum();
            assert!(total <= 3_072, "{} {columns:?}: {total} bytes", table.name);
        }
    }
}
