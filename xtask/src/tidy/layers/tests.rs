use super::super::File;
use super::complaints;

fn manifest(folder: &str, name: &str, dependencies: &[&str]) -> File {
    let list: String = dependencies.iter().map(|name| format!("{name}.workspace = true\n")).collect();
    let text = format!(
        "[package]\nname = \"{name}\"\n\n[dependencies]\n{list}\n[dev-dependencies]\ntokio = \"1\"\n"
    );
    File { path: format!("{folder}/Cargo.toml"), text }
}

fn source(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

fn workspace(more: Vec<File>) -> Vec<String> {
    let mut files = vec![
        manifest("wire/jid", "nightjar-jid", &[]),
        manifest("kernel/base", "nightjar-base", &["nightjar-jid", "tokio"]),
        manifest("features/im", "nightjar-im", &["nightjar-base"]),
        manifest("server", "nightjar", &["nightjar-im"]),
    ];
    files.extend(more);
    complaints(&files)
}

#[test]
fn what_the_table_allows_is_allowed() {
    assert_eq!(
        workspace(vec![
            source(
                "wire/jid/src/lib.rs",
                "use std::time::Instant; // tokio::net\nfn f(now: Instant) { my_tokio::x(); }"
            ),
            source("wire/jid/src/x/tests.rs", "use std::fs; fn f() { Instant::now(); }"),
            source("features/im/src/lib.rs", "use nightjar_base::Host;"),
        ]),
        [""; 0]
    );
}

#[test]
fn upward_and_sideways_dependencies_are_refused() {
    for (file, wanted) in [
        (
            manifest("wire/xml", "nightjar-xml", &["nightjar-base"]),
            "wire/xml/Cargo.toml: wire may not use nightjar-base of kernel/base",
        ),
        (manifest("wire/xml", "nightjar-xml", &["tokio"]), "wire/xml/Cargo.toml: wire never uses tokio"),
        (
            manifest("features/rooms", "nightjar-rooms", &["nightjar-im"]),
            "features/rooms/Cargo.toml: features may not use nightjar-im of features/im",
        ),
        (
            manifest("features/rooms", "nightjar-rooms", &["rusqlite"]),
            "features/rooms/Cargo.toml: features never uses rusqlite",
        ),
        (
            manifest("bench", "nightjar-bench", &["nightjar"]),
            "bench/Cargo.toml: the program (nightjar) is used by nothing",
        ),
    ] {
        assert_eq!(workspace(vec![file]), [wanted]);
    }
}

#[test]
fn forbidden_paths_are_refused() {
    for (path, text, wanted) in [
        (
            "wire/jid/src/lib.rs",
            "\nuse std::{fmt, net::IpAddr};",
            "wire/jid/src/lib.rs:2: wire never uses std::net",
        ),
        (
            "wire/jid/src/lib.rs",
            "fn f() { let x = Instant::now(); }",
            "wire/jid/src/lib.rs:1: wire never uses Instant::now",
        ),
        ("wire/jid/src/lib.rs", "fn f() { tokio::spawn(x) }", "wire/jid/src/lib.rs:1: wire never uses tokio"),
        (
            "kernel/base/src/a.rs",
            "use tokio::net::TcpStream;",
            "kernel/base/src/a.rs:1: kernel never uses tokio::net",
        ),
        (
            "kernel/base/src/a.rs",
            "use nightjar_im::Roster;",
            "kernel/base/src/a.rs:1: kernel never uses nightjar-im",
        ),
    ] {
        assert_eq!(workspace(vec![source(path, text)]), [wanted], "{text}");
    }
}

#[test]
fn a_deep_chain_is_refused() {
    let chain: Vec<File> = (0..8)
        .map(|step| {
            let below = format!("chain-{}", step + 1);
            let list = [below.as_str()];
            manifest(&format!("wire/c{step}"), &format!("chain-{step}"), if step < 7 { &list } else { &[] })
        })
        .collect();
    assert_eq!(complaints(&chain), ["wire/c0/Cargo.toml: 7 internal dependencies deep, at most 6"]);
}
