use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Home;
use crate::testing::Folder;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_else_may_look() {
    let folder = Folder::new();
    let home = Home::locate(Some(folder.path().join("deep/home")));
    home.prepare().unwrap();
    assert_eq!((mode(home.path()), mode(&home.logs())), (0o700, 0o700));

    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    home.prepare().unwrap();
    assert_eq!(mode(home.path()), 0o700);
}
