use std::fs;

use nightjar_net_listen::Certificates;

use super::{expand, own_certificate};
use crate::testing::{Folder, Running};

#[test]
fn patterns_match_files() {
    let folder = Folder::new();
    for name in ["b.pem", "a.pem", "c.key"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(folder.path().join("d/e.pem"), "").unwrap();
    let found = |pattern: &str| -> Vec<String> {
        let found = expand(&folder.path().join(pattern));
        found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
    };
    assert_eq!(found("*.pem"), ["a.pem", "b.pem"]);
    assert_eq!(found("?.key"), ["c.key"]);
    assert_eq!(found("*/e.pem"), ["d/e.pem"]);
    assert_eq!(found("a.pem"), ["a.pem"]);
    assert!(found("none.pem").is_empty());
    assert!(found("none/*.pem").is_empty());
}

#[test]
fn an_own_certificate_is_made_once() {
    let folder = Folder::new();
    let path = folder.path().join("own.pem");
    let make = |hosts: &[&str]| {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        own_certificate(&path, &hosts).unwrap();
        fs::read(&path).unwrap()
    };
    let first = make(&["a.example", "b.example"]);
    assert_eq!(make(&["b.example"]), first);
    assert_ne!(make(&["c.example"]), first);
    let certificates = Certificates::default();
    certificates.load(std::slice::from_ref(&path)).unwrap();
    assert!(certificates.covers("c.example"));
    assert!(!certificates.covers("a.example"));
    fs::write(&path, "damaged").unwrap();
    make(&["d.example"]);
    certificates.load(&[path]).unwrap();
    assert!(certificates.covers("d.example"));
}

#[tokio::test]
async fn hosts_without_a_certificate_get_one() {
    let running = Running::start("hosts: [one.example, two.example]\n").await;
    assert!(running.node.certificates.covers("one.example"));
    assert!(running.node.certificates.covers("two.example"));
    running.node.stop().await;
    let missing = Running::try_start("hosts: [one.example]\ncertfiles: [@DIR@/none.pem]\n").await;
    let why = format!("{:#}", missing.err().unwrap());
    assert!(why.contains("none.pem"), "{why}");
    // A folder that is still empty is one where certificates come later.
    let later = Running::start("hosts: [one.example]\ncertfiles: [\"@DIR@/certs/*.pem\"]\n").await;
    assert!(later.node.certificates.covers("one.example"));
    later.node.stop().await;
}
