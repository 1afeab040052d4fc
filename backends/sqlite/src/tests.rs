//! Whole-backend tests.

mod files;
mod kill;
mod limits;
mod migrations;

use std::path::{Path, PathBuf};

use nightjar_store::{Layout, Limits, Statement, Store, Value, contract, params};

use crate::SqliteOptions;

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("nightjar-sqlite-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(options: &SqliteOptions) -> Store {
    let (database, _) = crate::open(options).unwrap();
    Store::new(database, contract::HOST, Limits::default())
}

fn at(path: &Path) -> SqliteOptions {
    SqliteOptions::new(path)
}

static ADD: Statement = Statement::insert("last", &["username", "seconds", "state"]);
static SET: Statement = Statement::upsert("last", &["username"], &["seconds", "state"]);
static GET: Statement = Statement::new("SELECT seconds, state FROM last WHERE {host} AND username = ?");

#[tokio::test]
async fn a_temporary_database_keeps_rows_by_host() {
    let store = crate::temporary("a.example");
    assert_eq!(store.execute(&ADD, params!["juliet", 5_i64, "out"]).await, Ok(1));
    assert_eq!(store.execute(&SET, params!["juliet", 7_i64, "in"]).await, Ok(1));
    let row = store.query_one(&GET, params!["juliet"]).await.unwrap().unwrap();
    assert_eq!((row.int(0), row.value(1).cloned()), (Ok(7), Ok(Value::from("in"))));
    assert_eq!(store.for_host("b.example").query(&GET, params!["juliet"]).await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_the_contract() {
    let folder = Folder::new("contract");
    contract::run(|layout| {
        let path = folder.file(if layout == Layout::MultiHost { "multi.db" } else { "single.db" });
        async move { open(&SqliteOptions { layout, ..at(&path) }) }
    })
    .await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    contract::run(|layout| async move { open(&SqliteOptions { layout, ..SqliteOptions::memory() }) }).await;
}

/// The queries that run all day find their rows through an index, in both layouts.
#[tokio::test]
async fn plans_use_indexes() {
    static PAGE: Statement = Statement::new(
        "SELECT xml FROM archive WHERE {host} AND username = ? AND timestamp > ? ORDER BY timestamp LIMIT ?",
    );
    static SPOOL: Statement = Statement::new(
        "SELECT seq, xml FROM spool WHERE {host} AND username = ? AND seq > ? ORDER BY seq LIMIT ?",
    );
    static WHOLE: Statement = Statement::new("SELECT xml FROM archive WHERE {host} AND xml = ?");
    for layout in [Layout::MultiHost, Layout::SingleHost] {
        let store = open(&SqliteOptions { layout, ..SqliteOptions::memory() });
        for (statement, params) in [
            (&GET, params!["a"]),
            (&PAGE, params!["a", 1_i64, 10_i64]),
            (&SPOOL, params!["a", 1_i64, 10_i64]),
        ] {
            let plan = crate::query_plan(&store, statement, params).await.unwrap();
            assert_eq!(plan.len(), 1, "{plan:?}");
            assert!(plan[0].starts_with("SEARCH") && plan[0].contains("INDEX"), "{plan:?}");
        }
    }
    let store = open(&SqliteOptions { layout: Layout::SingleHost, ..SqliteOptions::memory() });
    assert_eq!(crate::query_plan(&store, &WHOLE, params!["a"]).await.unwrap(), ["SCAN archive"]);
}
