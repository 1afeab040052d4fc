use super::*;
use crate::tests::Folder;

#[test]
fn the_holder_of_the_lock_is_the_node() {
    let folder = Folder::new();
    let path = folder.path().join("nightjar.lock");
    let file = fs::File::create(&path).unwrap();
    let proc = Path::new("/proc");
    assert_eq!(NodeProcess::find(proc, &path), None);
    file.lock().unwrap();
    let node = NodeProcess::find(proc, &path).unwrap();
    assert_eq!(node.pid, std::process::id());
    assert_eq!(node.uid, fs::metadata(&path).unwrap().uid());
    assert!(node.nofile.is_some_and(|limit| limit > 0));
    assert_eq!(NodeProcess::find(proc, &folder.path().join("none")), None);
}
