use std::path::{Path, PathBuf};

use super::*;
use crate::Environment;
use crate::testing::{config, load_files, node};

fn keywords() -> Keywords {
    let environment = Environment {
        home: PathBuf::from("/var/lib/nightjar"),
        database_path: PathBuf::from("/db"),
        log_path: PathBuf::from("/log"),
        ..Environment::default()
    };
    let at = node("{}").at;
    Keywords::predefined(&environment, "26.4.0", Path::new("/etc/nightjar/c.yml"), &at)
        .with(&node("{NAME: value, LIST: [a, b]}"))
        .with_host(&"münchen.example".into(), &at)
}

#[test]
fn keywords_are_replaced_in_values() {
    for (text, expected) in [
        ("\"@HOME@/upload\"", "/var/lib/nightjar/upload"),
        ("\"@CONFIG_PATH@\"", "/etc/nightjar"),
        ("\"@DATABASE_PATH@\"", "/db"),
        ("\"@LOG_PATH@\"", "/log"),
        ("\"@SEMVER@ @VERSION@\"", "26.4.0 26.04"),
        ("conference.@HOST@", "conference.münchen.example"),
        ("\"https://@HOST_URL_ENCODE@:5443/\"", "https://m%C3%BCnchen.example:5443/"),
        ("HOST", "münchen.example"),
        ("\"HOST\"", "HOST"),
        ("NAME", "value"),
        ("LIST", "[a, b]"),
        ("\"@LIST@\"", "\"@LIST@\""),
        ("\"@UNKNOWN@\"", "\"@UNKNOWN@\""),
        ("[{a: NAME}]", "[{a: value}]"),
        ("{NAME: x}", "{NAME: x}"),
    ] {
        let wrapped = node(&format!("[{text}]"));
        assert_eq!(keywords().apply(&wrapped), node(&format!("[{expected}]")), "{text}");
    }
}

#[test]
fn versions_are_shown_as_ejabberd_shows_them() {
    for (version, shown) in [
        ("26.4.0", "26.04"),
        ("26.4.1", "26.04.1"),
        ("26.10.0", "26.10"),
        ("0.1.0", "0.1.0"),
        ("x", "x"),
        ("26.10.1", "26.10.1"),
    ] {
        assert_eq!(short_version(version), shown);
    }
}

#[test]
fn hosts_may_define_their_own() {
    let config = config(
        "hosts: [a, b, c]\ndefine_keyword: {WORD: all, TWO: 2}\nhost_config:\n  b:\n    define_keyword: {WORD: mine}\n\
         modules:\n  mod_vcard: {name: \"@WORD@ at @HOST@\"}\nlanguage: en\n",
    );
    let name = |host: &str| config.host(host).module("mod_vcard").unwrap().text("name");
    assert_eq!([name("a"), name("b"), name("c")], ["all at a", "mine at b", "all at c"]);
}

#[test]
fn the_file_may_set_its_version() {
    let text = "hosts: [a]\nversion: \"26.7.0\"\nmodules: {mod_vcard: {name: \"@VERSION@\"}}\n";
    let (config, _) = load_files(text, &[], &Environment::default()).unwrap();
    assert_eq!(config.host("a").module("mod_vcard").unwrap().text("name"), *"26.07");
}

#[test]
fn hosts_are_no_keyword_at_the_top_level() {
    let config = config(
        "hosts: [a]\nsql_password: \"@HOST@\"\nhost_config: {a: {sql_password: \"@HOST@-@SEMVER@\"}}\n",
    );
    assert_eq!(config.global.text("sql_password"), *"@HOST@");
    assert_eq!(config.host("a").options.text("sql_password"), *"@HOST@-0.1.0");
}
