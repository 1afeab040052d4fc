use std::collections::BTreeMap;
use std::path::Path;

use nightjar_config::{Declarations, Environment, ModuleSpec, load_with};

use super::*;

const fn spec(name: &'static str) -> ModuleSpec {
    ModuleSpec { name, options: &[], doc: "" }
}

const LISTENERS: &[&ModuleSpec] = &[
    &spec("ejabberd_c2s"),
    &spec("ejabberd_s2s_in"),
    &spec("ejabberd_service"),
    &spec("ejabberd_http"),
    &spec("mod_mqtt"),
    &spec("ejabberd_stun"),
    &spec("ejabberd_sip"),
    &spec("ejabberd_xmlrpc"),
];
const MODULES: &[&ModuleSpec] = &[&spec("mod_proxy65")];
/// A server that has everything, and one that has nothing.
const WHOLE: Declarations<'static> = Declarations { modules: MODULES, listeners: LISTENERS, toplevel: &[] };

pub(crate) fn config(yaml: &str, declared: &Declarations<'_>) -> Config {
    let path = Path::new("ejabberd.yml");
    let files = BTreeMap::from([(path.to_owned(), yaml.as_bytes().to_vec())]);
    let loaded = load_with(path, declared, &Environment::default(), &files);
    loaded.map_err(|mistakes| mistakes[0].one_line()).unwrap().0
}

/// One opening as `zone address port/protocol module tls line note`.
fn lines(found: &[Opening]) -> Vec<String> {
    let line = |opening: &Opening| {
        let place = match &opening.endpoint {
            Endpoint::Net { address, ports, protocol } => {
                format!("{address} {ports}/{}", protocol.name())
            }
            Endpoint::Unix(path) => format!("unix:{}", path.display()),
        };
        let (zone, module, tls) = (opening.zone.name(), &opening.module, opening.tls);
        let at = opening.line.as_ref().map_or_else(String::new, |line| format!(" line {}", line.line));
        let served = if opening.served { "" } else { " unserved" };
        format!("{zone} {place} {module} {tls}{at}{served}")
    };
    found.iter().map(line).collect()
}

/// What a whole server opens with these lines under `listen`.
#[track_caller]
fn listens(listen: &str, expected: &[&str]) {
    let config = config(&format!("hosts: [example.org]\nlisten:\n{listen}"), &WHOLE);
    assert_eq!(lines(&openings(&config, None)), expected, "{listen}");
}

#[test]
fn each_listener_says_what_it_opens() {
    listens(
        "  - {port: 5222, ip: \"::\", module: ejabberd_c2s, starttls: true, starttls_required: true}",
        &["public :: 5222/tcp ejabberd_c2s STARTTLS required line 3"],
    );
    listens(
        "  - {port: 5222, module: ejabberd_c2s, starttls: true}",
        &["public 0.0.0.0 5222/tcp ejabberd_c2s STARTTLS optional line 3"],
    );
    listens(
        "  - {port: 5223, ip: 192.0.2.7, module: ejabberd_c2s, tls: true}",
        &["public 192.0.2.7 5223/tcp ejabberd_c2s direct TLS line 3"],
    );
    listens(
        "  - {port: 5280, ip: 127.0.0.1, module: ejabberd_http}",
        &["local 127.0.0.1 5280/tcp ejabberd_http none line 3"],
    );
    listens(
        "  - {port: \"unix:/run/api.sock\", module: ejabberd_http}",
        &["local unix:/run/api.sock ejabberd_http none line 3"],
    );
    listens(
        "  - {port: 5347, module: ejabberd_service}\n  - {port: 5348, ip: \"::1\", module: ejabberd_service}",
        &[
            "cluster 0.0.0.0 5347/tcp ejabberd_service none line 3",
            "local ::1 5348/tcp ejabberd_service none line 4",
        ],
    );
    listens(
        "  - {port: 1883, module: mod_mqtt}\n  - {port: 8883, module: mod_mqtt, tls: true}",
        &[
            "public 0.0.0.0 1883/tcp mod_mqtt none line 3",
            "public 0.0.0.0 8883/tcp mod_mqtt direct TLS line 4",
        ],
    );
    listens(
        "  - {port: 5060, transport: udp, module: ejabberd_sip}\n  - {port: 4560, module: ejabberd_xmlrpc}",
        &[
            "public 0.0.0.0 5060/udp ejabberd_sip none line 3",
            "public 0.0.0.0 4560/tcp ejabberd_xmlrpc none line 4",
        ],
    );
}

