use std::path::PathBuf;

use super::{Certificates, end_point_hash, xmpp_addresses};

fn write(name: &str, names: &[&str], with_key: bool) -> PathBuf {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let mut pem = made.cert.pem();
    if with_key {
        pem.push_str(&made.signing_key.serialize_pem());
    }
    let path = std::env::temp_dir().join(format!("nightjar-{}-{name}.pem", std::process::id()));
    std::fs::write(&path, pem).unwrap();
    path
}

#[test]
fn each_domain_gets_its_own_certificate_and_others_the_first() {
    let files = [write("one", &["one.example"], true), write("two", &["two.example", "*.two.example"], true)];
    let certificates = Certificates::default();
    certificates.load(&files).unwrap();
    let of = |name: &str| certificates.find(name).unwrap().cert[0].clone();
    assert_ne!(of("one.example"), of("two.example"));
    assert_eq!(of("chat.two.example"), of("two.example"));
    assert_eq!(of("elsewhere.example"), of("one.example"));
    assert!(certificates.covers("chat.two.example"));
    assert!(!certificates.covers("a.b.two.example"), "a wildcard stands for one label (RFC 6125 §6.4.3)");
    assert_eq!(end_point_hash(&of("one.example")).unwrap().len(), 32);
    assert!(xmpp_addresses(&of("one.example")).is_empty());
    for file in files {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_certificate_without_key_is_refused_and_nothing_changes() {
    let good = write("good", &["good.example"], true);
    let bad = write("bad", &["bad.example"], false);
    let certificates = Certificates::default();
    certificates.load(std::slice::from_ref(&good)).unwrap();
    assert!(certificates.load(std::slice::from_ref(&bad)).is_err());
    assert!(certificates.covers("good.example"));
    for file in [good, bad] {
        std::fs::remove_file(file).unwrap();
    }
}
