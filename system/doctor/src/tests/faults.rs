//! One fault each, with the finding it has to cause.

use nightjar_firewall::Protocol;

use super::scenario::{Issued, Scenario, socket};
use crate::{Database, Tlsa};

const MEBIBYTE: u64 = 1 << 20;

type Seed = fn(&mut Scenario);

fn database(reason: &str, damaged: bool) -> Database {
    if damaged { Database::Damaged(reason.to_owned()) } else { Database::Unreachable(reason.to_owned()) }
}

fn certificate(scenario: &mut Scenario, change: impl FnOnce(&mut Issued)) {
    let mut issued = Issued::default();
    change(&mut issued);
    scenario.pem = issued.pem();
}

fn group(scenario: &mut Scenario, who: &str) {
    scenario
        .replace("api_permissions:\n", &format!("api_permissions:\n  x: {{who: {who}, what: [register]}}\n"));
}

fn sql(scenario: &mut Scenario, more: &str) {
    scenario.add(&format!("sql_type: pgsql\nsql_server: db.example.org\n{more}"));
}

/// The finding and what has to be wrong for it.
pub(super) const FAULTS: &[(&str, Seed)] = &[
    // Connections
    ("c2s-unencrypted", |s| s.replace("    starttls: true\n    starttls_required: true\n", "")),
    ("starttls-optional", |s| s.replace("    starttls_required: true\n", "")),
    ("sasl2-unencrypted", |s| {
        s.replace("    starttls: true\n", "    starttls: true\n    allow_unencrypted_sasl2: true\n")
    }),
    ("s2s-unencrypted", |s| s.replace("s2s_use_starttls: required", "s2s_use_starttls: false")),
    ("s2s-unencrypted", |s| s.replace("s2s_use_starttls: required\n", "")),
    ("s2s-starttls-optional", |s| s.replace("s2s_use_starttls: required", "s2s_use_starttls: optional")),
    ("s2s-starttls-optional", |s| s.replace("s2s_use_starttls: required", "s2s_use_starttls: true")),
    ("mqtt-without-tls", |s| s.listen(1883, "ip: \"::\", module: mod_mqtt")),
    ("admin-without-tls", |s| {
        s.replace(
            "    tls: true\n    request_handlers:\n      /ws: ejabberd_http_ws",
            "    request_handlers:\n      /api: mod_http_api",
        )
    }),
    ("admin-without-tls", |s| s.listen(4560, "ip: \"::\", module: ejabberd_xmlrpc")),
    ("http-without-tls", |s| s.replace("    tls: true\n    request_handlers", "    request_handlers")),
    ("web-admin-public", |s| s.replace("/ws: ejabberd_http_ws", "/admin: ejabberd_web_admin")),
    ("component-without-tls", |s| {
        s.listen(5348, "ip: \"::\", module: ejabberd_service, password: 0123456789abcdef0123");
    }),
    ("component-password-weak", |s| s.replace("4f9d0c1b8a7e6d5c4b3a", "secret")),
    ("component-any-sender", |s| s.replace("    hosts: {sms", "    check_from: false\n    hosts: {sms")),
    ("turn-open-relay", |s| s.replace("auth_type: user", "auth_type: anonymous")),
    ("proxy65-open", |s| s.replace("mod_proxy65: {access: local}", "mod_proxy65: {}")),
    ("proxy-protocol-public", |s| {
        s.replace("    starttls: true\n", "    starttls: true\n    use_proxy_protocol: true\n")
    }),
    ("legacy-tls", |s| {
        s.replace("    starttls: true\n", "    starttls: true\n    protocol_options: [tlsv1, no_sslv3]\n")
    }),
    ("legacy-tls", |s| s.add("c2s_protocol_options: [sslv3]\n")),
    ("weak-ciphers", |s| s.add("s2s_ciphers: \"HIGH:!aNULL:RC4-SHA\"\n")),
    ("tls-compression", |s| s.add("c2s_tls_compression: true\n")),
    ("stanza-size-unlimited", |s| s.replace("    max_stanza_size: 262144\n", "")),
    ("trusted-proxies-all", |s| s.replace("trusted_proxies: [127.0.0.1]", "trusted_proxies: all")),
    ("websocket-any-origin", |s| s.add("websocket_origin: ignore\n")),
    // Accounts and rights
    ("open-registration", |s| s.replace("    ip_access: trusted_network\n", "    access: all\n")),
    ("open-registration", |s| s.replace("  loopback: {ip: [127.0.0.0/8", "  loopback: {ip: [0.0.0.0/0")),
    ("password-plain", |s| s.replace("auth_password_format: scram", "auth_password_format: plain")),
    ("password-plain", |s| s.add("auth_stored_password_types: [scram_sha256, plain]\n")),
    ("anonymous-login", |s| s.add("auth_method: [sql, anonymous]\n")),
    ("scram-downgrade", |s| s.add("disable_sasl_scram_downgrade_protection: true\n")),
    ("legacy-auth", |s| s.replace("  mod_muc: {}\n", "  mod_muc: {}\n  mod_legacy_auth: {}\n")),
    ("no-fail2ban", |s| s.replace("  mod_fail2ban: {}\n", "")),
    ("admin-for-all", |s| s.replace("configure: {allow: admin}", "configure: {allow: local}")),
    ("api-open", |s| group(s, "all")),
    ("api-open", |s| group(s, "{ip: 0.0.0.0/0}")),
    ("api-all-accounts", |s| group(s, "{acl: local}")),
    ("oauth-any-client", |s| s.add("oauth_client_id_check: allow\n")),
    // Logs
    ("loglevel-debug", |s| s.replace("loglevel: info", "loglevel: debug")),
    ("loglevel-debug", |s| s.replace("loglevel: info", "loglevel: 5")),
    ("log-modules-fully", |s| s.add("log_modules_fully: [ejabberd_sm]\n")),
    ("sensitive-data-logged", |s| {
        s.replace("hide_sensitive_log_data: true", "hide_sensitive_log_data: false")
    }),
    // Database
    ("sql-unencrypted", |s| sql(s, "")),
    ("sql-certificate-unchecked", |s| sql(s, "sql_ssl: true\n")),
    ("database-unreachable", |s| s.database = database("connection refused", false)),
    ("database-damaged", |s| s.database = database("row 7 missing from index", true)),
    // Ports
    ("port-not-bound", |s| s.sockets.retain(|socket| socket.port != 5222)),
    ("port-taken", |s| {
        for socket in s.sockets.iter_mut().filter(|socket| socket.port == 5222) {
            socket.owners = vec![(99, "beam.smp".to_owned())];
        }
    }),
    ("port-taken", |s| {
        s.node = None;
        s.sockets.retain(|socket| socket.port == 5269);
    }),
    ("port-bound-wider", |s| {
        for socket in s.sockets.iter_mut().filter(|socket| socket.port == 5280) {
            socket.address = "0.0.0.0".parse().unwrap();
        }
    }),
    ("port-not-configured", |s| s.sockets.push(socket(Protocol::Tcp, "::", 9999))),
    // Certificates
    ("certificate-unreadable", |s| s.pem = "-----BEGIN CERTIFICATE-----\n".to_owned()),
    ("certificate-missing", |s| s.pem.clear()),
    ("certificate-missing", |s| certificate(s, |issued| issued.names = &["example.com"])),
    ("certificate-self-signed", |s| {
        certificate(s, |issued| (issued.self_signed, issued.parts) = (true, &["leaf", "key"]));
    }),
    ("certificate-subdomain", |s| certificate(s, |issued| issued.names = &["example.org"])),
    ("certificate-expired", |s| certificate(s, |issued| issued.until = (2027, 5, 30))),
    ("certificate-expiring", |s| certificate(s, |issued| issued.until = (2027, 6, 10))),
    ("certificate-not-yet-valid", |s| certificate(s, |issued| issued.from = (2027, 6, 10))),
    ("certificate-chain-order", |s| {
        certificate(s, |issued| issued.parts = &["leaf", "root", "intermediate", "key"]);
    }),
    ("certificate-chain-incomplete", |s| certificate(s, |issued| issued.parts = &["leaf", "key"])),
    ("certificate-weak-key", |s| s.pem = include_str!("../../testdata/weak-key.pem").to_owned()),
    ("certificate-weak-signature", |s| s.pem = include_str!("../../testdata/weak-signature.pem").to_owned()),
    ("certificate-without-key", |s| {
        certificate(s, |issued| issued.parts = &["leaf", "intermediate", "root", "another key"]);
    }),
    // Names
    ("dns-unreachable", |s| {
        s.names.srv.retain(|name, _| name.contains("conference"));
        s.names.addresses.remove("example.org");
    }),
    ("dns-srv-client", |s| drop(s.names.srv.remove("_xmpp-client._tcp.example.org"))),
    ("dns-srv-direct-tls", |s| drop(s.names.srv.remove("_xmpps-client._tcp.example.org"))),
    ("dns-srv-server", |s| drop(s.names.srv.remove("_xmpp-server._tcp.example.org"))),
    ("dns-srv-stun", |s| drop(s.names.srv.remove("_stun._udp.example.org"))),
    ("dns-srv-port", |s| s.names.point("_xmpp-client._tcp.example.org", "xmpp.example.org", 5223)),
    ("dns-srv-target", |s| s.names.point("_xmpp-server._tcp.example.org", "gone.example.org", 5269)),
    ("dns-srv-refused", |s| s.names.point("_xmpp-client._tcp.example.org", "", 0)),
    ("dns-service-missing", |s| s.names.srv.retain(|name, _| !name.contains("conference"))),
    ("dns-tlsa-mismatch", |s| {
        s.names.secure = true;
        let stale = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
        let root = Tlsa { usage: 2, selector: 0, matching: 0, data: Vec::new() };
        for port in [5222, 5223, 5269, 5270] {
            let chain = chain(&s.pem);
            let good = Tlsa { data: chain.last().cloned().unwrap_or_default(), ..root.clone() };
            let records = if port == 5269 { vec![stale.clone()] } else { vec![stale.clone(), good] };
            s.names.tlsa.insert(format!("_{port}._tcp.xmpp.example.org"), records);
        }
    }),
    ("dns-tlsa-missing", |s| s.names.secure = true),
    ("dns-failed", |s| s.names.fails.set(true)),
    // Erlang
    ("cookie-open", |s| s.modes.push(("home/.erlang.cookie", 0o444))),
    ("cookie-weak", |s| s.cookie = "ABCDEFGHIJKLMNOPQRST"),
    ("cookie-weak", |s| s.cookie = "ejabberd"),
    ("cookie-weak", |s| s.cookie = "short-cookie"),
    ("epmd-exposed", |s| s.variables = vec![("ERL_EPMD_ADDRESS", "0.0.0.0")]),
    ("epmd-exposed", |s| {
        s.variables = vec![("ERL_EPMD_PORT", "4369")];
        let mut epmd = socket(Protocol::Tcp, "::", 4369);
        epmd.owners = vec![(1, "epmd".to_owned())];
        s.sockets.push(epmd);
    }),
    ("distribution-unencrypted", |s| {
        s.variables = vec![("INET_DIST_INTERFACE", "0.0.0.0"), ("ERL_DIST_PORT", "5210")];
        s.sockets.push(socket(Protocol::Tcp, "0.0.0.0", 5210));
    }),
    ("distribution-random-port", |s| {
        s.variables = vec![("INET_DIST_INTERFACE", "::")];
        s.erlang_tls = true;
    }),
    // Files
    ("home-open", |s| s.modes.push(("home", 0o755))),
    ("home-foreign", |s| {
        if let Some(node) = &mut s.node {
            node.uid += 1;
        }
    }),
    ("config-open", |s| s.modes.push(("nightjar.yml", 0o644))),
    ("config-open", |s| s.modes.push(("nightjar.yml", 0o660))),
    ("database-open", |s| s.modes.push(("home/nightjar.db", 0o640))),
    ("key-open", |s| s.modes.push(("certs/example.org.pem", 0o644))),
    ("key-open", |s| s.modes.push(("home/secret", 0o640))),
    ("logs-open", |s| s.modes.push(("home/logs/nightjar.log", 0o644))),
    ("socket-open", |s| s.modes.push(("home/ctl.sock", 0o666))),
    ("socket-open", |s| {
        s.replace("unix:api.sock", "unix:FOLDER/home/api.sock");
        let folder = s.folder.path().display().to_string();
        s.replace("FOLDER", &folder);
        s.modes.push(("home/api.sock", 0o666));
    }),
    // Machine
    ("nofile-low", |s| {
        if let Some(node) = &mut s.node {
            node.nofile = Some(1024);
        }
    }),
    ("somaxconn-low", |s| s.machine.somaxconn = Some(16)),
    ("clock-wrong", |s| {
        s.machine.now = 0;
        certificate(s, |issued| issued.from = (1969, 1, 1));
    }),
    ("clock-unsynchronised", |s| s.machine.synchronised = Some(false)),
    ("disk-full", |s| s.machine.disks[0].free = MEBIBYTE),
    ("disk-low", |s| s.machine.disks[0].free = 200 * MEBIBYTE),
    ("inodes-low", |s| s.machine.disks[0].free_files = 1),
    ("memory-low", |s| s.machine.memory = Some((10 * MEBIBYTE, 1000 * MEBIBYTE))),
    ("runs-as-root", |s| {
        if let Some(node) = &mut s.node {
            node.uid = 0;
        }
    }),
    ("sandbox-off", |s| {
        if let Some(node) = &mut s.node {
            node.sandboxed = Some(false);
        }
    }),
];

/// The certificates of a PEM text.
fn chain(pem: &str) -> Vec<Vec<u8>> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;
    CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().map(|der| der.to_vec()).collect()
}
