use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{append_private, create_private, create_private_dir, write_private};
use crate::testing::Folder;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_else_may_read_what_is_made() {
    let folder = Folder::new();
    let inner = folder.path().join("deep/home");
    create_private_dir(&inner).unwrap();
    assert_eq!(mode(&inner), 0o700);
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
    create_private_dir(&inner).unwrap();
    assert_eq!(mode(&inner), 0o700);

    let open = folder.file("open", 0o644);
    append_private(&open).unwrap();
    assert_eq!(mode(&open), 0o600);
    assert!(create_private(&open).is_err());

    let whole = folder.file("whole", 0o666);
    folder.file("whole.new", 0o666);
    write_private(&whole, b"new").unwrap();
    assert_eq!((mode(&whole), fs::read(&whole).unwrap().as_slice()), (0o600, b"new".as_slice()));
}

#[test]
fn no_link_is_followed() {
    let folder = Folder::new();
    let victim = folder.file("victim", 0o644);
    let link = folder.path().join("log");
    symlink(&victim, &link).unwrap();
    assert!(append_private(&link).is_err());
    assert!(create_private(&link).is_err());
    symlink(&victim, folder.path().join("key.new")).unwrap();
    write_private(&folder.path().join("key"), b"secret").unwrap();
    assert_eq!((mode(&victim), fs::read(&victim).unwrap().as_slice()), (0o644, b"victim".as_slice()));
}
