use std::path::PathBuf;

use crate::home::Home;
use crate::node::read_config;
use crate::testing::Folder;

/// An operator's file with every option of a listener is read without a mistake; what has no effect is warned about.
fn check(options: &str, warned: &[&str]) {
    let folder = Folder::new();
    let file: PathBuf = folder.path().join("ejabberd.yml");
    std::fs::write(folder.path().join("ca.pem"), "").unwrap();
    let options = options.replace("@DIR@", &folder.path().to_string_lossy());
    std::fs::write(&file, format!("hosts: [localhost]\nlisten:\n  - {{{options}}}\n")).unwrap();
    let (config, remarks) = read_config(Some(&file), &Home::locate(None)).unwrap();
    assert_eq!(config.listeners().len(), 1);
    let remarks: Vec<String> = remarks.iter().map(nightjar_config::Diagnostic::one_line).collect();
    for option in warned {
        assert!(remarks.iter().any(|remark| remark.contains(option)), "{option}: {remarks:?}");
    }
}

#[test]
fn every_option_of_ejabberd_http_is_taken() {
    check(
        "module: ejabberd_http, port: 0, ip: 127.0.0.1, tls: false, ciphers: 'HIGH', dhfile: @DIR@/ca.pem, \
         cafile: @DIR@/ca.pem, protocol_options: [no_sslv3], tls_compression: false, allow_unencrypted_sasl2: false, \
         send_timeout: 15, supervisor: true, unix_socket: {mode: '0660'}, request_handlers: {/api: mod_http_api}, \
         custom_headers: {X-A: b}, tag: t, backlog: 5, accept_interval: 0, use_proxy_protocol: false",
        &[],
    );
}

#[test]
fn every_option_of_ejabberd_stun_is_taken() {
    check(
        "module: ejabberd_stun, port: 0, transport: udp, use_turn: true, turn_ipv4_address: 192.0.2.1, \
         turn_ipv6_address: '2001:db8::1', turn_min_port: 50000, turn_max_port: 50100, turn_max_allocations: 5, \
         turn_max_permissions: infinity, turn_blacklist: [10.0.0.0/8], turn_whitelist: 192.168.0.0/16, \
         auth_type: anonymous, auth_realm: localhost, server_name: x, shaper: none, send_timeout: 15, supervisor: true",
        &[],
    );
}

#[test]
fn every_option_of_ejabberd_service_is_taken() {
    check(
        "module: ejabberd_service, port: 0, ip: 127.0.0.1, tls: true, ciphers: 'HIGH', dhfile: @DIR@/ca.pem, \
         cafile: @DIR@/ca.pem, protocol_options: [no_tlsv1_1], tls_compression: true, shaper_rule: none, access: all, \
         password: x, check_from: true, global_routes: false, max_stanza_size: infinity, max_fsm_queue: 5, \
         send_timeout: 15, supervisor: true, backlog: 5, accept_interval: 0, use_proxy_protocol: false",
        &["dhfile", "tls_compression"],
    );
}
