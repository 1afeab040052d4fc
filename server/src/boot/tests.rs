use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::lock;
use crate::home::Home;
use crate::testing::{Folder, Running};

#[tokio::test]
async fn a_node_starts_and_leaves_nothing_open_to_others() {
    let running = Running::start("hosts: [localhost]\n").await;
    assert_eq!(running.ctl("register alice localhost pw").await.1, 0);
    for entry in fs::read_dir(running.node.home.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
    running.node.stop().await;
}

#[tokio::test]
async fn what_can_not_start_says_why() {
    for (yaml, why) in [
        ("hosts: [localhost]\nsql_type: odbc\n", "sql_type"),
        (
            "hosts: [localhost]\nlisten:\n  - module: ejabberd_c2s\n    port: \"unix:@DIR@/none/a.sock\"\n",
            "none/a.sock",
        ),
        ("hosts: [localhost]\nmodules:\n  mod_pnig: {}\n", "mod_pnig"),
    ] {
        let error = Running::try_start(yaml).await.err().unwrap();
        assert!(format!("{error:#}").contains(why), "{error:#}");
    }
}

#[test]
fn a_home_has_one_node() {
    let folder = Folder::new();
    let home = Home::locate(Some(folder.path().join("home")));
    home.prepare().unwrap();
    let first = lock(&home).unwrap();
    assert_eq!(lock(&home).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    drop(first);
    lock(&home).unwrap();
}
