//! The message of the day in `motd`: a row with an empty username holds it, a row for each account that got it.

use nightjar_store::{Call, Statement, Store, StoreError, params};
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::{Stanza, ns};

static GET: Statement = Statement::new("SELECT xml FROM motd WHERE username = '' AND {host}");
static PUT: Statement = Statement::insert("motd", &["username", "xml"]);
static MARK: Statement = Statement::insert_new("motd", &["username", "xml"]);
static DELETE_ALL: Statement = Statement::new("DELETE FROM motd WHERE {host}");
static DELETE_USER: Statement = Statement::new("DELETE FROM motd WHERE username = ? AND {host}");

/// Accounts marked by one transaction.
const MARKS_MAX: usize = 500;

/// The message of the day; none if there is none, or what is stored is no message.
pub(super) async fn get(store: &Store) -> Result<Option<Stanza>, StoreError> {
    let Some(row) = store.query_one(&GET, params![]).await? else { return Ok(None) };
    let xml = row.text(0)?;
    let frame = parse_document(&xml, &Limits::default(), ns::CLIENT).ok();
    let stanza = frame.and_then(|frame| Stanza::from_frame(&frame).ok());
    if stanza.is_none() {
        tracing::warn!(host = store.host(), "the stored message of the day is not a message");
    }
    Ok(stanza)
}

/// Replaces the message of the day; nobody has got the new one.
pub(super) async fn put(store: &Store, stanza: &Stanza) -> Result<(), StoreError> {
    let mut xml = String::with_capacity(stanza.size_hint());
    stanza.write(&mut xml, Some(ns::CLIENT));
    let calls: Vec<Call> = vec![(&DELETE_ALL, params![]), (&PUT, params!["", xml])];
    store.transaction(calls).await.map(|_| ())
}

/// Deletes the message of the day and who got it.
pub(super) async fn delete(store: &Store) -> Result<(), StoreError> {
    store.execute(&DELETE_ALL, params![]).await.map(|_| ())
}

/// Notes that an account got it; false if it got it before.
pub(super) async fn mark(store: &Store, user: &str) -> Result<bool, StoreError> {
    store.execute(&MARK, params![user, ""]).await.map(|count| count > 0)
}

/// Notes that these accounts got it.
pub(super) async fn mark_all(store: &Store, users: &[Text]) -> Result<(), StoreError> {
    for users in users.chunks(MARKS_MAX) {
        let calls = users.iter().map(|user| (&MARK, params![user.clone(), ""])).collect();
        store.transaction(calls).await?;
    }
    Ok(())
}

/// Forgets whether an account got it.
pub(super) async fn forget(store: &Store, user: &str) -> Result<(), StoreError> {
    store.execute(&DELETE_USER, params![user]).await.map(|_| ())
}
