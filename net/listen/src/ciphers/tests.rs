use super::read;

const ECDSA_256: &str = "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
const RSA_256: &str = "ECDHE_RSA_WITH_AES_256_GCM_SHA384";
const ECDSA_CHACHA: &str = "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
const RSA_CHACHA: &str = "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
const ECDSA_128: &str = "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
const RSA_128: &str = "ECDHE_RSA_WITH_AES_128_GCM_SHA256";
const ALL: [&str; 6] = [ECDSA_256, RSA_256, ECDSA_CHACHA, RSA_CHACHA, ECDSA_128, RSA_128];

#[track_caller]
fn check(list: &str, tls12: &[&str], tls13: &[&str], absent: &[&str]) {
    let listed = read(list);
    let names = |suites: &[rustls::CipherSuite]| -> Vec<String> {
        let name = |suite: &rustls::CipherSuite| suite.as_str().unwrap_or_default().to_owned();
        suites
            .iter()
            .map(|suite| name(suite).trim_start_matches("TLS13_").trim_start_matches("TLS_").to_owned())
            .collect()
    };
    assert_eq!(names(&listed.tls12), tls12, "{list}");
    assert_eq!(names(&listed.tls13), tls13, "{list}");
    assert_eq!(listed.absent, absent, "{list}");
}

#[test]
fn takes_what_ejabberd_and_operators_write() {
    // The default of ejabberd.
    check("HIGH:!aNULL:!eNULL:!3DES:@STRENGTH", &ALL, &[], &[]);
    check("DEFAULT", &ALL, &[], &[]);
    check("ECDHE-ECDSA-AES256-GCM-SHA384", &[ECDSA_256], &[], &[]);
    check("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", &[RSA_128], &[], &[]);
    check(
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305",
        &[ECDSA_128, RSA_128, RSA_CHACHA],
        &[],
        &[],
    );
    check("EECDH+AESGCM:EDH+AESGCM", &[ECDSA_256, RSA_256, ECDSA_128, RSA_128], &[], &[]);
    check("HIGH:MEDIUM:!kRSA:!DHE", &ALL, &[], &[]);
}

#[test]
fn takes_away_and_moves() {
    check("ALL:!AES128", &ALL[..4], &[], &[]);
    check("ALL:-ECDSA", &[RSA_256, RSA_CHACHA, RSA_128], &[], &[]);
    check("ALL:-ECDSA:ECDSA+AES128", &[RSA_256, RSA_CHACHA, RSA_128, ECDSA_128], &[], &[]);
    check("!ECDSA:ALL", &[RSA_256, RSA_CHACHA, RSA_128], &[], &[]);
    check("ALL:+AES256", &[ECDSA_CHACHA, RSA_CHACHA, ECDSA_128, RSA_128, ECDSA_256, RSA_256], &[], &[]);
    check("AES128:AES256:@STRENGTH", &[ECDSA_256, RSA_256, ECDSA_128, RSA_128], &[], &[]);
    check("ALL:@SECLEVEL=2", &ALL, &[], &[]);
    check("ALL:@SECLEVEL=4", &ALL[..4], &[], &[]);
}

/// SHA-384 is the MAC of suites in CBC mode, and no property of those in GCM (ciphers(1)).
#[test]
fn groups_mean_what_they_mean_to_openssl() {
    check("ALL:!SHA384:!SHA256", &ALL, &[], &[]);
    check("ALL:!RSA", &ALL, &[], &[]);
    check("ALL:!aRSA", &[ECDSA_256, ECDSA_CHACHA, ECDSA_128], &[], &[]);
}

#[test]
fn names_of_tls_13_are_no_part_of_groups() {
    check("TLS_AES_128_GCM_SHA256", &[], &["AES_128_GCM_SHA256"], &[]);
    check("TLS_AES_128_GCM_SHA256:ECDHE+AES256:!AES128", &[ECDSA_256, RSA_256], &["AES_128_GCM_SHA256"], &[]);
    check(
        "ALL:TLS_CHACHA20_POLY1305_SHA256:!AES",
        &[ECDSA_CHACHA, RSA_CHACHA],
        &["CHACHA20_POLY1305_SHA256"],
        &[],
    );
}

#[test]
fn says_what_means_nothing() {
    check("RC4-SHA:AES128-SHA", &[], &[], &["RC4-SHA", "AES128-SHA"]);
    check("HIGH:DHE-RSA-AES256-GCM-SHA384", &ALL, &[], &["DHE-RSA-AES256-GCM-SHA384"]);
    check("HIHG:ALL+NOTHING:!ECDSAA", &[], &[], &["HIHG", "ALL+NOTHING", "!ECDSAA"]);
    check("ALL:@WEAKNESS:@SECLEVEL=9:!", &ALL, &[], &["@WEAKNESS", "@SECLEVEL=9", "!"]);
    check("aNULL", &[], &[], &[]);
    check("", &[], &[], &[]);
}
