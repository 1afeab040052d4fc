//! Values go in and come out unchanged, whatever they hold.

use super::rows::{fill_archive, state};
use super::{ARCHIVE, GET_LAST, SET_LAST};
use crate::{Statement, Store, StoreError, Value, like_escape, params};

/// Texts that have broken out of SQL somewhere, or been mangled on the way.
const HOSTILE: &[&str] = &[
    "'",
    "''",
    "\"",
    "\\",
    "\\'",
    "\\\\' OR 1=1 -- ",
    "'; DROP TABLE users; --",
    "x' UNION SELECT password FROM users --",
    "%_^[a-z]",
    "$1 ?1 :name @name {host} ?",
    "\u{fffd}\u{feff}\u{200f}",
    "漢字 кириллица العربية",
    "😀👩‍👩‍👧‍👦\u{10ffff}",
    "\u{1}\u{7f}\u{80}\u{85}",
    "\t\r\n ",
    "\u{bf}'\u{bf}\u{5c}",
    "NULL",
    "0x27",
    "`backtick`",
    "/* comment */ # --",
];

pub(super) async fn hostile_texts_are_data(store: &Store) {
    static BY_STATE: Statement =
        Statement::new("SELECT username FROM last WHERE {host} AND state = ? AND username = ?");
    for (position, text) in HOSTILE.iter().enumerate() {
        let user = format!("hostile-{position}");
        store.execute(&SET_LAST, params![&user, *text, *text]).await.unwrap();
        assert_eq!(state(store, &user).await, Some(((*text).into(), (*text).into())), "{text:?} as a value");
        let found = store.query(&BY_STATE, params![*text, &user]).await.unwrap();
        assert_eq!(found.len(), 1, "{text:?} in a condition");
        let key = format!("k{position}{text}k");
        store.execute(&SET_LAST, params![&key, "1", &key]).await.unwrap();
        assert_eq!(state(store, &key).await, Some(("1".into(), key.clone())), "{text:?} in a key");
    }
    let hosts = store.for_host("'; DELETE FROM last; --");
    assert!(hosts.query(&GET_LAST, params!["hostile-0"]).await.is_ok(), "the host is data too");
    assert!(state(store, "hostile-0").await.is_some());
}

pub(super) async fn nul_is_refused(store: &Store) {
    for text in ["\0", "a\0b", "a\0"] {
        assert_eq!(store.query(&GET_LAST, params![text]).await, Err(StoreError::Constraint));
        let write = store.execute(&SET_LAST, params!["nul", "1", text]).await;
        assert_eq!(write, Err(StoreError::Constraint), "{text:?}");
    }
    assert_eq!(state(store, "nul").await, None);
}

pub(super) async fn patterns_are_literal_when_escaped(store: &Store) {
    static LIKE: Statement =
        Statement::new("SELECT username FROM last WHERE {host} AND username LIKE ? ESCAPE '^'");
    for user in ["like100%x", "like100xx", "like_a", "likeba", "like\\x", "like^x"] {
        store.execute(&SET_LAST, params![user, "1", ""]).await.unwrap();
    }
    for part in ["100%x", "_a", "\\x", "^x"] {
        let pattern = format!("like{}%", like_escape(part));
        let rows = store.query(&LIKE, params![pattern]).await.unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.text(0).unwrap().to_string()).collect();
        assert_eq!(found, [format!("like{part}")]);
    }
}

pub(super) async fn every_kind_returns(store: &Store) {
    static PUBLISH: Statement = Statement::upsert(
        "mqtt_pub",
        &["topic"],
        &[
            "username",
            "resource",
            "qos",
            "payload",
            "payload_format",
            "content_type",
            "response_topic",
            "correlation_data",
            "user_properties",
            "expiry",
        ],
    );
    static PUBLISHED: Statement = Statement::new(
        "SELECT qos, payload, correlation_data, expiry FROM mqtt_pub WHERE {host} AND topic = ?",
    );
    let payload: Vec<u8> = (0..=255).collect();
    let values =
        params!["t/1", "u", "r", 2_i64, payload.clone(), 0_i64, "", "", Vec::new(), vec![0_u8], 1_i64 << 40];
    if store.execute(&PUBLISH, values).await == Err(StoreError::Constraint) {
        panic!("mqtt_pub takes 64-bit expiry");
    }
    let row = store.query_one(&PUBLISHED, params!["t/1"]).await.unwrap().unwrap();
    assert_eq!((row.int(0), row.int(3)), (Ok(2), Ok(1 << 40)));
    assert_eq!((row.blob(1), row.blob(2)), (Ok(payload), Ok(Vec::new())));

    static TOKEN: Statement =
        Statement::upsert("auth_fast_tokens", &["username", "ua", "type"], &["token", "expires"]);
    static TOKENS: Statement = Statement::new(
        "SELECT type, expires, created_at FROM auth_fast_tokens WHERE {host} AND username = ? AND expires > ?",
    );
    let expires = 1_900_000_000_000_000;
    store.execute(&TOKEN, params!["kinds", "agent", "n", "secret", Value::Time(expires)]).await.unwrap();
    let row =
        store.query_one(&TOKENS, params!["kinds", Value::Time(expires - 1_000_000)]).await.unwrap().unwrap();
    assert_eq!((row.text(0).as_deref(), row.time(1)), (Ok("n"), Ok(expires)));
    assert!(row.time(2).unwrap() > 1_600_000_000_000_000, "the default is now");
    assert_eq!(store.query(&TOKENS, params!["kinds", Value::Time(expires)]).await, Ok(Vec::new()));
    nulls_and_numbers(store).await;
}

async fn nulls_and_numbers(store: &Store) {
    static NULLS: Statement =
        Statement::new("SELECT max(timestamp), min(txt) FROM archive WHERE {host} AND username = ?");
    static NUMBERS: Statement =
        Statement::new("SELECT timestamp FROM archive WHERE {host} AND username = ? ORDER BY timestamp");
    let row = store.query_one(&NULLS, params!["nobody at all"]).await.unwrap().unwrap();
    assert_eq!((row.opt_int(0), row.opt_text(1)), (Ok(None), Ok(None)));
    let edges = [0, 1, i64::from(u32::MAX) + 1, i64::MAX];
    let calls = edges.iter().map(|n| (&ARCHIVE, params!["edges", *n, "p", "p", "x", "", "chat", "", ""]));
    store.transaction(calls.collect()).await.unwrap();
    let rows = store.query(&NUMBERS, params!["edges"]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.int(0).unwrap()).collect::<Vec<_>>(), edges);
}

pub(super) async fn large_values_return(store: &Store) {
    static TEXT: Statement = Statement::new("SELECT txt FROM archive WHERE {host} AND username = ?");
    let large = "é漢😀 ".repeat(200_000);
    fill_archive(store, "large", 1, |_| large.clone()).await;
    let row = store.query_one(&TEXT, params!["large"]).await.unwrap().unwrap();
    assert!(row.text(0).unwrap() == large, "two megabytes return as they were");
}
