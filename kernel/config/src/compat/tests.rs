use super::*;
use crate::catalogue::rows;
use crate::testing::{lines, node};

/// The tree after old names are rewritten, and the remarks.
fn rewritten(text: &str) -> (Node, Vec<String>) {
    let mut report = Report::default();
    let tree = rewrite(node(text), &mut report);
    (tree, lines(&report.finish().unwrap()))
}

#[track_caller]
fn becomes(text: &str, expected: &str, remarks: usize) {
    let (tree, lines) = rewritten(text);
    assert_eq!(tree, node(expected), "{text}");
    assert_eq!(lines.len(), remarks, "{text}: {lines:#?}");
}

/// Rows of config_compat.tsv of one kind: name, scope, new name.
fn table(kind: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let all: Vec<_> = rows(include_str!("../../data/config_compat.tsv"))
        .filter(|row| row[0] == kind)
        .map(|row| (row[1], row[2], row[3]))
        .collect();
    assert!(!all.is_empty(), "{kind}");
    all
}

#[test]
fn removed_options_are_dropped() {
    for (name, _, _) in table("toplevel_removed") {
        becomes(&format!("{name}: x\nlanguage: en\n"), "language: en", 1);
    }
    for (name, module, _) in table("module_option_removed") {
        let module = if module == "any module" { "mod_x" } else { module };
        becomes(&format!("modules: {{{module}: {{{name}: x}}}}"), &format!("modules: {{{module}: {{}}}}"), 1);
    }
    for (name, _, _) in table("pubsub_plugin_removed") {
        becomes(
            &format!("modules: {{mod_pubsub: {{plugins: [flat, {name}]}}}}"),
            "modules: {mod_pubsub: {plugins: [flat]}}",
            1,
        );
    }
}

#[test]
fn renamed_options_get_their_new_name() {
    for (name, _, new) in table("toplevel_renamed") {
        let (value, expected) = match new {
            "certfiles" => ("a.pem", "certfiles: [a.pem]".to_owned()),
            new => ("x", format!("{new}: x")),
        };
        becomes(&format!("{name}: {value}"), &expected, 1);
    }
    for (name, _, new) in table("module_option_renamed") {
        becomes(
            &format!("modules: {{mod_x: {{{name}: y}}}}"),
            &format!("modules: {{mod_x: {{{new}: y}}}}"),
            1,
        );
    }
    becomes(
        "certfiles: [a]\nc2s_certfile: b\nhost_config: {h: {domain_certfile: c}}\n",
        "certfiles: [a, b, c]\nhost_config: {h: {}}\n",
        2,
    );
}

#[test]
fn renamed_values_get_their_new_value() {
    for (old, _, new) in [("internal", "", "mnesia"), ("odbc", "", "sql")] {
        becomes(&format!("auth_method: {old}"), &format!("auth_method: {new}"), 0);
        becomes(&format!("auth_method: [{old}, pam]"), &format!("auth_method: [{new}, pam]"), 0);
        becomes(
            &format!("default_db: {old}\ndefault_ram_db: {old}"),
            &format!("default_db: {new}\ndefault_ram_db: {new}"),
            0,
        );
        becomes(
            &format!("modules: {{mod_x: {{db_type: {old}, ram_db_type: {old}}}}}"),
            &format!("modules: {{mod_x: {{db_type: {new}, ram_db_type: {new}}}}}"),
            0,
        );
    }
    for (number, _, name) in table("loglevel_number") {
        becomes(&format!("loglevel: {number}"), &format!("loglevel: {name}"), 0);
    }
    becomes("loglevel: 6", "loglevel: 6", 0);
    becomes(
        "acme: {ca_url: \"https://acme-v01.api.letsencrypt.org/directory\"}",
        "acme: {ca_url: \"https://acme-v02.api.letsencrypt.org/directory\"}",
        1,
    );
    becomes(
        "s2s_use_starttls: required_trusted\nmodules: {mod_s2s_dialback: {}, mod_ping: {}}\nhost_config: {h: {modules: {mod_s2s_dialback: {}}}}",
        "s2s_use_starttls: required\nmodules: {mod_ping: {}}\nhost_config: {h: {modules: {mod_s2s_dialback: {}}}}",
        1,
    );
    becomes(
        "modules: {mod_s2s_dialback: {}}\nhost_config: {h: {s2s_use_starttls: required_trusted, modules: {mod_s2s_dialback: {}}}}",
        "modules: {mod_s2s_dialback: {}}\nhost_config: {h: {s2s_use_starttls: required, modules: {}}}",
        1,
    );
}

