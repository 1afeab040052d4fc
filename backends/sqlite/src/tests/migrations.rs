//! Databases that ejabberd made, of today and of yesterday.

use std::path::Path;

use nightjar_store::{Layout, Statement, Store, params};
use rusqlite::Connection;

use super::{Folder, at, contract, open};
use crate::{OpenError, SqliteOptions, rehearse};

/// Tables as older versions of ejabberd made them from `sql/lite.sql` and `sql/lite.new.sql`.
const OLD_SINGLE: &str = "
    CREATE TABLE users (username text PRIMARY KEY, password text NOT NULL, serverkey text NOT NULL DEFAULT '',
        salt text NOT NULL DEFAULT '', iterationcount integer NOT NULL DEFAULT 0,
        created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
    INSERT INTO users (username, password) VALUES ('juliet', 'secret');
    CREATE TABLE archive (username text NOT NULL, timestamp BIGINT UNSIGNED NOT NULL, peer text NOT NULL,
        bare_peer text NOT NULL, xml text NOT NULL, txt text, id INTEGER PRIMARY KEY AUTOINCREMENT, kind text,
        nick text, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
    CREATE INDEX i_username_timestamp ON archive(username, timestamp);
    INSERT INTO archive (username, timestamp, peer, bare_peer, xml) VALUES ('juliet', 5, 'p', 'p', '<a/>');";
const OLD_MULTI: &str = "
    CREATE TABLE users (username text NOT NULL, server_host text NOT NULL, password text NOT NULL,
        serverkey text NOT NULL DEFAULT '', salt text NOT NULL DEFAULT '',
        iterationcount integer NOT NULL DEFAULT 0, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY (server_host, username));
    INSERT INTO users (username, server_host, password) VALUES ('juliet', 'example.org', 'secret');
    CREATE TABLE rosterusers (username text NOT NULL, server_host text NOT NULL, jid text NOT NULL,
        nick text NOT NULL, subscription character(1) NOT NULL, ask character(1) NOT NULL,
        askmessage text NOT NULL, server character(1) NOT NULL, subscribe text NOT NULL, type text,
        created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
    CREATE UNIQUE INDEX i_rosteru_sh_user_jid ON rosterusers (server_host, username, jid);
    CREATE TABLE schema_version (module text NOT NULL, version bigint NOT NULL, PRIMARY KEY (module));
    INSERT INTO schema_version VALUES ('ejabberd_auth_sql', 1), ('mod_roster_sql', 1);";

static USER: Statement = Statement::new("SELECT type, password FROM users WHERE {host} AND username = ?");
static SET_USER: Statement = Statement::upsert("users", &["username", "type"], &["password"]);

fn make(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

async fn check_user(store: &Store) {
    let rows = store.query(&USER, params!["juliet"]).await.unwrap();
    assert_eq!((rows.len(), rows[0].int(0), rows[0].text(1).as_deref()), (1, Ok(0), Ok("secret")));
    for (kind, password) in [(0_i64, "changed"), (1, "another")] {
        assert_eq!(store.execute(&SET_USER, params!["juliet", kind, password]).await, Ok(1));
    }
    assert_eq!(store.query(&USER, params!["juliet"]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn old_databases_are_brought_up_to_date() {
    for (name, sql, layout) in
        [("old-single", OLD_SINGLE, Layout::SingleHost), ("old-multi", OLD_MULTI, Layout::MultiHost)]
    {
        let folder = Folder::new(name);
        let path = folder.file("data.db");
        make(&path, sql);
        let rehearsed = rehearse(&path, Layout::MultiHost).unwrap();
        assert!(rehearsed.existing && !rehearsed.statements.is_empty());
        let (database, report) = crate::open(&at(&path)).unwrap();
        assert_eq!(report.statements, rehearsed.statements, "what was rehearsed was run");
        let store = Store::new(database, contract::HOST, nightjar_store::Limits::default());
        assert_eq!(store.layout(), layout);
        check_user(&store).await;
        drop(store);
        let snapshot = report.snapshot.unwrap();
        let before: i64 = Connection::open(&snapshot)
            .unwrap()
            .query_row("SELECT count(*) FROM pragma_table_info('users') WHERE name = 'type'", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(before, 0, "the snapshot is the database as it was");
        assert_eq!(rehearse(&path, Layout::MultiHost).unwrap().statements, Vec::<String>::new());
        let (_, again) = crate::open(&at(&path)).unwrap();
        assert_eq!((again.statements.len(), again.snapshot), (0, None), "nothing left to do");
    }
}

#[tokio::test]
async fn a_new_column_reads_as_empty_in_old_rows() {
    let folder = Folder::new("old-rows");
    let path = folder.file("data.db");
    make(&path, OLD_SINGLE);
    static ARCHIVED: Statement = Statement::new(
        "SELECT xml, origin_id, txt FROM archive WHERE {host} AND username = ? AND timestamp > ? LIMIT ?",
    );
    let rows = open(&at(&path)).query(&ARCHIVED, params!["juliet", 0_i64, 9_i64]).await.unwrap();
    let row = &rows[0];
    assert_eq!(
        (row.text(0).as_deref(), row.text(1).as_deref(), row.opt_text(2)),
        (Ok("<a/>"), Ok(""), Ok(None))
    );
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let folder = Folder::new("newer");
    let path = folder.file("data.db");
    make(&path, OLD_MULTI);
    make(&path, "UPDATE schema_version SET version = 99 WHERE module = 'mod_roster_sql'");
    let error = crate::open(&at(&path)).err().unwrap();
    assert!(matches!(&error, OpenError::Migration(_)), "{error:?}");
    assert!(
        error.to_string().contains("mod_roster_sql have version 99, this Nightjar knows version 2"),
        "{error}"
    );
    assert_eq!(rehearse(&path, Layout::MultiHost).unwrap_err().to_string(), error.to_string());
    let columns: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM pragma_table_info('users')", [], |row| row.get(0))
        .unwrap();
    assert_eq!(columns, 7);
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let folder = Folder::new("failing");
    let path = folder.file("data.db");
    make(&path, OLD_SINGLE);
    // Two accounts in one list of groups: the unique index that is to come cannot be made.
    make(
        &path,
        "CREATE TABLE sr_group (name text NOT NULL, opts text NOT NULL, created_at TIMESTAMP);
         INSERT INTO sr_group VALUES ('team', 'a', NULL), ('team', 'b', NULL);",
    );
    assert!(crate::open(&at(&path)).is_err());
    let tables: i64 = Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(tables, 3);
}

#[test]
fn rehearsing_a_new_file_creates_nothing() {
    let folder = Folder::new("rehearse");
    let path = folder.file("data.db");
    let plan = rehearse(&path, Layout::SingleHost).unwrap();
    assert_eq!((plan.layout, plan.existing), (Layout::SingleHost, false));
    assert!(plan.statements.iter().any(|statement| statement.starts_with("CREATE TABLE users")));
    assert!(!path.exists());
    let (_, report) = crate::open(&SqliteOptions { layout: Layout::SingleHost, ..at(&path) }).unwrap();
    assert_eq!((report.statements, report.snapshot), (plan.statements, None));
}
