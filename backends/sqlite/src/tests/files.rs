//! Files: modes, reopening, two handles.

use std::os::unix::fs::PermissionsExt;

use nightjar_store::{StoreError, params};

use super::{ADD, Folder, GET, at, open};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_reads_the_files() {
    let folder = Folder::new("modes");
    let path = folder.file("data.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let store = open(&at(&path));
    store.execute(&ADD, params!["a", "1", ""]).await.unwrap();
    for name in ["data.db", "data.db-wal", "data.db-shm"] {
        assert_eq!(mode(&folder.file(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn rows_are_there_after_reopening() {
    let folder = Folder::new("reopen");
    let path = folder.file("data.db");
    let store = open(&at(&path));
    store.execute(&ADD, params!["juliet", "1", "x"]).await.unwrap();
    store.close().await;
    assert_eq!(store.query(&GET, params!["juliet"]).await, Err(StoreError::Unavailable));
    drop(store);
    assert!(!folder.file("data.db-wal").exists(), "a clean end leaves one file");
    assert_eq!(open(&at(&path)).query(&GET, params!["juliet"]).await.unwrap().len(), 1);
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = Folder::new("garbage");
    let path = folder.file("data.db");
    std::fs::write(&path, "this is not a database, however long it may be".repeat(100)).unwrap();
    let error = crate::open(&at(&path)).err().unwrap().to_string();
    assert!(error.contains("not a database"), "{error}");
    let error = crate::open(&at(&folder.file("no/such/folder/x.db"))).err().unwrap().to_string();
    assert!(error.contains("no/such/folder"), "{error}");
}
