use proptest::prelude::*;

use super::*;
use crate::testing::{config, declarations, lines, load_text, remarks};

fn supported(remarks: Vec<String>) -> Vec<String> {
    remarks.into_iter().filter(|line| !line.contains("not supported yet")).collect()
}

#[test]
fn ejabberds_files_load_with_warnings_only() {
    for text in [include_str!("../../testdata/interop.yml"), include_str!("../../testdata/port-plan.yml")] {
        let path = Path::new("ejabberd.yml");
        let files = BTreeMap::from([(path.to_owned(), text.as_bytes().to_vec())]);
        for declared in [Declarations::default(), declarations()] {
            let loaded = load_with(path, &declared, &Environment::default(), &files);
            let (config, warnings) = loaded.map_err(|errors| lines(&errors)).unwrap();
            assert_eq!(config.hosts().len(), 2);
            assert_eq!(supported(lines(&warnings)), Vec::<String>::new());
            assert!(!warnings.is_empty() && !config.missing().is_empty());
        }
    }
}

#[test]
fn the_built_in_configuration_has_no_mistakes_and_no_remarks() {
    for declared in [Declarations::default(), declarations()] {
        let (config, warnings) = default_config(&declared, &Environment::default()).unwrap();
        assert_eq!(lines(&warnings), Vec::<String>::new());
        assert_eq!(config.hosts(), ["localhost"]);
    }
    let (config, _) = default_config(&declarations(), &Environment::default()).unwrap();
    assert!(config.listeners().iter().all(|listener| listener.ip.is_loopback()));
    assert_eq!(config.listeners().len(), 2);
}

#[test]
fn modules_stand_in_the_order_of_the_file() {
    let config = config(
        "hosts: [a]\nmodules:\n  mod_vcard: {}\n  mod_adhoc: {}\n  mod_ping: {}\n  mod_announce: {}\n",
    );
    let names: Vec<&str> = config.host("a").modules.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["mod_vcard", "mod_adhoc", "mod_announce"]);
    assert_eq!(config.missing(), ["mod_ping"]);
}

#[test]
fn hosts_may_replace_and_append() {
    let config = config(
        "hosts: [a, b]\nlanguage: en\nauth_method: mnesia\ncertfiles: [x.pem]\nmodules: {mod_adhoc: {}}\n\
         host_config:\n  b:\n    language: de\n    modules: {mod_vcard: {}}\n\
         append_host_config:\n  a:\n    modules: {mod_vcard: {}}\n    auth_method: [anonymous]\n  b:\n    modules: {mod_adhoc: {}}\n",
    );
    let modules =
        |host: &str| config.host(host).modules.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(modules("a"), ["mod_adhoc", "mod_vcard"]);
    assert_eq!(modules("b"), ["mod_vcard", "mod_adhoc"]);
    assert_eq!([config.host("a"), config.host("b")].map(|host| host.options.text("language")), ["en", "de"]);
    assert_eq!(config.host("a").options.texts("auth_method"), ["mnesia", "anonymous"]);
    assert_eq!(config.host("b").options.texts("auth_method"), ["mnesia"]);
}

#[test]
fn options_given_twice_are_joined_or_refused() {
    let config = config(
        "hosts: [a]\nhosts: [b]\nacl: {x: {user: u}}\nacl: {y: {user: u}}\nmodules: {mod_adhoc: {}}\nmodules: {mod_vcard: {}}\n",
    );
    assert_eq!(config.hosts(), ["a", "b"]);
    assert_eq!(config.access.acls.len(), 2);
    assert_eq!(config.host("a").modules.len(), 2);
    for (text, expected) in [
        (
            "language: en\nlanguage: de",
            "test.yml:3:1: language: this option is given twice; the first one stands in line 2",
        ),
        (
            "modules: {mod_adhoc: {}}\nmodules: {mod_adhoc: {}}",
            "test.yml:3:11: modules.mod_adhoc: this module is given twice",
        ),
        (
            "modules: {mod_vcard: {name: a, name: b}}",
            "test.yml:2:32: modules.mod_vcard.name: this option is given twice",
        ),
        (
            "listen: [{port: 1, port: 2, module: ejabberd_c2s}]",
            "test.yml:2:20: listen[1].port: this option is given twice",
        ),
    ] {
        assert_eq!(remarks(&format!("hosts: [a]\n{text}\n")), [expected], "{text}");
    }
}

