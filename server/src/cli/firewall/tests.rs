use std::fs;

use super::*;
use crate::testing::Folder;

const YAML: &str = "hosts: [example.org]\nlisten:\n  - {port: 5222, ip: \"::\", module: ejabberd_c2s, starttls: true}\n  \
                    - {port: 5223, ip: 127.0.0.1, module: ejabberd_c2s, tls: true}\n";

fn printed(change: impl FnOnce(&mut Print)) -> anyhow::Result<String> {
    let folder = Folder::new();
    let file = folder.path().join("ejabberd.yml");
    fs::write(&file, YAML).unwrap();
    let mut print = Print { config: Some(file), ..Print::default() };
    change(&mut print);
    text(&print)
}

#[test]
fn the_table_shows_the_file_and_line() {
    let table = printed(|_| {}).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert!(rows[2].starts_with("| 5222 | tcp") && rows[2].contains("ejabberd.yml:3"), "{table}");
    assert!(rows[3].contains("| local  |") && rows[3].contains("ejabberd.yml:4"), "{table}");
}

#[test]
fn rules_are_for_what_others_reach() {
    let rules = printed(|print| print.format = Format::Nft).unwrap();
    assert!(rules.contains("tcp dport 5222 accept") && !rules.contains("5223"), "{rules}");
    let none = printed(|print| (print.format, print.zone) = (Format::Ufw, Some(Zone::Local))).unwrap();
    assert!(!none.contains("ufw"), "{none}");
}

#[test]
fn the_built_in_configuration_opens_nothing() {
    let rules = printed(|print| (print.config, print.format) = (None, Format::Firewalld)).unwrap();
    assert!(!rules.contains("add-"), "{rules}");
}

#[test]
fn nonsense_is_refused() {
    let why = |change: fn(&mut Print)| format!("{:#}", printed(change).unwrap_err());
    assert!(why(|print| print.cluster_address = vec!["10.0.0.0/40".to_owned()]).contains("10.0.0.0/40"));
    assert!(why(|print| print.config = Some("/nonexistent.yml".into())).contains("mistakes"));
}
