//! Whole examinations: a sound installation, and one fault at a time.

mod faults;
mod scenario;

pub(crate) use scenario::Folder;
use scenario::Scenario;

#[track_caller]
fn ids(scenario: &Scenario) -> Vec<String> {
    scenario.examine().iter().map(|finding| finding.id.to_owned()).collect()
}

#[test]
fn a_sound_installation_is_clean() {
    let scenario = Scenario::new();
    assert_eq!(scenario.examine(), []);
}

#[test]
fn a_sound_installation_that_does_not_run_is_clean() {
    let mut scenario = Scenario::new();
    scenario.node = None;
    scenario.sockets.clear();
    assert_eq!(scenario.examine(), []);
}

#[test]
fn each_fault_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for (id, seed) in faults::FAULTS {
        let mut scenario = Scenario::new();
        seed(&mut scenario);
        let mut found = ids(&scenario);
        found.dedup();
        if found != [*id] {
            wrong.push(format!("{id}: found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_of_finding_is_seeded() {
    let unseeded = crate::RULES.iter().filter(|rule| !faults::FAULTS.iter().any(|(id, _)| *id == rule.id));
    assert_eq!(unseeded.map(|rule| rule.id).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn a_finding_names_the_line() {
    let mut scenario = Scenario::new();
    scenario.replace("loglevel: info", "loglevel: debug");
    let found = scenario.examine();
    let line = found[0].line.clone().unwrap();
    assert!(line.file.ends_with("nightjar.yml"));
    assert_eq!((line.line, line.option.as_str()), (2, "loglevel"));
}

#[test]
fn nothing_is_asked_about_private_names() {
    for (host, private) in [
        ("localhost", true),
        ("chat.local", true),
        ("a.test", true),
        ("intranet", true),
        ("192.0.2.1", true),
        ("server.home.arpa", true),
        ("example.org", false),
        ("local.example.org", false),
        ("notlocal", true),
        ("chat.notlocal", false),
    ] {
        assert_eq!(crate::is_private(host), private, "{host}");
    }
}

#[test]
fn names_beyond_ascii_are_asked_for_as_the_dns_has_them() {
    let mut scenario = Scenario::new();
    scenario.yaml = scenario.yaml.replace("example.org", "bücher.example");
    let names = &["xn--bcher-kva.example", "*.xn--bcher-kva.example"];
    scenario.pem = scenario::Issued { names, ..scenario::Issued::default() }.pem();
    scenario.names.rename("example.org", "xn--bcher-kva.example");
    assert_eq!(scenario.examine(), []);
}
