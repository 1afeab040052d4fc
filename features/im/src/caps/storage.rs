//! What software can do, in `caps_features`, which all hosts share.

use nightjar_store::{Call, Statement, Store, StoreError, params};
use nightjar_text::Text;

use super::hash::Claim;

static GET: Statement = Statement::new("SELECT feature FROM caps_features WHERE node = ? AND subnode = ?");
static DELETE: Statement = Statement::new("DELETE FROM caps_features WHERE node = ? AND subnode = ?");
static PUT: Statement = Statement::insert("caps_features", &["node", "subnode", "feature"]);

/// The features; none if nothing is known.
pub(super) async fn get(store: &Store, claim: &Claim) -> Result<Option<Vec<Text>>, StoreError> {
    let rows = store.query(&GET, params![&claim.node, &claim.version]).await?;
    let features: Vec<Text> = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    // A number says when ejabberd asked in vain.
    let is_attempt = matches!(features.as_slice(), [only] if only.parse::<u64>().is_ok());
    Ok(Some(features).filter(|features| !features.is_empty() && !is_attempt))
}

/// Keeps features that were proven.
pub(super) async fn put(store: &Store, claim: &Claim, features: &[Text]) -> Result<(), StoreError> {
    let mut calls: Vec<Call> = vec![(&DELETE, params![&claim.node, &claim.version])];
    calls.extend(
        features.iter().map(|feature| -> Call { (&PUT, params![&claim.node, &claim.version, feature]) }),
    );
    store.transaction(calls).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use nightjar_text::Text;

    use super::super::hash::{Algorithm, Claim};
    use super::{get, put};

    #[tokio::test]
    async fn features_are_kept_by_software_and_version() {
        let store = nightjar_sqlite::temporary("localhost");
        let claim = |version: &str| Claim {
            node: Text::new("http://psi-im.org"),
            version: Text::new(version),
            algorithm: Algorithm::Sha1,
        };
        assert_eq!(get(&store, &claim("1")).await.unwrap(), None);
        let features = vec![Text::new("urn:a"), Text::new("urn:b")];
        put(&store, &claim("1"), &features).await.unwrap();
        put(&store, &claim("1"), &features).await.unwrap();
        assert_eq!(get(&store, &claim("1")).await.unwrap(), Some(features));
        assert_eq!(get(&store, &claim("2")).await.unwrap(), None);
        put(&store, &claim("2"), &[Text::new("1700000000")]).await.unwrap();
        assert_eq!(get(&store, &claim("2")).await.unwrap(), None);
    }
}
