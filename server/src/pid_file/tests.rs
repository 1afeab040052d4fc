use super::write;
use crate::testing::Folder;

#[test]
fn the_file_is_there_as_long_as_the_node_is() {
    let folder = Folder::new();
    let path = folder.path().join("nightjar.pid");
    let guard = write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), std::process::id().to_string());
    drop(guard);
    assert!(!path.exists());
    let guard = write(&path).unwrap();
    std::fs::write(&path, "1\n").unwrap();
    drop(guard);
    assert!(path.exists());
    assert!(write(&folder.path().join("nowhere/x")).is_err());
}
