//! Reading and counting rows.

use super::{ADD_LAST, ARCHIVE, COUNT_ARCHIVE, DROP_LAST, GET_LAST, SET_LAST};
use crate::{Layout, Statement, Store, StoreError, params};

pub(super) async fn changes_are_counted(store: &Store) {
    assert_eq!(store.execute(&ADD_LAST, params!["count", "1", "a"]).await, Ok(1));
    assert_eq!(store.execute(&ADD_LAST, params!["count", "2", "b"]).await, Err(StoreError::Constraint));
    assert_eq!(state(store, "count").await, Some(("1".into(), "a".into())));
    static TOUCH: Statement = Statement::new("UPDATE last SET state = ? WHERE {host} AND username = ?");
    assert_eq!(store.execute(&TOUCH, params!["a", "count"]).await, Ok(1), "a row that stays the same counts");
    assert_eq!(store.execute(&TOUCH, params!["a", "nobody"]).await, Ok(0));
    for (seconds, text) in [(2_i64, "b"), (2, "b"), (3, "c")] {
        assert_eq!(store.execute(&SET_LAST, params!["count", seconds.to_string(), text]).await, Ok(1));
    }
    assert_eq!(state(store, "count").await, Some(("3".into(), "c".into())));
    static ADD_NEW: Statement = Statement::insert_new("last", &["username", "seconds", "state"]);
    assert_eq!(store.execute(&ADD_NEW, params!["count", "9", "z"]).await, Ok(0));
    assert_eq!(store.execute(&ADD_NEW, params!["count2", "9", "z"]).await, Ok(1));
    assert_eq!(store.execute(&DROP_LAST, params!["count"]).await, Ok(1));
    assert_eq!(store.execute(&DROP_LAST, params!["count"]).await, Ok(0));
    assert_eq!(state(store, "count").await, None);
}

pub(super) async fn hosts_do_not_see_each_other(store: &Store) {
    if store.layout() == Layout::SingleHost {
        return;
    }
    let other = store.for_host("other.example");
    store.execute(&SET_LAST, params!["shared", "1", "here"]).await.unwrap();
    assert_eq!(state(&other, "shared").await, None);
    other.execute(&SET_LAST, params!["shared", "2", "there"]).await.unwrap();
    assert_eq!(state(store, "shared").await, Some(("1".into(), "here".into())));
    assert_eq!(other.execute(&DROP_LAST, params!["shared"]).await, Ok(1));
    assert_eq!(state(store, "shared").await, Some(("1".into(), "here".into())));
    static JOINED: Statement = Statement::new(
        "SELECT a.state FROM last AS a JOIN last AS b ON a.username = b.username \
         WHERE {host:a} AND {host:b} AND a.username = ?",
    );
    assert_eq!(store.query(&JOINED, params!["shared"]).await.unwrap().len(), 1);
}

pub(super) async fn pages_are_read_by_key(store: &Store) {
    fill_archive(store, "pages", 25, |n| format!("text {n}")).await;
    static FORWARD: Statement = Statement::new(
        "SELECT timestamp, xml, peer, kind, nick, txt FROM archive \
         WHERE {host} AND username = ? AND timestamp > ? ORDER BY timestamp LIMIT ?",
    );
    static BACKWARD: Statement = Statement::new(
        "SELECT timestamp, xml FROM archive \
         WHERE {host} AND username = ? AND timestamp < ? ORDER BY timestamp DESC LIMIT ?",
    );
    let (mut seen, mut last) = (Vec::new(), 0);
    loop {
        let page = store.query(&FORWARD, params!["pages", last, 10_i64]).await.unwrap();
        let Some(row) = page.last() else { break };
        last = row.int(0).unwrap();
        seen.extend(page.iter().map(|row| row.int(0).unwrap()));
    }
    assert_eq!(seen, (1..=25).collect::<Vec<i64>>());
    let back = store.query(&BACKWARD, params!["pages", 25_i64, 3_i64]).await.unwrap();
    assert_eq!(back.iter().map(|row| row.int(0).unwrap()).collect::<Vec<_>>(), [24, 23, 22]);
    let row = &store.query(&FORWARD, params!["pages", 0_i64, 1_i64]).await.unwrap()[0];
    assert_eq!(row.text(1).as_deref(), Ok("<message n='1'/>"));
    assert_eq!((row.text(3).as_deref(), row.opt_text(4).unwrap().as_deref()), (Ok("chat"), Some("")));
}

