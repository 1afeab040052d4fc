use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nightjar_config::{Config, Declarations, Environment, ModuleSpec, load_with, option};

use super::{ListenerTls, check, policy_of};
use crate::certificates::Certificates;
use crate::options as common;
use crate::tls::TlsOptions;

static LISTENER: ModuleSpec = ModuleSpec {
    name: "ejabberd_c2s",
    doc: "",
    options: &[
        common::PROTOCOL_OPTIONS,
        common::CIPHERS,
        common::DHFILE,
        common::TLS_COMPRESSION,
        option("zlib", "bool", "false", ""),
    ],
};

fn load(text: &str) -> Config {
    let toplevel = [
        option("s2s_protocol_options", "[string] joined with |", "unset", ""),
        option("s2s_ciphers", "string|[string] joined with :", "unset", ""),
        option("s2s_tls_compression", "bool", "unset", ""),
    ];
    let declarations = Declarations { modules: &[], listeners: &[&LISTENER], toplevel: &toplevel };
    let files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::from([("f.yml".into(), text.as_bytes().to_vec())]);
    let loaded = load_with(Path::new("f.yml"), &declarations, &Environment::default(), &files);
    loaded
        .unwrap_or_else(|found| {
            panic!("{:?}", found.iter().map(nightjar_config::Diagnostic::one_line).collect::<Vec<_>>())
        })
        .0
}

#[track_caller]
fn said(text: &str, expected: &[&str]) {
    let found: Vec<String> = check(&load(text)).iter().map(nightjar_config::Diagnostic::one_line).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn mistakes_have_line_and_column() {
    let listen = "hosts: [a.org]\nlisten:\n  - module: ejabberd_c2s\n    port: 5222\n";
    said(
        &format!("{listen}    protocol_options: [no_sslv3, cipher_server_preference]\n    ciphers: HIGH\n"),
        &[],
    );
    said(
        &format!("{listen}    protocol_options: [no_tlsv1_2, no_tlsv1_3]\n"),
        &[
            "f.yml:5:23: listen.ejabberd_c2s.protocol_options: these options leave no version and suite of TLS",
        ],
    );
    said(
        &format!("{listen}    protocol_options: no_tlsv1_3\n    ciphers: RC4-SHA\n"),
        &["f.yml:6:14: listen.ejabberd_c2s.ciphers: these options leave no version and suite of TLS"],
    );
    said(
        &format!("{listen}    ciphers: HIGH:AES128-SHA\n    protocol_options: [sslv3]\n"),
        &[
            "f.yml:6:23: listen.ejabberd_c2s.protocol_options: `sslv3` has no effect: TLS 1.2 and 1.3 are spoken, \
             without renegotiation",
            "f.yml:5:14: listen.ejabberd_c2s.ciphers: AES128-SHA means nothing here: there are ECDHE with AES-GCM or \
             ChaCha20, and the suites of TLS 1.3",
        ],
    );
}

#[test]
fn what_has_no_effect_is_told() {
    said(
        "hosts: [a.org]\nlisten:\n  - {module: ejabberd_c2s, port: 1, tls_compression: true, zlib: false}\n",
        &[
            "f.yml:3:54: listen.ejabberd_c2s.tls_compression: `tls_compression` has no effect: TLS is never compressed: \
           who sees its length learns what is in it (CRIME); remove it",
        ],
    );
    said("hosts: [a.org, b.org]\ns2s_tls_compression: false\n", &[]);
}

#[test]
fn hosts_are_told_once() {
    said(
        "hosts: [a.org, b.org]\ns2s_ciphers: DES-CBC3-SHA\nhost_config:\n  b.org:\n    s2s_protocol_options: no_x\n",
        &[
            "f.yml:2:14: s2s_ciphers: DES-CBC3-SHA means nothing here: there are ECDHE with AES-GCM or ChaCha20, and the \
             suites of TLS 1.3",
            "f.yml:2:14: s2s_ciphers: these ciphers leave no suite for TLS 1.2: only TLS 1.3 is spoken",
            "f.yml:5:27: s2s_protocol_options: `no_x` is no option of protocols; it has no effect",
        ],
    );
}

/// What the listener says goes before what the host says, and that before what is said for all.
#[test]
fn listeners_and_hosts_have_settings_of_their_own() {
    let config = load(
        "hosts: [a.org, b.org]\ns2s_protocol_options: no_tlsv1_2\nhost_config:\n  b.org:\n    s2s_protocol_options: x\n\
         listen:\n  - {module: ejabberd_c2s, port: 1}\n  - {module: ejabberd_c2s, port: 2, ciphers: AES256}\n",
    );
    let versions = |host: &str| policy_of(&config.host(host).options, "s2s").versions.len();
    assert_eq!((versions("a.org"), versions("b.org")), (1, 2));
    let [plain, own] = config.listeners() else { panic!() };
    let of = |listener, prefix| {
        ListenerTls::new(listener, prefix, Arc::new(Certificates::default()), TlsOptions::default())
    };
    let tls = of(plain, Some("s2s"));
    let settings = |host| tls.settings(&config, host).unwrap();
    assert!(Arc::ptr_eq(&settings(None), &settings(Some("a.org"))));
    assert!(!Arc::ptr_eq(&settings(None), &settings(Some("b.org"))));
    let suites =
        |tls: &ListenerTls| tls.settings(&config, None).unwrap().crypto_provider().cipher_suites.len();
    assert_eq!((suites(&of(own, None)), suites(&of(plain, None))), (5, 9));
}