#[test]
fn a_turn_server_opens_its_relay_range_once() {
    listens(
        "  - {port: 3478, transport: udp, module: ejabberd_stun, use_turn: true}\n  \
           - {port: 3478, module: ejabberd_stun, use_turn: true}\n  \
           - {port: 5349, module: ejabberd_stun, tls: true, use_turn: true,\n     \
              turn_min_port: 50000, turn_max_port: 50099}\n",
        &[
            "public 0.0.0.0 3478/udp ejabberd_stun none line 3",
            "public 0.0.0.0 3478/tcp ejabberd_stun none line 4",
            "public 0.0.0.0 5349/tcp ejabberd_stun direct TLS line 5",
            "public 0.0.0.0 49152-65535/udp ejabberd_stun none line 3",
            "public 0.0.0.0 50000-50099/udp ejabberd_stun none line 6",
        ],
    );
    listens(
        "  - {port: 3478, transport: udp, module: ejabberd_stun}",
        &["public 0.0.0.0 3478/udp ejabberd_stun none line 3"],
    );
}

#[test]
fn the_weakest_host_speaks_for_server_connections() {
    let listen = "listen: [{port: 5269, module: ejabberd_s2s_in}]\n";
    for (policy, expected) in [
        ("", "none"),
        ("s2s_use_starttls: true\n", "STARTTLS optional"),
        ("s2s_use_starttls: required\n", "STARTTLS required"),
        ("s2s_use_starttls: required\nhost_config: {b: {s2s_use_starttls: optional}}\n", "STARTTLS optional"),
    ] {
        let config = config(&format!("hosts: [a, b]\n{policy}{listen}"), &WHOLE);
        let found = openings(&config, None);
        assert_eq!(found[0].tls.to_string(), expected, "{policy}");
    }
}

#[test]
fn proxies_of_two_hosts_on_one_port_are_one_opening() {
    let config = config("hosts: [a, b]\nmodules:\n  mod_proxy65: {}\n", &WHOLE);
    assert_eq!(lines(&openings(&config, None)), ["public :: 7777/tcp mod_proxy65 none line 3"]);
}

#[test]
fn what_is_named_and_not_there_is_not_served() {
    let yaml = "hosts: [a]\nlisten:\n  - {port: 5060, transport: udp, ip: \"::1\", module: ejabberd_sip}\n  \
                - {port: \"unix:x\", module: ejabberd_http}\nmodules: {mod_proxy65: {port: 7778}}\n";
    let config = config(yaml, &Declarations::default());
    assert_eq!(
        lines(&openings(&config, None)),
        [
            "local ::1 5060/udp ejabberd_sip none line 3 unserved",
            "local unix:x ejabberd_http none line 4 unserved",
            "public :: 7778/tcp mod_proxy65 none line 5 unserved",
        ]
    );
}

#[test]
fn an_erlang_node_opens_epmd_and_its_own_ports() {
    let config = config("hosts: [a]\n", &WHOLE);
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 3] = [
        (&[], &["local 127.0.0.1 4369/tcp epmd none", "local 127.0.0.1 random/tcp distribution none"]),
        (
            &[
                ("ERL_EPMD_ADDRESS", "0.0.0.0"),
                ("INET_DIST_INTERFACE", "10.0.0.5"),
                ("FIREWALL_WINDOW", "4200-4210"),
            ],
            &["cluster 0.0.0.0 4369/tcp epmd none", "cluster 10.0.0.5 4200-4210/tcp distribution none"],
        ),
        (
            &[("ERL_DIST_PORT", "5210"), ("INET_DIST_INTERFACE", "::")],
            &["cluster :: 5210/tcp distribution none"],
        ),
    ];
    for (variables, expected) in cases {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let erlang = Erlang::new("n@h", false, find).unwrap();
        assert_eq!(lines(&openings(&config, Some(&erlang))), expected);
    }
}