/// Text after `hosts: [a.org, b.org]`, and the only remark about it.
const REMARKS: &[(&str, &str)] = &[
    ("langage: en", "test.yml:2:1: langage: unknown option `langage`; did you mean `language`?"),
    (
        "language: 5",
        "test.yml:2:11: language: `5` can't stand here; expected a language tag such as en or pt-BR; put it in quotes: \"5\"",
    ),
    (
        "cache_size: -1",
        "test.yml:2:13: cache_size: `-1` can't stand here; expected a whole number from 1, or infinity",
    ),
    (
        "outgoing_s2s_port: 5270",
        "test.yml:2:1: outgoing_s2s_port: the option `outgoing_s2s_port` is known and not supported yet; it has no effect",
    ),
    (
        "modules: {mod_adhoc:}",
        "test.yml:2:20: modules.mod_adhoc: nothing can't stand here; expected a map; write `{}` for an empty map",
    ),
    (
        "modules: {mod_adhok: {}}",
        "test.yml:2:11: modules.mod_adhok: there is no module `mod_adhok`; did you mean `mod_adhoc`?",
    ),
    (
        "modules: {mod_prometheus: {}}",
        "test.yml:2:11: modules.mod_prometheus: there is no module `mod_prometheus`; modules of ejabberd-contrib can't be loaded; remove it",
    ),
    (
        "modules: {mod_adhoc: {report: true}}",
        "test.yml:2:23: modules.mod_adhoc.report: unknown option `report`; expected one of report_commands_node",
    ),
    (
        "modules: {mod_announce: {}}",
        "test.yml:2:11: modules.mod_announce: `mod_announce` needs the module `mod_adhoc`, which is not enabled; add `mod_adhoc: {}` to modules",
    ),
    (
        "modules: {mod_vcard: {host: a.org}}",
        "test.yml:2:29: modules.mod_vcard.host: `a.org` is a virtual host already; a service can't have its name",
    ),
    (
        "modules: {mod_vcard: {search: true}}",
        "test.yml:2:23: modules.mod_vcard.search: the option `search` of mod_vcard is known and not supported yet; it has no effect",
    ),
    (
        "modules: {mod_adhoc: {report_commands_node: 1}}",
        "test.yml:2:45: modules.mod_adhoc.report_commands_node: `1` can't stand here; expected true or false; put it in quotes: \"1\"",
    ),
    ("modules: [mod_adhoc]", "test.yml:2:10: modules: a list can't stand here; expected a map"),
    (
        "listen: {port: 1}",
        "test.yml:2:9: listen: a map can't stand here; expected a list of listeners, each a map with port and module",
    ),
    (
        "listen: [{port: 5222}]",
        "test.yml:2:10: listen[1]: the required option `module` is missing; expected module: one of ejabberd_c2s, ejabberd_http, ejabberd_s2s_in, ejabberd_service, ejabberd_sip, ejabberd_stun, ejabberd_xmlrpc, mod_mqtt, mod_proxy65_stream",
    ),
    (
        "listen: [{module: ejabberd_c2s}]",
        "test.yml:2:10: listen[1]: the required option `port` is missing; expected port: a whole number from 0 to 65535, or \"unix:\" and the path of a socket",
    ),
    (
        "listen: [{port: 5222, module: ejabberd_c3s}]",
        "test.yml:2:31: listen[1].module: there is no listener `ejabberd_c3s`; expected one of ejabberd_c2s, ejabberd_http, ejabberd_s2s_in, ejabberd_service, ejabberd_sip, ejabberd_stun, ejabberd_xmlrpc, mod_mqtt, mod_proxy65_stream; did you mean `ejabberd_c2s`?",
    ),
    (
        "listen: [{port: 99999, module: ejabberd_c2s}]",
        "test.yml:2:17: listen[1].port: `99999` can't stand here; expected a whole number from 0 to 65535, or \"unix:\" and the path of a socket",
    ),
    (
        "listen: [{port: 1, module: ejabberd_c2s, transport: udp, backlog: 5}]",
        "test.yml:2:58: listen[1].backlog: `backlog` can't stand with `transport: udp`",
    ),
    (
        "listen:\n  - {port: 1, module: ejabberd_c2s}\n  - {port: 1, module: ejabberd_c2s, ip: 127.0.0.1}",
        "test.yml:4:12: listen[2].port: 127.0.0.1:1/tcp overlaps with the listener on 0.0.0.0:1/tcp in line 3",
    ),
    (
        "listen: [{port: 1, module: ejabberd_sip}]",
        "test.yml:2:28: listen[1].module: the listener `ejabberd_sip` is known and not supported yet; nothing listens here",
    ),
    (
        "listen: [{port: 1, module: ejabberd_http, request_handlers: {/x: mod_bsh}}]",
        "test.yml:2:66: listen[1].request_handlers./x: there is no request handler `mod_bsh`; expected one of ejabberd_acme, ejabberd_captcha, ejabberd_ctl, ejabberd_http_ws, ejabberd_oauth, ejabberd_web_admin, ejabberd_xmlrpc, mod_bosh, mod_conversejs, mod_host_meta, mod_http_api, mod_http_fileserver, mod_http_upload, mod_invites, mod_matrix_gw, mod_mqtt, mod_providers, mod_register_web, nightjar_health, nightjar_metrics, nightjar_ready; did you mean `mod_bosh`?",
    ),
    (
        "listen: [{port: 1, module: ejabberd_c2s, access: c3s}]\naccess_rules: {c2s: [allow]}",
        "test.yml:2:50: listen[1].access: the access rule `c3s` is not defined; it allows nobody; did you mean `c2s`?",
    ),
    (
        "listen: [{port: 1, module: ejabberd_c2s, shaper: fast}]",
        "test.yml:2:50: listen[1].shaper: the shaper rule `fast` is not defined; it limits nothing",
    ),
    (
        "host_config: {c.org: {language: de}}",
        "test.yml:2:15: host_config.c.org: the host `c.org` is not one of `hosts`; did you mean `a.org`?",
    ),
    (
        "host_config: {a.org: {listen: []}}",
        "test.yml:2:23: host_config.a.org.listen: `listen` can't differ from host to host; set it at the top level",
    ),
    (
        "host_config: {a.org: {langage: de}}",
        "test.yml:2:23: host_config.a.org.langage: unknown option `langage`; did you mean `language`?",
    ),
    (
        "host_config: {a.org: [x]}",
        "test.yml:2:22: host_config.a.org: a list can't stand here; expected a map",
    ),
    (
        "host_config: {a.org: {include_config_file: x}}",
        "test.yml:2:23: host_config.a.org.include_config_file: files can't be included for one host; this has no effect; include a file that holds host_config",
    ),
    (
        "append_host_config: {a.org: {language: de}}",
        "test.yml:2:40: append_host_config.a.org.language: only lists and maps can be appended; set it in host_config",
    ),
    (
        "c2s_certfile: x.pem",
        "test.yml:2:1: c2s_certfile: `c2s_certfile` is now called `certfiles`; adjust the file; `dump_config` shows the configuration as it is used",
    ),
    ("iqdisc: one_queue", "test.yml:2:1: iqdisc: `iqdisc` no longer exists and has no effect; remove it"),
];

