//! Whole-backend tests.

use nightjar_store::{Statement, Value, params};

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
