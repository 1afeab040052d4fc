//! Writes: atomic, ordered, durable, and independent of each other.

use super::rows::{count, fill_archive, state};
use super::{ADD_LAST, ARCHIVE, SET_LAST};
use crate::{Statement, Store, StoreError, params};

pub(super) async fn transactions_are_atomic(store: &Store) {
    store.execute(&SET_LAST, params!["atomic", "1", "before"]).await.unwrap();
    let failing = vec![
        (&SET_LAST, params!["atomic", "2", "after"]),
        (&ADD_LAST, params!["atomic-new", "2", ""]),
        (&ADD_LAST, params!["atomic", "2", "duplicate"]),
        (&SET_LAST, params!["atomic-late", "2", ""]),
    ];
    assert_eq!(store.transaction(failing).await, Err(StoreError::Constraint));
    assert_eq!(state(store, "atomic").await, Some(("1".into(), "before".into())));
    assert_eq!(state(store, "atomic-new").await, None);
    assert_eq!(state(store, "atomic-late").await, None);
    let working =
        vec![(&SET_LAST, params!["atomic", "2", "after"]), (&ADD_LAST, params!["atomic-new", "2", ""])];
    assert_eq!(store.transaction(working).await, Ok(vec![1, 1]));
    assert_eq!(state(store, "atomic").await, Some(("2".into(), "after".into())));
    assert_eq!(store.transaction(Vec::new()).await, Ok(Vec::new()));
}

pub(super) async fn a_failing_batch_takes_nothing_along(store: &Store) {
    store.execute(&ADD_LAST, params!["taken", "1", ""]).await.unwrap();
    let tickets: Vec<_> = (0..60)
        .map(|n| {
            let user = format!("neighbour-{n}");
            let mut calls = vec![(&ADD_LAST, params![&user, "1", "a"])];
            match n % 3 {
                1 => calls.push((&ADD_LAST, params!["taken", "2", ""])),
                2 => calls.insert(0, (&ADD_LAST, params!["taken", "2", ""])),
                _ => {}
            }
            store.submit(calls)
        })
        .collect();
    for (n, ticket) in tickets.into_iter().enumerate() {
        let expected = if n % 3 == 0 { Ok(()) } else { Err(StoreError::Constraint) };
        assert_eq!(ticket.await, expected, "batch {n}");
        assert_eq!(state(store, &format!("neighbour-{n}")).await.is_some(), n % 3 == 0, "row {n}");
    }
}

pub(super) async fn rows_that_refer_go_with_their_row(store: &Store) {
    static LIST: Statement = Statement::insert("privacy_list", &["username", "name"]);
    static ITEM: Statement = Statement::new(
        "INSERT INTO privacy_list_data (id, t, value, action, ord, match_all, match_iq, match_message, \
         match_presence_in, match_presence_out) VALUES \
         ((SELECT id FROM privacy_list WHERE {host} AND username = ? AND name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    static ITEMS: Statement = Statement::new(
        "SELECT d.t, d.value, d.action, d.ord, d.match_all, d.match_iq FROM privacy_list_data AS d \
         JOIN privacy_list AS l ON d.id = l.id WHERE {host:l} AND l.username = ? AND l.name = ? ORDER BY d.ord",
    );
    static ALL_ITEMS: Statement = Statement::new("SELECT count(*) FROM privacy_list_data WHERE value = ?");
    static DROP: Statement = Statement::new("DELETE FROM privacy_list WHERE {host} AND username = ?");
    let item = |ord: i64| {
        let mut values = params!["refer", "work", "j", "a@b", "d", ord];
        values.extend(params![true, false, true, false, true]);
        (&ITEM, values)
    };
    let calls = vec![(&LIST, params!["refer", "work"]), item(10), item(-2), item(1_000_000)];
    assert_eq!(store.transaction(calls).await, Ok(vec![1, 1, 1, 1]));
    let rows = store.query(&ITEMS, params!["refer", "work"]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.int(3).unwrap()).collect::<Vec<_>>(), [-2, 10, 1_000_000]);
    assert_eq!(
        (rows[0].text(0).as_deref(), rows[0].bool(4), rows[0].bool(5)),
        (Ok("j"), Ok(true), Ok(false))
    );
    let missing = (&ITEM, {
        let mut values = params!["refer", "absent", "j", "a@b", "d", 1_i64];
        values.extend(params![true, true, true, true, true]);
        values
    });
    assert_eq!(
        store.transaction(vec![missing]).await,
        Err(StoreError::Constraint),
        "a list that is not there"
    );
    assert_eq!(store.execute(&DROP, params!["refer"]).await, Ok(1));
    let left = store.query(&ALL_ITEMS, params!["a@b"]).await.unwrap();
    assert_eq!(left[0].int(0), Ok(0));
}

pub(super) async fn submitted_writes_are_seen_at_once(store: &Store) {
    for n in 0..50_i64 {
        drop(store.submit(vec![(&SET_LAST, params!["seen", n.to_string(), ""])]));
        assert_eq!(state(store, "seen").await, Some((n.to_string(), String::new())));
    }
}

pub(super) async fn batches_of_an_account_keep_their_order(store: &Store) {
    let tickets: Vec<_> = (0..200_i64)
        .map(|n| {
            let user = format!("order-{}", n % 4);
            store.submit(vec![(&SET_LAST, params![user, n.to_string(), ""])])
        })
        .collect();
    for ticket in tickets {
        assert_eq!(ticket.await, Ok(()));
    }
    for n in 0..4_i64 {
        let expected = Some(((196 + n).to_string(), String::new()));
        assert_eq!(state(store, &format!("order-{n}")).await, expected);
    }
}

pub(super) async fn many_tasks_write_at_once(store: &Store) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16_i64 {
        let store = store.clone();
        tasks.spawn(async move {
            for n in 0..50_i64 {
                let user = format!("many-{task}");
                let values = params![&user, n, "p", "p", "<message/>", "", "chat", "", ""];
                assert_eq!(store.execute(&ARCHIVE, values).await, Ok(1));
                assert_eq!(count(&store, &user).await, n + 1, "task {task}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    static ALL: Statement =
        Statement::new("SELECT count(*) FROM archive WHERE {host} AND username LIKE ? ESCAPE '^'");
    let all = store.query(&ALL, params!["many-%"]).await.unwrap();
    assert_eq!(all[0].int(0), Ok(800));
}

pub(super) async fn closing_finishes_what_was_accepted(store: &Store) {
    fill_archive(store, "closing", 1, |_| String::new()).await;
    let tickets: Vec<_> = (0..100_i64)
        .map(|n| store.submit(vec![(&ARCHIVE, params!["closing", n, "p", "p", "x", "", "chat", "", ""])]))
        .collect();
    store.close().await;
    for ticket in tickets {
        assert_eq!(ticket.await, Ok(()));
    }
    let after = store.execute(&SET_LAST, params!["closed", "1", ""]).await;
    assert_eq!(after, Err(StoreError::Unavailable));
}
