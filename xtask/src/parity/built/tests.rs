use super::{Item, Kind, commands, in_manual, specifications};

#[test]
fn the_manual_is_read() {
    let manual = "# Configuration\n\n## Top-level options\n\n- **`hosts`** (list) — Hosts.\n  - `nested` (x) — No.\n\n## Listeners\n\n\
                  ### `ejabberd_c2s`\n\n- **`tls`** (bool) — TLS.\n\n## Modules\n\n### `mod_ping`\n\n- **`ping_ack_timeout`** (x) — y.\n\n\
                  ## Known and not supported yet\n\nModules: `mod_muc`.\n";
    let seen: Vec<String> = in_manual(manual).iter().map(|item| format!("{} {item}", item.kind)).collect();
    assert_eq!(
        seen,
        [
            "option hosts",
            "module mod_ping",
            "module-option mod_ping.ping_ack_timeout",
            "listener ejabberd_c2s",
            "listener-option ejabberd_c2s.tls"
        ]
    );
}

#[test]
fn commands_are_found_where_they_are_declared() {
    for (text, wanted) in [
        ("static A: CommandSpec = command(\n    \"kick_user\",\n    &[\"session\"]);", vec!["kick_user"]),
        ("static A: CommandSpec = CommandSpec { name: \"status\", doc: \"x\" };", vec!["status", "status"]),
        ("use base::CommandSpec;\nfn f(spec: &CommandSpec) -> bool { let x = 1; \"a\" == \"b\" }", vec![]),
    ] {
        let seen: Vec<String> =
            commands(text).iter().map(ToString::to_string).filter(|name| !name.is_empty()).collect();
        assert!(
            wanted.is_empty() == seen.is_empty() && seen.iter().all(|name| wanted.contains(&name.as_str())),
            "{text}: {seen:?}"
        );
    }
}

#[test]
fn specifications_are_found() {
    assert_eq!(
        specifications("// XEP-0198 §5, and (XEP-0313)."),
        [Item::new(Kind::Xep, "", "XEP-0198"), Item::new(Kind::Xep, "", "XEP-0313")]
    );
}
