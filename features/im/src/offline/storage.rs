//! Offline messages in `spool`.

use nightjar_store::{Statement, Store, StoreError, params};
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::{Stanza, ns};

static PUT: Statement = Statement::insert("spool", &["username", "xml"]);
static COUNT: Statement = Statement::new("SELECT COUNT(*) FROM spool WHERE username = ? AND {host}");
static PAGE: Statement = Statement::new(
    "SELECT xml, seq FROM spool WHERE username = ? AND {host} AND seq > ? ORDER BY seq LIMIT ?",
);
static ONE: Statement =
    Statement::new("SELECT xml, seq FROM spool WHERE username = ? AND {host} AND seq = ?");
static DELETE_TO: Statement = Statement::new("DELETE FROM spool WHERE username = ? AND {host} AND seq <= ?");
static DELETE_ONE: Statement = Statement::new("DELETE FROM spool WHERE username = ? AND {host} AND seq = ?");
static DELETE_ALL: Statement = Statement::new("DELETE FROM spool WHERE username = ? AND {host}");
static DELETE_OLD: Statement = Statement::new("DELETE FROM spool WHERE {host} AND created_at < ?");
/// The newest of a batch of old messages.
static BATCH: Statement =
    Statement::new("SELECT seq FROM spool WHERE {host} AND created_at < ? ORDER BY seq LIMIT 1 OFFSET ?");
static DELETE_BATCH: Statement =
    Statement::new("DELETE FROM spool WHERE {host} AND created_at < ? AND seq <= ?");
static HOST_PAGE: Statement =
    Statement::new("SELECT xml, seq FROM spool WHERE {host} AND seq > ? ORDER BY seq LIMIT ?");
static DELETE_SEQ: Statement = Statement::new("DELETE FROM spool WHERE {host} AND seq = ?");

/// A message as it is kept.
pub(super) struct Kept {
    pub seq: i64,
    /// None if what is stored isn't a stanza.
    pub stanza: Option<Stanza>,
    pub xml: Text,
}

/// Keeps a message; it is durable when this returns.
pub(super) async fn put(store: &Store, user: &str, stanza: &Stanza) -> Result<(), StoreError> {
    let mut xml = String::with_capacity(stanza.size_hint());
    stanza.write(&mut xml, Some(ns::CLIENT));
    store.execute(&PUT, params![user, xml]).await.map(|_| ())
}

/// How many messages wait.
pub(super) async fn count(store: &Store, user: &str) -> Result<u64, StoreError> {
    let row = store.query_one(&COUNT, params![user]).await?;
    let count = row.map(|row| row.int(0)).transpose()?.unwrap_or(0);
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Messages behind `seq`, oldest first.
pub(super) async fn page(store: &Store, user: &str, seq: i64, limit: i64) -> Result<Vec<Kept>, StoreError> {
    let rows = store.query(&PAGE, params![user, seq, limit]).await?;
    rows.iter().map(|row| Ok(kept(row.text(0)?, row.int(1)?))).collect()
}

/// One message.
pub(super) async fn one(store: &Store, user: &str, seq: i64) -> Result<Option<Kept>, StoreError> {
    let row = store.query_one(&ONE, params![user, seq]).await?;
    row.map(|row| Ok(kept(row.text(0)?, row.int(1)?))).transpose()
}

fn kept(xml: Text, seq: i64) -> Kept {
    let frame = parse_document(&xml, &Limits::default(), ns::CLIENT).ok();
    let stanza = frame.and_then(|frame| Stanza::from_frame(&frame).ok());
    Kept { seq, stanza, xml }
}

/// Deletes a user's messages up to `seq`.
pub(super) async fn delete_to(store: &Store, user: &str, seq: i64) -> Result<(), StoreError> {
    store.execute(&DELETE_TO, params![user, seq]).await.map(|_| ())
}

/// Deletes one message; false if there was none.
pub(super) async fn delete_one(store: &Store, user: &str, seq: i64) -> Result<bool, StoreError> {
    store.execute(&DELETE_ONE, params![user, seq]).await.map(|count| count > 0)
}

/// Deletes all messages of a user.
pub(super) async fn delete_all(store: &Store, user: &str) -> Result<u64, StoreError> {
    store.execute(&DELETE_ALL, params![user]).await
}

/// Deletes messages kept before a time.
pub(super) async fn delete_old(store: &Store, before_micros: i64) -> Result<u64, StoreError> {
    store.execute(&DELETE_OLD, params![nightjar_store::Value::Time(before_micros)]).await
}

/// As [`delete_old`], at most `batch` messages, the oldest first; how many they were.
pub(super) async fn delete_batch(store: &Store, before_micros: i64, batch: i64) -> Result<u64, StoreError> {
    let before = nightjar_store::Value::Time(before_micros);
    match store.query_one(&BATCH, params![before.clone(), batch - 1]).await? {
        Some(newest) => store.execute(&DELETE_BATCH, params![before, newest.int(0)?]).await,
        None => store.execute(&DELETE_OLD, params![before]).await,
    }
}

/// Messages of all users of the host behind `seq`.
pub(super) async fn host_page(store: &Store, seq: i64, limit: i64) -> Result<Vec<Kept>, StoreError> {
    let rows = store.query(&HOST_PAGE, params![seq, limit]).await?;
    rows.iter().map(|row| Ok(kept(row.text(0)?, row.int(1)?))).collect()
}

/// Deletes a message of any user of the host.
pub(super) async fn delete_seq(store: &Store, seq: i64) -> Result<(), StoreError> {
    store.execute(&DELETE_SEQ, params![seq]).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use nightjar_jid::Jid;
    use nightjar_xmpp::{MessageType, Stanza};

    use super::{count, delete_to, page, put};

    #[tokio::test]
    async fn messages_come_back_in_order_and_only_to_their_owner() {
        let store = nightjar_sqlite::temporary("localhost");
        for number in 0..3 {
            let stanza = Stanza::message(MessageType::Chat)
                .with_from(&Jid::parse("a@b/c").unwrap())
                .with_child(format!("<body>{number} ' \\ \u{1f980}</body>"));
            put(&store, "juliet", &stanza).await.unwrap();
        }
        assert_eq!(count(&store, "juliet").await.unwrap(), 3);
        assert_eq!(count(&store, "romeo").await.unwrap(), 0);
        let kept = page(&store, "juliet", 0, 10).await.unwrap();
        let bodies: Vec<_> =
            kept.iter().map(|kept| kept.stanza.as_ref().unwrap().body().unwrap().into_owned()).collect();
        assert_eq!(bodies, ["0 ' \\ \u{1f980}", "1 ' \\ \u{1f980}", "2 ' \\ \u{1f980}"]);
        delete_to(&store, "juliet", kept[1].seq).await.unwrap();
        assert_eq!(count(&store, "juliet").await.unwrap(), 1);
    }
}