pub(super) async fn limited_deletes(store: &Store) {
    fill_archive(store, "prune", 10, |_| String::new()).await;
    static PRUNE: Statement = Statement::new(
        "DELETE FROM archive WHERE id IN (SELECT id FROM (SELECT id FROM archive \
         WHERE {host} AND username = ? AND timestamp < ? ORDER BY timestamp LIMIT ?) AS page)",
    );
    assert_eq!(store.execute(&PRUNE, params!["prune", 8_i64, 4_i64]).await, Ok(4));
    assert_eq!(store.execute(&PRUNE, params!["prune", 8_i64, 4_i64]).await, Ok(3));
    assert_eq!(count(store, "prune").await, 3);
}

pub(super) async fn search_finds_words(store: &Store) {
    let texts = ["Wherefore art thou Romeo", "thou shalt not", "nothing of the kind", ""];
    fill_archive(store, "search", texts.len() as i64, |n| texts[n as usize - 1].to_owned()).await;
    static SEARCH: Statement = Statement::new(
        "SELECT timestamp FROM archive WHERE {host} AND username = ? AND {search:txt} AND timestamp > ? \
         ORDER BY timestamp LIMIT ?",
    );
    for (words, expected) in [
        ("romeo", vec![1]),
        ("SHALT thou", vec![2]),
        ("thou", vec![1, 2]),
        ("wherefore juliet", vec![]),
        ("absent", vec![]),
        ("'; --", vec![]),
        ("*:\"(", vec![]),
    ] {
        let rows = store.query(&SEARCH, params!["search", words, 0_i64, 10_i64]).await.unwrap();
        let found: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        assert_eq!(found, expected, "{words}");
    }
}

pub(super) async fn mistakes_are_errors_and_harm_nothing(store: &Store) {
    static NO_COLUMN: Statement = Statement::new("SELECT no_such_column FROM last WHERE username = ?");
    static NO_TABLE: Statement = Statement::new("DELETE FROM no_such_table WHERE username = ?");
    static NO_KEY: Statement = Statement::upsert("last", &["state"], &["seconds"]);
    let is_other = |error: StoreError| matches!(error, StoreError::Other(_));
    assert!(is_other(store.query(&NO_COLUMN, params!["x"]).await.unwrap_err()));
    assert!(is_other(store.execute(&NO_TABLE, params!["x"]).await.unwrap_err()));
    assert!(is_other(store.execute(&NO_KEY, params!["x", "y"]).await.unwrap_err()));
    assert!(is_other(store.query(&GET_LAST, params![]).await.unwrap_err()), "too few parameters");
    assert!(is_other(store.query(&GET_LAST, params!["a", "b"]).await.unwrap_err()), "too many");
    store.execute(&SET_LAST, params!["after mistakes", "1", "fine"]).await.unwrap();
    assert_eq!(state(store, "after mistakes").await, Some(("1".into(), "fine".into())));
    assert!(store.health().is_ready());
}

pub(super) async fn fill_archive(store: &Store, user: &str, rows: i64, text: impl Fn(i64) -> String) {
    let calls = (1..=rows).map(|n| {
        let xml = format!("<message n='{n}'/>");
        let peer = "romeo@example.net";
        (&ARCHIVE, params![user, n, format!("{peer}/orchard"), peer, xml, text(n), "chat", "", ""])
    });
    let counts = store.transaction(calls.collect()).await.unwrap();
    assert_eq!(counts, vec![1; rows as usize]);
}

pub(super) async fn count(store: &Store, user: &str) -> i64 {
    store.query(&COUNT_ARCHIVE, params![user]).await.unwrap()[0].int(0).unwrap()
}

pub(super) async fn state(store: &Store, user: &str) -> Option<(String, String)> {
    let row = store.query_one(&GET_LAST, params![user]).await.unwrap()?;
    Some((row.text(0).unwrap().to_string(), row.text(1).unwrap().to_string()))
}
