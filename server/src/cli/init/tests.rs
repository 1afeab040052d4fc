use std::fs;

use super::*;
use crate::home::Home;
use crate::node::read_config;
use crate::testing::Folder;

fn arguments(folder: &Folder, host: &str) -> Arguments {
    let (host, admin) = (host.to_owned(), "alice".to_owned());
    Arguments { host, dir: folder.path().to_owned(), admin, dry_run: false }
}

#[test]
fn the_configuration_has_no_mistakes_and_no_remarks() {
    let folder = Folder::new();
    let printed = init(&arguments(&folder, "Example.ORG")).unwrap();
    assert!(printed.contains("_xmpp-client._tcp.example.org."), "{printed}");
    assert!(printed.contains("register alice example.org PASSWORD"), "{printed}");
    let file = folder.path().join("nightjar.yml");
    let home = Home::locate(Some(folder.path().join("home")));
    let (config, remarks) = read_config(Some(&file), &home).map_err(|found| found[0].one_line()).unwrap();
    assert_eq!(remarks.iter().map(|remark| remark.one_line()).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(config.hosts(), ["example.org"]);
    assert_eq!(config.listeners().len(), 2);
    assert!(config.missing().is_empty());
}

#[test]
fn nothing_is_written_twice() {
    let folder = Folder::new();
    init(&arguments(&folder, "example.org")).unwrap();
    let file = folder.path().join("nightjar.yml");
    let before = fs::read(&file).unwrap();
    let error = init(&arguments(&folder, "example.com")).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(InstallError::Exists(path)) if *path == file), "{error:#}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_rehearsal_writes_nothing() {
    let folder = Folder::new();
    let printed = init(&Arguments { dry_run: true, ..arguments(&folder, "example.org") }).unwrap();
    for part in ["/nightjar.yml (0600)", "module: ejabberd_c2s", "ExecStart=", "Next:"] {
        assert!(printed.contains(part), "{part}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_host_that_is_none_is_refused() {
    let folder = Folder::new();
    for host in ["", "a b", "a@b", "a/b", "x\ny"] {
        assert!(init(&arguments(&folder, host)).is_err(), "{host:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
