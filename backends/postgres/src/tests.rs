//! Against a real server, named by `NIGHTJAR_TEST_POSTGRES` as tokio-postgres reads it
//! (`host=/run/postgresql user=postgres` or `postgresql://…`); `cargo xtask test` starts one.

use std::str::FromStr;

use nightjar_store::{Layout, Limits, Secret, SqlOptions, SqlType, Statement, Store, contract, params};
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

/// For what must happen soon.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// The server to test against. Without one the tests say so, and fail where a server is required.
fn server() -> Option<SqlOptions> {
    let Ok(url) = std::env::var("NIGHTJAR_TEST_POSTGRES") else {
        let required = ["NIGHTJAR_TEST_REQUIRE", "CI"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!required, "NIGHTJAR_TEST_POSTGRES names no server, and one is required here");
        println!("SKIPPED: NIGHTJAR_TEST_POSTGRES names no server");
        return None;
    };
    let config = Config::from_str(&url).unwrap();
    let host = match config.get_hosts().first() {
        Some(Host::Unix(path)) => path.to_string_lossy().into_owned(),
        Some(Host::Tcp(name)) => name.clone(),
        None => "localhost".into(),
    };
    Some(SqlOptions {
        server: host,
        port: config.get_ports().first().copied(),
        username: config.get_user().unwrap_or("postgres").into(),
        password: Secret::new(String::from_utf8_lossy(config.get_password().unwrap_or_default())),
        database: config.get_dbname().unwrap_or("postgres").into(),
        ..SqlOptions::new(SqlType::Postgres)
    })
}

/// A database of its own on that server.
async fn fresh(server: &SqlOptions, name: &str) -> SqlOptions {
    let database = format!("nightjar_test_{}_{name}", std::process::id());
    run(server, &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
    run(server, &format!("CREATE DATABASE {database}")).await;
    SqlOptions { database, ..server.clone() }
}

async fn drop_database(server: &SqlOptions, options: &SqlOptions) {
    run(server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", options.database)).await;
}

async fn run(options: &SqlOptions, sql: &str) {
    let mut config = Config::new();
    config.user(&options.username).password(options.password.reveal()).dbname(&options.database);
    if options.server.starts_with('/') {
        config.host_path(&options.server);
    } else {
        config.host(&options.server);
    }
    if let Some(port) = options.port {
        config.port(port);
    }
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
}

async fn open(options: &SqlOptions, layout: Layout) -> Store {
    let (database, _) = crate::open(options, layout).await.unwrap();
    Store::new(database, contract::HOST, Limits::from(options))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    let Some(server) = server() else { return };
    for (name, prepared_statements) in [("prepared", true), ("unprepared", false)] {
        let databases =
            [fresh(&server, &format!("{name}_s")).await, fresh(&server, &format!("{name}_m")).await];
        contract::run(|layout| {
            let database = &databases[usize::from(layout == Layout::MultiHost)];
            let options = SqlOptions { prepared_statements, ..database.clone() };
            async move { open(&options, layout).await }
        })
        .await;
        for database in &databases {
            drop_database(&server, database).await;
        }
    }
}

/// As ejabberd made it before it knew password types: `sql/pg.sql` of old.
const OLD_TABLES: &str = "
    CREATE TABLE users (username text PRIMARY KEY, \"password\" text NOT NULL, serverkey text NOT NULL DEFAULT '',
        salt text NOT NULL DEFAULT '', iterationcount integer NOT NULL DEFAULT 0,
        created_at TIMESTAMP NOT NULL DEFAULT now());
    INSERT INTO users (username, password) VALUES ('juliet', 'secret');
    CREATE TABLE privacy_list (username text NOT NULL, name text NOT NULL, id BIGSERIAL UNIQUE,
        created_at TIMESTAMP NOT NULL DEFAULT now());
    CREATE UNIQUE INDEX i_privacy_list_username_name ON privacy_list USING btree (username, name);";

#[tokio::test]
async fn an_old_database_is_brought_up_to_date() {
    static SET_USER: Statement = Statement::upsert("users", &["username", "type"], &["password"]);
    static COUNT: Statement = Statement::new("SELECT count(*) FROM users WHERE {host} AND username = ?");
    let Some(server) = server() else { return };
    let options = fresh(&server, "old").await;
    run(&options, OLD_TABLES).await;
    let rehearsed = crate::rehearse(&options, Layout::MultiHost).await.unwrap();
    assert_eq!((rehearsed.layout, rehearsed.existing), (Layout::SingleHost, true));
    let (database, statements) = crate::open(&options, Layout::MultiHost).await.unwrap();
    assert_eq!(statements, rehearsed.statements);
    assert!(!statements.iter().any(|statement| statement.contains(" privacy_list ")), "{statements:#?}");
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
        // The driver learns of a closed socket a moment after the server closed it.
        let written = timeout(PATIENCE, async {
            while store.execute(&SET, params!["juliet", "1", round.to_string()]).await != Ok(1) {
                tokio::task::yield_now().await;
            }
        });
        written.await.unwrap();
        assert_eq!(store.query(&GET, params!["juliet"]).await.unwrap()[0].int(0), Ok(round));
        let kill = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                    WHERE application_name = 'nightjar' AND datname = '";
        run(&server, &format!("{kill}{}'", options.database)).await;
    }
    let seen = timeout(PATIENCE, async { while store.query(&GET, params!["juliet"]).await.is_err() {} });
    seen.await.unwrap();
    assert!(store.health().is_ready());
    store.close().await;
    drop_database(&server, &options).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let options = SqlOptions { server: "/nonexistent".into(), ..SqlOptions::new(SqlType::Postgres) };
    let error = crate::open(&options, Layout::MultiHost).await.err().unwrap().to_string();
    assert!(error.contains("No such file"), "{error}");
}
