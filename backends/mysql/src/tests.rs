//! Against a real server, named by `NIGHTJAR_TEST_MYSQL` as mysql_async reads it
//! (`mysql://root@localhost/?socket=/run/mysqld/mysqld.sock`); `cargo xtask test` starts one.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use nightjar_store::{Layout, Limits, Secret, SqlOptions, SqlType, Statement, Store, contract, params};
use tokio::time::timeout;

use crate::connection::connect_options;

/// For what must happen soon.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// The server to test against. Without one the tests say so, and fail where a server is required.
fn server() -> Option<SqlOptions> {
    let Ok(url) = std::env::var("NIGHTJAR_TEST_MYSQL") else {
        let required = ["NIGHTJAR_TEST_REQUIRE", "CI"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!required, "NIGHTJAR_TEST_MYSQL names no server, and one is required here");
        println!("SKIPPED: NIGHTJAR_TEST_MYSQL names no server");
        return None;
    };
    let opts = Opts::from_url(&url).unwrap();
    Some(SqlOptions {
        server: opts.socket().unwrap_or(opts.ip_or_hostname()).into(),
        port: Some(opts.tcp_port()),
        username: opts.user().unwrap_or("root").into(),
        password: Secret::new(opts.pass().unwrap_or_default()),
        database: opts.db_name().unwrap_or("mysql").into(),
        ..SqlOptions::new(SqlType::Mysql)
    })
}

/// A database of its own on that server.
async fn fresh(server: &SqlOptions, name: &str) -> SqlOptions {
    let database = format!("nightjar_test_{}_{name}", std::process::id());
    run(server, &format!("DROP DATABASE IF EXISTS {database}")).await;
    run(server, &format!("CREATE DATABASE {database} CHARACTER SET utf8mb4")).await;
    SqlOptions { database, ..server.clone() }
}

async fn drop_database(server: &SqlOptions, options: &SqlOptions) {
    run(server, &format!("DROP DATABASE {}", options.database)).await;
}

async fn run(options: &SqlOptions, sql: &str) {
    let mut connection = Conn::new(connect_options(options)).await.unwrap();
    connection.query_drop(sql).await.unwrap();
    connection.disconnect().await.unwrap();
}

async fn open(options: &SqlOptions, layout: Layout) -> Store {
    let (database, _) = crate::open(options, layout).await.unwrap();
    Store::new(database, contract::HOST, Limits::from(options))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    let Some(server) = server() else { return };
    let databases = [fresh(&server, "single").await, fresh(&server, "multi").await];
    contract::run(|layout| {
        let database = databases[usize::from(layout == Layout::MultiHost)].clone();
        async move { open(&database, layout).await }
    })
    .await;
    for database in &databases {
        drop_database(&server, database).await;
    }
}

#[tokio::test]
async fn an_old_database_is_brought_up_to_date() {
    // As ejabberd made them before it knew password types and origin-ids: `sql/mysql.sql` of old.
    const USERS: &str = "CREATE TABLE users (username varchar(191) PRIMARY KEY, password text NOT NULL, \
        serverkey varchar(128) NOT NULL DEFAULT '', salt varchar(128) NOT NULL DEFAULT '', \
        iterationcount integer NOT NULL DEFAULT 0, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP) \
        ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci";
    const ARCHIVE: &str = "CREATE TABLE archive (username varchar(191) NOT NULL, timestamp BIGINT UNSIGNED NOT NULL, \
        peer varchar(191) NOT NULL, bare_peer varchar(191) NOT NULL, xml mediumtext NOT NULL, txt mediumtext, \
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE, kind varchar(10), nick varchar(191), \
        created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, FULLTEXT INDEX i_text (txt)) \
        ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci";
    static SET_USER: Statement = Statement::upsert("users", &["username", "type"], &["password"]);
    static COUNT: Statement = Statement::new("SELECT count(*) FROM users WHERE {host} AND username = ?");
    let Some(server) = server() else { return };
    let options = fresh(&server, "old").await;
    for sql in [USERS, ARCHIVE, "INSERT INTO users (username, password) VALUES ('juliet', 'secret')"] {
        run(&options, sql).await;
    }
    let rehearsed = crate::rehearse(&options, Layout::MultiHost).await.unwrap();
    assert_eq!((rehearsed.layout, rehearsed.existing), (Layout::SingleHost, true));
    let (database, statements) = crate::open(&options, Layout::MultiHost).await.unwrap();
    assert_eq!(statements, rehearsed.statements);
    assert!(!statements.iter().any(|statement| statement.contains("FULLTEXT")), "{statements:#?}");
    let store = Store::new(database, contract::HOST, Limits::default());
    for kind in [0_i64, 1] {
        assert_eq!(store.execute(&SET_USER, params!["juliet", kind, "changed"]).await, Ok(1));
    }
    assert_eq!(store.query(&COUNT, params!["juliet"]).await.unwrap()[0].int(0), Ok(2));
    assert_eq!(crate::rehearse(&options, Layout::MultiHost).await.unwrap().statements, Vec::<String>::new());
    run(&options, "UPDATE schema_version SET version = 99 WHERE module = 'ejabberd_auth_sql'").await;
    let error = crate::open(&options, Layout::MultiHost).await.err().unwrap().to_string();
    assert!(error.contains("version 99"), "{error}");
    drop_database(&server, &options).await;
}

#[tokio::test]
async fn lost_connections_are_made_again() {
    static SET: Statement = Statement::upsert("last", &["username"], &["seconds", "state"]);
    static GET: Statement = Statement::new("SELECT state FROM last WHERE {host} AND username = ?");
    let Some(server) = server() else { return };
    let options = fresh(&server, "lost").await;
    let store = open(&options, Layout::MultiHost).await;
    for round in 0..5_i64 {
        let written = timeout(PATIENCE, async {
            while store.execute(&SET, params!["juliet", "1", round.to_string()]).await != Ok(1) {
                tokio::task::yield_now().await;
            }
        });
        written.await.unwrap();
        assert_eq!(store.query(&GET, params!["juliet"]).await.unwrap()[0].int(0), Ok(round));
        kill_connections(&server, &options.database).await;
    }
    let seen = timeout(PATIENCE, async { while store.query(&GET, params!["juliet"]).await.is_err() {} });
    seen.await.unwrap();
    assert!(store.health().is_ready());
    store.close().await;
    drop_database(&server, &options).await;
}

async fn kill_connections(server: &SqlOptions, database: &str) {
    let mut connection = Conn::new(connect_options(server)).await.unwrap();
    let ids = "SELECT id FROM information_schema.processlist WHERE db = ?";
    let ids: Vec<u64> = connection.exec(ids, (database,)).await.unwrap();
    for id in ids {
        // It may have gone by itself.
        let _ = connection.query_drop(format!("KILL {id}")).await;
    }
    connection.disconnect().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let options = SqlOptions { server: "/nonexistent.sock".into(), ..SqlOptions::new(SqlType::Mysql) };
    let error = crate::open(&options, Layout::MultiHost).await.err().unwrap().to_string();
    assert!(error.contains("No such file"), "{error}");
}
