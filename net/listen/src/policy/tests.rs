use super::{PolicyFault, TlsPolicy};

/// Versions, number of suites that are left, whether the order is our own, and faults.
#[track_caller]
fn check(options: &str, ciphers: Option<&str>, expected: &str) {
    let said = match TlsPolicy::read(Some(options), ciphers) {
        Err(fault) => fault.to_string(),
        Ok((policy, faults)) => {
            let versions: Vec<_> =
                policy.versions.iter().map(|version| version.version.as_str().unwrap_or_default()).collect();
            let order = if policy.own_order { ", own order" } else { "" };
            let faults: Vec<String> = faults.iter().map(fault).collect();
            let suites = policy.provider.cipher_suites.len();
            format!("{} {suites}{order}{}", versions.join("+"), faults.concat())
        }
    };
    assert_eq!(said, expected, "{options} {ciphers:?}");
}

fn fault(fault: &PolicyFault) -> String {
    match fault {
        PolicyFault::UnknownOption(word) => format!(", unknown {word}"),
        PolicyFault::Weaker(word) => format!(", weaker {word}"),
        PolicyFault::UnknownCiphers(words) => format!(", absent {words}"),
        PolicyFault::OnlyTls13 => ", only 1.3".to_owned(),
        PolicyFault::NothingLeft => unreachable!(),
    }
}

#[test]
fn reads_protocol_options() {
    check("", None, "TLSv1_3+TLSv1_2 9");
    check("no_sslv2|no_sslv3|no_tlsv1|no_tlsv1_1", None, "TLSv1_3+TLSv1_2 9");
    check("no_tlsv1_2", None, "TLSv1_3 9");
    check("no_tlsv1_3|no_sslv3", None, "TLSv1_2 9");
    check("no_sslv3|cipher_server_preference|no_compression", None, "TLSv1_3+TLSv1_2 9, own order");
    check("tlsv1_1|NO_SSLV3|no_slv3", None, "TLSv1_3+TLSv1_2 9, weaker tlsv1_1, unknown no_slv3");
    check("no_tlsv1_2|no_tlsv1_3", None, "these options leave no version and suite of TLS");
}

#[test]
fn ciphers_leave_versions() {
    check("", Some("HIGH:!aNULL"), "TLSv1_3+TLSv1_2 9");
    check("", Some("ECDHE+AES256"), "TLSv1_3+TLSv1_2 5");
    check("no_tlsv1_3", Some("ECDHE+AES256"), "TLSv1_2 5");
    check("", Some("TLS_AES_256_GCM_SHA384"), "TLSv1_3 1");
    check("no_tlsv1_2", Some("TLS_AES_256_GCM_SHA384:HIGH"), "TLSv1_3 7");
    check("", Some("RC4-SHA"), "TLSv1_3 3, absent RC4-SHA, only 1.3");
    check("no_tlsv1_3", Some("RC4-SHA"), "these options leave no version and suite of TLS");
    check("no_tlsv1_3", Some("TLS_AES_256_GCM_SHA384"), "these options leave no version and suite of TLS");
}
