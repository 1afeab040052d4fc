use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::FileType;

use super::Sensitivity::{Private, Shared};
use super::{Finding, Me, Status, Verdict, check, check_parents, check_tree, holds_key, judge};
use crate::testing::Folder;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn verdicts() {
    let me = Me { user: 1000, groups: vec![1000, 50] };
    let file =
        Status { kind: FileType::RegularFile, mode: 0o600, owner: 1000, group: 1000, has_other_names: false };
    let folder = Status { kind: FileType::Directory, mode: 0o755, has_other_names: true, ..file };
    let link = Status { kind: FileType::Symlink, mode: 0o777, ..file };
    let roots = Status { owner: 0, group: 50, mode: 0o640, ..file };
    let cases = [
        (Private, file, "fine"),
        (Private, Status { mode: 0o644, ..file }, "600"),
        (Private, Status { mode: 0o660, kind: FileType::Socket, ..file }, "600"),
        (Private, folder, "700"),
        (Private, Status { mode: 0o644, has_other_names: true, ..file }, "chmod go= /x"),
        (Private, Status { mode: 0o600, has_other_names: true, ..file }, "fine"),
        (Private, Status { owner: 0, ..file }, "chown 1000 /x"),
        (Private, Status { owner: 7, ..folder }, "chown -R 1000 /x"),
        (Private, link, "fine"),
        (Private, Status { owner: 7, ..link }, "rm /x"),
        (Shared, Status { mode: 0o640, ..file }, "600"),
        (Shared, roots, "fine"),
        (Shared, Status { group: 0, ..roots }, "fine"),
        (Shared, Status { group: 51, ..roots }, "chgrp 1000 /x && chmod 640 /x"),
        (Shared, Status { mode: 0o644, ..roots }, "chgrp 1000 /x && chmod 640 /x"),
        (Shared, Status { mode: 0o660, ..roots }, "chgrp 1000 /x && chmod 640 /x"),
        (Shared, Status { owner: 7, ..file }, "chown 0:1000 /x && chmod 640 /x"),
    ];
    for (sensitivity, status, wanted) in cases {
        let said = match judge(&status, sensitivity, &me, Path::new("/x")) {
            Verdict::Fine => "fine".to_owned(),
            Verdict::Tighten(mode) => format!("{mode:o}"),
            Verdict::Refuse(_, command) => command,
        };
        assert_eq!(said, wanted, "{sensitivity:?} {status:?}");
    }
}

#[test]
fn what_is_ours_is_tightened() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let open = folder.file("open", 0o644);
    let found = check_tree(folder.path()).unwrap();
    assert_eq!((found.len(), mode(&open), mode(folder.path())), (2, 0o600, 0o700), "{found:?}");
    assert_eq!(check_tree(folder.path()).unwrap(), []);

    let config = folder.file("it's.yml", 0o664);
    let said = check(&config, Shared).unwrap();
    assert_eq!(said, Finding::Tightened { path: config.clone(), was: 0o664 });
    assert_eq!(mode(&config), 0o600);
    assert!(check(&folder.path().join("nothing"), Private).is_err());
}

#[test]
fn links_change_nothing_elsewhere() {
    let (folder, other) = (Folder::new(), Folder::new());
    let victim = other.file("victim", 0o644);
    symlink(&victim, folder.path().join("link")).unwrap();
    fs::hard_link(&victim, folder.path().join("name")).unwrap();
    let found = check_tree(folder.path()).unwrap();
    assert_eq!(mode(&victim), 0o644);
    let refused = |found: &&Finding| matches!(found, Finding::Refused { path, .. } if path.ends_with("name"));
    assert_eq!(found.iter().filter(refused).count(), 1, "{found:?}");
    // A configuration may be a link: what it leads to counts.
    let config = other.file("config", 0o644);
    symlink(&config, folder.path().join("ejabberd.yml")).unwrap();
    let said = check(&folder.path().join("ejabberd.yml"), Shared).unwrap();
    assert_eq!((said, mode(&config)), (Finding::Tightened { path: config.clone(), was: 0o644 }, 0o600));
}

#[test]
fn what_is_not_ours_is_refused_with_the_command() {
    let folder = Folder::new();
    let theirs = folder.file("their key", 0o600);
    let user = rustix::process::geteuid().as_raw();
    if user != 0 {
        // Only root can give a file away; root's own stands for a stranger's then.
        assert!(matches!(check(Path::new("/etc"), Private).unwrap(), Finding::Refused { .. }));
        return;
    }
    std::os::unix::fs::chown(&theirs, Some(12_345), Some(12_345)).unwrap();
    let said = check(&theirs, Private).unwrap().to_string();
    assert!(said.ends_with(&format!("run: chown 0 '{}'", theirs.display())), "{said}");
    let said = check(&theirs, Shared).unwrap().to_string();
    assert!(said.contains("chown 0:0 ") && said.contains("&& chmod 640 "), "{said}");
}

#[test]
fn folders_where_all_may_write_are_told() {
    let folder = Folder::new();
    let home = folder.path().join("open/home");
    fs::create_dir_all(&home).unwrap();
    assert_eq!(check_parents(&home), []);
    let open = folder.path().join("open");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(check_parents(&home), [Finding::Replaceable { path: open.clone() }]);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(check_parents(&home), []);
}

#[test]
fn keys_are_seen() {
    let folder = Folder::new();
    let path = folder.path().join("pem");
    for (text, holds) in [
        ("-----BEGIN CERTIFICATE-----\nAA==\n", false),
        ("-----BEGIN EC PRIVATE KEY-----\nAA==\n", true),
        ("-----BEGIN PRIVATE KEY-----\nAA==\n", true),
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(holds_key(&path), holds, "{text}");
    }
}
