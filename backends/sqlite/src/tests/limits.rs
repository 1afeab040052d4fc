//! Full disks, slow queries, full queues.

use std::time::Duration;

use nightjar_store::{Statement, StoreError, params};

use super::{ADD, Folder, GET, SET, at, open};
use crate::SqliteOptions;

/// Takes some seconds unless it is interrupted.
static SLOW: Statement = Statement::new(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000) SELECT count(*) FROM n",
);
static SLOW_WRITE: Statement = Statement::new(
    "UPDATE last SET state = (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000) \
     SELECT count(*) FROM n) WHERE {host} AND username = ?",
);
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_full_disk_is_an_error_and_recovers() {
    static LIMIT: Statement = Statement::new("PRAGMA max_page_count = 400");
    static PRUNE: Statement = Statement::new("DELETE FROM last WHERE {host}");
    let store = open(&SqliteOptions::memory());
    store.query(&LIMIT, params![]).await.unwrap();
    let large = "x".repeat(100_000);
    let mut stored = 0;
    let error = loop {
        match store.execute(&ADD, params![format!("user-{stored}"), "1", &large]).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, StoreError::Full);
    assert!(stored > 0);
    let small = store.execute(&SET, params!["user-0", "2", "small"]).await;
    assert_eq!(small, Ok(1), "what needs no room still works");
    let rows = store.query(&GET, params!["user-0"]).await.unwrap();
    assert_eq!(rows[0].int(0), Ok(2));
    assert_eq!(store.execute(&PRUNE, params![]).await, Ok(stored));
    assert_eq!(store.execute(&ADD, params!["after", "1", &large]).await, Ok(1));
}

#[tokio::test]
async fn a_slow_query_is_interrupted_and_the_reader_goes_on() {
    let folder = Folder::new("slow");
    let options = SqliteOptions { readers: 1, query_timeout: SHORT, ..at(&folder.file("data.db")) };
    for store in [open(&options), open(&SqliteOptions { query_timeout: SHORT, ..SqliteOptions::memory() })] {
        assert_eq!(store.query(&SLOW, params![]).await, Err(StoreError::Timeout));
        assert_eq!(store.execute(&ADD, params!["a", "1", ""]).await, Ok(1));
        assert_eq!(store.query(&GET, params!["a"]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_slow_write_is_interrupted_and_its_neighbours_are_kept() {
    let store = open(&SqliteOptions { query_timeout: SHORT, ..SqliteOptions::memory() });
    store.execute(&ADD, params!["slow", "1", "as it was"]).await.unwrap();
    let tickets: Vec<_> = (0..9)
        .map(|number| match number {
            4 => store.submit(vec![(&SLOW_WRITE, params!["slow"])]),
            _ => store.submit(vec![
                (&ADD, params![format!("a{number}"), "1", ""]),
                (&ADD, params![format!("b{number}"), "1", ""]),
            ]),
        })
        .collect();
    for (number, ticket) in tickets.into_iter().enumerate() {
        let expected = if number == 4 { Err(StoreError::Timeout) } else { Ok(()) };
        assert_eq!(ticket.await, expected, "batch {number}");
        let rows = store.query(&GET, params![format!("b{number}")]).await.unwrap();
        assert_eq!(rows.len(), usize::from(number != 4), "row {number}");
    }
    let row = store.query_one(&GET, params!["slow"]).await.unwrap().unwrap();
    assert_eq!(row.text(1).as_deref(), Ok("as it was"));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let options = SqliteOptions { queue_limit: 4, query_timeout: SHORT, ..SqliteOptions::memory() };
    let store = open(&options);
    store.execute(&ADD, params!["slow", "1", ""]).await.unwrap();
    let slow = store.submit(vec![(&SLOW_WRITE, params!["slow"])]);
    let tickets: Vec<_> =
        (0..20).map(|n| store.submit(vec![(&ADD, params![format!("u{n}"), "1", ""])])).collect();
    let mut outcomes = Vec::new();
    for ticket in tickets {
        outcomes.push(ticket.await);
    }
    assert_eq!(slow.await, Err(StoreError::Timeout));
    assert!(outcomes.contains(&Err(StoreError::Busy)), "{outcomes:?}");
    for (number, outcome) in outcomes.iter().enumerate() {
        let rows = store.query(&GET, params![format!("u{number}")]).await.unwrap();
        assert_eq!(rows.len() == 1, outcome.is_ok(), "row {number}: {outcome:?}");
    }
}
