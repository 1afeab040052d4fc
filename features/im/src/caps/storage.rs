//! Verified capabilities in `caps_features`: one row per feature, without host, as ejabberd writes them.

use std::sync::Arc;

use nightjar_store::{Call, Statement, Store, StoreError, Ticket, params};
use nightjar_text::Text;

static GET: Statement = Statement::new("SELECT feature FROM caps_features WHERE node = ? AND subnode = ?");
static DELETE: Statement = Statement::new("DELETE FROM caps_features WHERE node = ? AND subnode = ?");
static PUT: Statement = Statement::insert("caps_features", &["node", "subnode", "feature"]);

/// The features behind node and verification string; none if nobody proved them.
pub(super) async fn get(store: &Store, node: &str, ver: &str) -> Result<Option<Arc<[Text]>>, StoreError> {
    let rows = store.query(&GET, params![node, ver]).await?;
    let features: Vec<_> = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    // ejabberd once kept the time of a failed attempt in place of features.
    let is_failure = features.first().is_none_or(|feature| feature.parse::<u64>().is_ok());
    Ok((!is_failure).then(|| features.into()))
}

/// Keeps features. Nobody is promised that they are durable: they can be asked for again.
pub(super) fn put(store: &Store, node: &str, ver: &str, features: &[Text]) -> Ticket {
    let mut calls: Vec<Call> = vec![(&DELETE, params![node, ver])];
    calls.extend(features.iter().map(|feature| -> Call { (&PUT, params![node, ver, feature.clone()]) }));
    store.submit(calls)
}