#[test]
fn every_mistake_is_reported_where_it_stands() {
    for (text, expected) in REMARKS {
        let mut lines = remarks(&format!("hosts: [a.org, b.org]\n{text}\n"));
        if lines.len() > 1 {
            // What the remark is about may itself not be supported by the few declarations of these tests.
            lines = supported(lines);
        }
        assert_eq!(lines, [*expected], "{text}");
    }
}

#[test]
fn hosts_are_needed() {
    for (text, expected) in [
        (
            "language: en",
            "test.yml:1:1: hosts: the required option `hosts` is missing; expected a list of domains; add `hosts: [example.org]`",
        ),
        (
            "hosts: []",
            "test.yml:1:8: hosts: an empty list can't stand here; expected a list of: a domain (not empty)",
        ),
        ("hosts: a.org", "test.yml:1:8: hosts: `a.org` can't stand here; expected a list of: a domain"),
        ("hosts: [a.org, A.org]", "test.yml:1:16: hosts[2]: the host `a.org` is given twice"),
        ("hosts: [a@b]", "test.yml:1:9: hosts[1]: `a@b` can't stand here; expected a domain"),
        ("5", "test.yml:1:1: a configuration is a map of options, not a number"),
    ] {
        assert_eq!(remarks(text), [expected], "{text}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let errors = load(Path::new("/nowhere/ejabberd.yml"), &Declarations::default()).unwrap_err();
    assert_eq!(lines(&errors), ["/nowhere/ejabberd.yml: the file can't be read: there is no such file"]);
}

#[test]
fn many_hosts_share_what_they_have_in_common() {
    let hosts: Vec<String> = (0..200).map(|number| format!("h{number}.org")).collect();
    let mut text = format!(
        "hosts: [{}]\nmodules: {{mod_stream_mgmt: {{}}, mod_vcard: {{}}}}\nhost_config:\n",
        hosts.join(", ")
    );
    for host in hosts.iter().step_by(2) {
        text.push_str(&format!("  {host}: {{language: de}}\n"));
    }
    let config = config(&text);
    let setting = |host: &str| config.host(host).options.shared().get("cache_size").cloned().unwrap();
    assert!(Arc::ptr_eq(&setting("h0.org"), &setting("h0.org")));
    assert_eq!(config.host("h0.org").options.text("language"), *"de");
    assert_eq!(config.host("h199.org").module("mod_vcard").unwrap().text("host"), *"vjud.h199.org");
    assert_eq!(config.host("h1.org").options, config.global);
}

/// Bits of configuration, to be put together at random.
fn fragment() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "hosts",
        "listen",
        "modules",
        "acl",
        "access_rules",
        "shaper",
        "shaper_rules",
        "api_permissions",
        "host_config",
        "append_host_config",
        "define_macro",
        "define_keyword",
        "include_config_file",
        "mod_vcard",
        "mod_muc",
        "module",
        "port",
        "ejabberd_c2s",
        "ejabberd_http",
        "request_handlers",
        "allow",
        "deny",
        "user",
        "ip",
        "who",
        "what",
        "from",
        "oauth",
        "scope",
        "all",
        "none",
        "infinity",
        "5",
        "-1",
        "\"5\"",
        "a.org",
        "\"@HOST@\"",
        "\"@A@\"",
        "A",
        "HOST",
        "*x",
        "&x",
        "<<",
        "test.yml",
        "5 minutes",
        "\"!*\"",
        "\"[tag:x]\"",
        "\"\"",
        "(",
        "unix:x",
        "::",
        "/x",
        "~",
        "é",
        "rate",
    ]);
    let glue = prop::sample::select(vec![
        ": ", ":\n  ", "\n", "\n- ", ", ", " ", "[", "]", "{", "}", "\n    ", ": [", ": {", "\t", "#", "|\n",
    ]);
    prop::collection::vec((words, glue), 0..60)
        .prop_map(|parts| parts.iter().map(|(word, glue)| format!("{word}{glue}")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in fragment()) {
        fuzz_load(text.as_bytes());
        fuzz_load(format!("hosts: [a.org]\n{text}").as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_load(&bytes);
    }

    /// Files that are right but for one place.
    #[test]
    fn no_small_change_makes_it_panic(at in 0usize..6000, word in "[\\[\\]{}:,\"'&*!|>@ \n#a-z0-9-]{0,4}", cut in 0usize..20) {
        let text = include_str!("../../testdata/interop.yml");
        let mut start = at.min(text.len());
        while !text.is_char_boundary(start) { start -= 1; }
        let mut end = (start + cut).min(text.len());
        while !text.is_char_boundary(end) { end -= 1; }
        fuzz_load(format!("{}{word}{}", &text[..start], &text[end.max(start)..]).as_bytes());
    }
}

#[test]
fn what_is_loaded_can_be_loaded_again() {
    let (first, _) = load_text(DEFAULT_FILE).unwrap();
    let (second, _) = load_text(&first.dump(true)).unwrap();
    assert_eq!(crate::diff(&first, &second), []);
    assert_eq!(first.tree(), second.tree());
}
