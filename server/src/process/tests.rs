use std::path::PathBuf;

use nightjar_sandbox::privileges;

use super::{choose_user, is_missing, low_ports};
use crate::home::Home;
use crate::node::read_config;
use crate::testing::Folder;

#[test]
fn who_it_runs_as() {
    let root = privileges::is_root();
    for (named, has_configuration, allowed, wanted) in [
        (None, false, false, "stays"),
        (None, true, true, "stays"),
        (None, true, false, if root { "--user NAME" } else { "stays" }),
        (Some("no-such-user"), true, false, "there is no user no-such-user"),
        (Some("root"), false, true, "root is root itself"),
        (Some("54321:54321"), true, false, "becomes 54321"),
    ] {
        let said = match choose_user(named, has_configuration, allowed) {
            Ok(None) => "stays".to_owned(),
            Ok(Some(user)) => format!("becomes {}", user.name()),
            Err(error) => format!("{error:#}"),
        };
        assert!(said.contains(wanted), "{named:?} {has_configuration} {allowed}: {said}");
    }
}

#[test]
fn ports_that_only_root_may_bind() {
    let folder = Folder::new();
    let file = folder.path().join("ejabberd.yml");
    let yaml = "hosts: [localhost]\nlisten:\n  - {module: ejabberd_c2s, port: 443, ip: \"127.0.0.1\"}\n  \
                - {module: ejabberd_c2s, port: 5222}\n  - {module: ejabberd_c2s, port: \"unix:/run/x.sock\"}\n";
    std::fs::write(&file, yaml).unwrap();
    let (config, _) = read_config(Some(&file), &Home::locate(Some(folder.path().to_owned()))).unwrap();
    let found: Vec<String> = low_ports(&config, 1024).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["127.0.0.1:443"]);
    assert_eq!(low_ports(&config, 80), []);
}

#[test]
fn missing_folders() {
    assert!(is_missing(&PathBuf::from("/no/such")));
    assert!(!is_missing(&PathBuf::from("/")) && !is_missing(&PathBuf::new()));
}