#[test]
fn renamed_modules_get_their_new_name() {
    for (old, _, new) in table("module_renamed") {
        let (new, options) = match new.split_once(" with ") {
            Some((new, "db_type ldap")) => (new, "{db_type: ldap, x: y}"),
            Some(("mod_blocking", _)) => ("mod_blocking", "{x: y}"),
            Some((new, _)) => (new, "{db_type: sql, x: y}"),
            None => (new, "{x: y}"),
        };
        let remarks = if new == "mod_blocking" { 2 } else { 1 };
        becomes(&format!("modules: {{{old}: {{x: y}}}}"), &format!("modules: {{{new}: {options}}}"), remarks);
    }
    becomes("modules: {mod_echo: {}, mod_muc_occupantid: {}}", "modules: {}", 1);
}

#[test]
fn listeners_get_their_new_options() {
    for (text, expected, remarks) in [
        (
            "{module: ejabberd_http, captcha: true, register: true, web_admin: true, http_bind: true, xmlrpc: true}",
            "{module: ejabberd_http, request_handlers: {/captcha: ejabberd_captcha, /register: mod_register_web, /admin: ejabberd_web_admin, /bosh: mod_bosh, /: ejabberd_xmlrpc}}",
            5,
        ),
        ("{module: ejabberd_http, web_admin: false}", "{module: ejabberd_http}", 1),
        (
            "{module: ejabberd_http, request_handlers: {/x: mod_http_bind}, web_admin: true}",
            "{module: ejabberd_http, request_handlers: {/x: mod_bosh, /admin: ejabberd_web_admin}}",
            2,
        ),
        ("{module: ejabberd_http, http_poll: true}", "{module: ejabberd_http}", 1),
        (
            "{module: ejabberd_stun, turn_ip: 1.2.3.4}",
            "{module: ejabberd_stun, turn_ipv4_address: 1.2.3.4}",
            1,
        ),
        ("{module: ejabberd_c2s, inet6: true, inet: true}", "{module: ejabberd_c2s}", 2),
        ("{module: ejabberd_xmlrpc, access_commands: {}}", "{module: ejabberd_xmlrpc}", 1),
        ("{module: ejabberd_service, shaper_rule: fast}", "{module: ejabberd_service, shaper: fast}", 1),
        ("{module: ejabberd_c2s, captcha: true}", "{module: ejabberd_c2s, captcha: true}", 0),
    ] {
        becomes(&format!("listen: [{text}]"), &format!("listen: [{expected}]"), remarks);
    }
    for module in ["ejabberd_http", "ejabberd_c2s", "ejabberd_s2s_in", "ejabberd_service", "ejabberd_stun"] {
        becomes(
            &format!("listen: [{{module: {module}, certfile: a.pem}}]"),
            &format!("listen: [{{module: {module}}}]\ncertfiles: [a.pem]"),
            1,
        );
    }
}

#[test]
fn other_remarks() {
    becomes("captcha_host: x", "captcha_host: x", 1);
    becomes(
        "outgoing_s2s_timeout: 10000\ns2s_dns_timeout: 10",
        "outgoing_s2s_timeout: 10000\ns2s_dns_timeout: 10",
        1,
    );
    becomes("host_config: {h: {define_macro: {A: 1}}}", "host_config: {h: {}}", 1);
    becomes(
        "modules: {mod_http_upload: {service_url: \"http://x\"}}",
        "modules: {mod_http_upload: {service_url: \"http://x\"}}",
        1,
    );
}

#[test]
fn what_is_not_as_it_should_be_is_left_to_its_own_check() {
    for text in [
        "modules: 5",
        "listen: x",
        "listen: [5]",
        "host_config: [a]",
        "acme: x",
        "certfiles: x\nc2s_certfile: y",
        "modules: {mod_pubsub: {plugins: x}}",
        "modules: {mod_vcard_ldap: 5}",
    ] {
        rewritten(text);
    }
}
