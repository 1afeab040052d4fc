//! Archives in `archive`, preferences in `archive_prefs`.

use nightjar_jid::Jid;
use nightjar_store::{Call, Statement, Store, StoreError, Value, params};
use nightjar_text::Text;

use super::preferences::{Default, Preferences, from_terms, to_terms};

static PUT: Statement = Statement::insert(
    "archive",
    &["username", "timestamp", "peer", "bare_peer", "xml", "txt", "kind", "nick", "origin_id"],
);
static EXISTS: Statement =
    Statement::new("SELECT id FROM archive WHERE username = ? AND {host} AND timestamp = ?");
static COUNT: Statement = Statement::new("SELECT COUNT(*) FROM archive WHERE username = ? AND {host}");
static PREFERENCES: Statement =
    Statement::new("SELECT def, always, never FROM archive_prefs WHERE username = ? AND {host}");
static PUT_PREFERENCES: Statement =
    Statement::upsert("archive_prefs", &["username"], &["def", "always", "never"]);
static DELETE_USER: Statement = Statement::new("DELETE FROM archive WHERE username = ? AND {host}");
static DELETE_PREFERENCES: Statement =
    Statement::new("DELETE FROM archive_prefs WHERE username = ? AND {host}");
static DELETE_PEER: Statement =
    Statement::new("DELETE FROM archive WHERE username = ? AND {host} AND bare_peer = ?");
static DELETE_OLD: Statement = Statement::new("DELETE FROM archive WHERE {host} AND timestamp < ?");
static DELETE_OLD_KIND: Statement =
    Statement::new("DELETE FROM archive WHERE {host} AND timestamp < ? AND kind = ?");
/// The newest of a batch of old messages.
static BATCH: Statement = Statement::new(
    "SELECT timestamp FROM archive WHERE {host} AND timestamp < ? ORDER BY timestamp LIMIT 1 OFFSET ?",
);
static BATCH_KIND: Statement = Statement::new(
    "SELECT timestamp FROM archive WHERE {host} AND timestamp < ? AND kind = ? ORDER BY timestamp LIMIT 1 OFFSET ?",
);
static FIRST: Statement =
    Statement::new("SELECT timestamp FROM archive WHERE username = ? AND {host} ORDER BY timestamp LIMIT 1");
static LAST: Statement = Statement::new(
    "SELECT timestamp FROM archive WHERE username = ? AND {host} ORDER BY timestamp DESC LIMIT 1",
);

/// A message to be archived.
pub(super) struct Record<'a> {
    pub user: &'a str,
    pub id: i64,
    pub peer: &'a Jid,
    pub xml: String,
    pub body: Option<Text>,
    pub origin_id: Option<Text>,
}

/// The call that archives a message.
pub(super) fn put(record: Record<'_>) -> Call {
    let Record { user, id, peer, xml, body, origin_id } = record;
    let text = |text: Option<Text>| text.map_or(Value::Text(Text::empty()), Value::Text);
    let call =
        params![user, id, peer.as_str(), peer.bare_str(), xml, text(body), "chat", "", text(origin_id),];
    (&PUT, call)
}

/// Whether an archive has a message of this identifier.
pub(super) async fn exists(store: &Store, user: &str, id: i64) -> Result<bool, StoreError> {
    Ok(store.query_one(&EXISTS, params![user, id]).await?.is_some())
}

/// How many messages an archive has.
pub(super) async fn count(store: &Store, user: &str) -> Result<i64, StoreError> {
    let row = store.query_one(&COUNT, params![user]).await?;
    Ok(row.map(|row| row.int(0)).transpose()?.unwrap_or(0))
}

/// The oldest and the newest identifier of an archive.
pub(super) async fn ends(store: &Store, user: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let Some(first) = store.query_one(&FIRST, params![user]).await? else { return Ok(None) };
    let Some(last) = store.query_one(&LAST, params![user]).await? else { return Ok(None) };
    Ok(Some((first.int(0)?, last.int(0)?)))
}

/// An account's preferences, if it has any.
pub(super) async fn preferences(store: &Store, user: &str) -> Result<Option<Preferences>, StoreError> {
    let Some(row) = store.query_one(&PREFERENCES, params![user]).await? else { return Ok(None) };
    Ok(Some(Preferences {
        default: Default::parse(&row.text(0)?),
        always: from_terms(&row.text(1)?),
        never: from_terms(&row.text(2)?),
        stored: true,
    }))
}

/// Stores an account's preferences.
pub(super) async fn put_preferences(
    store: &Store,
    user: &str,
    preferences: &Preferences,
) -> Result<(), StoreError> {
    let (always, never) = (to_terms(&preferences.always), to_terms(&preferences.never));
    store
        .execute(&PUT_PREFERENCES, params![user, preferences.default.name(), always, never])
        .await
        .map(|_| ())
}

/// Removes an account's archive and preferences.
pub(super) async fn remove_user(store: &Store, user: &str) -> Result<(), StoreError> {
    let calls: Vec<Call> = vec![(&DELETE_USER, params![user]), (&DELETE_PREFERENCES, params![user])];
    store.transaction(calls).await.map(|_| ())
}

/// Empties an account's archive.
pub(super) async fn empty(store: &Store, user: &str) -> Result<u64, StoreError> {
    store.execute(&DELETE_USER, params![user]).await
}

/// Removes an account's messages with one peer.
pub(super) async fn remove_peer(store: &Store, user: &str, peer: &Jid) -> Result<u64, StoreError> {
    store.execute(&DELETE_PEER, params![user, peer.bare_str()]).await
}

/// Removes the host's messages from before a time; of one kind, or of all.
pub(super) async fn remove_old(store: &Store, before: i64, kind: Option<&str>) -> Result<u64, StoreError> {
    match kind {
        Some(kind) => store.execute(&DELETE_OLD_KIND, params![before, kind]).await,
        None => store.execute(&DELETE_OLD, params![before]).await,
    }
}

/// As [`remove_old`], about `batch` messages, the oldest first; how many they were.
pub(super) async fn remove_batch(
    store: &Store,
    before: i64,
    kind: Option<&str>,
    batch: i64,
) -> Result<u64, StoreError> {
    let newest = match kind {
        Some(kind) => store.query_one(&BATCH_KIND, params![before, kind, batch - 1]).await?,
        None => store.query_one(&BATCH, params![before, batch - 1]).await?,
    };
    let before = newest.map(|row| row.int(0)).transpose()?.map_or(before, |newest| newest + 1);
    remove_old(store, before, kind).await
}
