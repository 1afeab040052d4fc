//! Rosters in `rosterusers`, `rostergroups` and `roster_version`.

use std::collections::HashMap;

use nightjar_base::contacts::Subscription;
use nightjar_jid::Jid;
use nightjar_store::{Call, Row, Statement, Store, StoreError, params};
use nightjar_text::Text;

use super::item::{Item, Roster};
use super::state::State;

static ITEMS: Statement = Statement::new(
    "SELECT jid, nick, subscription, approved, ask, askmessage FROM rosterusers WHERE username = ? AND {host}",
);
static GROUPS: Statement = Statement::new("SELECT jid, grp FROM rostergroups WHERE username = ? AND {host}");
static OWNERS: Statement =
    Statement::new("SELECT DISTINCT username FROM rosterusers WHERE {host} ORDER BY username");
static PUT_ITEM: Statement = Statement::upsert(
    "rosterusers",
    &["username", "jid"],
    &["nick", "subscription", "approved", "ask", "askmessage", "server", "subscribe", "type"],
);
static DELETE_ITEM: Statement =
    Statement::new("DELETE FROM rosterusers WHERE username = ? AND jid = ? AND {host}");
static DELETE_GROUPS: Statement =
    Statement::new("DELETE FROM rostergroups WHERE username = ? AND jid = ? AND {host}");
static PUT_GROUP: Statement = Statement::insert("rostergroups", &["username", "jid", "grp"]);
static DELETE_ALL_ITEMS: Statement = Statement::new("DELETE FROM rosterusers WHERE username = ? AND {host}");
static DELETE_ALL_GROUPS: Statement =
    Statement::new("DELETE FROM rostergroups WHERE username = ? AND {host}");
static DELETE_VERSION: Statement = Statement::new("DELETE FROM roster_version WHERE username = ? AND {host}");
static VERSION: Statement =
    Statement::new("SELECT version FROM roster_version WHERE username = ? AND {host}");
static PUT_VERSION: Statement = Statement::upsert("roster_version", &["username"], &["version"]);

/// Reads a roster.
pub async fn load(store: &Store, user: &str) -> Result<Roster, StoreError> {
    let rows = store.query(&ITEMS, params![user]).await?;
    if rows.is_empty() {
        return Ok(Roster::default());
    }
    let mut groups: HashMap<Text, Vec<Text>> = HashMap::new();
    for row in store.query(&GROUPS, params![user]).await? {
        groups.entry(row.text(0)?).or_default().push(row.text(1)?);
    }
    let mut roster = Roster::default();
    for row in rows {
        let address = row.text(0)?;
        let Ok(jid) = Jid::parse(&address) else {
            tracing::warn!(user, contact = %address, "a roster item with a bad address is ignored");
            continue;
        };
        let mut item = read_item(&row)?;
        item.groups = groups.remove(&address).unwrap_or_default();
        item.groups.sort();
        item.groups.dedup();
        roster.items.insert(jid.detach(), item);
    }
    Ok(roster)
}

fn read_item(row: &Row) -> Result<Item, StoreError> {
    let subscription = match row.text(2)?.as_str() {
        "B" => Subscription::Both,
        "T" => Subscription::To,
        "F" => Subscription::From,
        _ => Subscription::None,
    };
    let ask = row.text(4)?;
    let state = State {
        subscription,
        pending_out: matches!(ask.as_str(), "O" | "B" | "S"),
        pending_in: matches!(ask.as_str(), "I" | "B"),
        approved: row.bool(3)?,
    };
    Ok(Item { name: row.text(1)?, state, ask_message: row.text(5)?, groups: Vec::new() })
}

/// The names of those who have rosters.
pub async fn owners(store: &Store) -> Result<Vec<Text>, StoreError> {
    store.query(&OWNERS, params![]).await?.iter().map(|row| row.text(0)).collect()
}

/// The calls that write an item.
pub fn put(user: &str, jid: &Jid, item: &Item) -> Vec<Call> {
    let subscription = match item.state.subscription {
        Subscription::Both => "B",
        Subscription::To => "T",
        Subscription::From => "F",
        Subscription::None => "N",
    };
    let ask = match (item.state.pending_out, item.state.pending_in) {
        (true, true) => "B",
        (true, false) => "O",
        (false, true) => "I",
        (false, false) => "N",
    };
    let contact = jid.as_str();
    let mut calls: Vec<Call> = vec![
        (
            &PUT_ITEM,
            params![
                user,
                contact,
                item.name.clone(),
                subscription,
                item.state.approved,
                ask,
                item.ask_message.clone(),
                "N",
                "",
                "item",
            ],
        ),
        (&DELETE_GROUPS, params![user, contact]),
    ];
    calls.extend(
        item.groups.iter().map(|group| -> Call { (&PUT_GROUP, params![user, contact, group.clone()]) }),
    );
    calls
}

/// The calls that remove an item.
pub fn delete(user: &str, jid: &Jid) -> Vec<Call> {
    vec![(&DELETE_ITEM, params![user, jid.as_str()]), (&DELETE_GROUPS, params![user, jid.as_str()])]
}

/// The calls that remove a whole roster.
pub fn delete_all(user: &str) -> Vec<Call> {
    vec![
        (&DELETE_ALL_ITEMS, params![user]),
        (&DELETE_ALL_GROUPS, params![user]),
        (&DELETE_VERSION, params![user]),
    ]
}

/// The stored version (`store_current_id`).
pub async fn version(store: &Store, user: &str) -> Result<Option<Text>, StoreError> {
    let row = store.query_one(&VERSION, params![user]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// The call that stores a version.
pub fn put_version(user: &str, version: &Text) -> Call {
    (&PUT_VERSION, params![user, version.clone()])
}
