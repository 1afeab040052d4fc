use nightjar_sasl::ScramHash;

use super::*;
use crate::testing::{PLAIN, SHA1, SHA256, storing};
use crate::{AnonymousProtocol, PasswordFormat};

const TLS: MechanismPolicy = MechanismPolicy {
    tls: true,
    channel_binding: true,
    external: false,
    oauth: false,
    sasl2: false,
    plaintext_allowed: false,
};

#[track_caller]
fn check(options: &AuthOptions, policy: MechanismPolicy, expected: &str) {
    let names: Vec<&str> = mechanisms(options, policy).iter().map(|mechanism| mechanism.name()).collect();
    assert_eq!(names.join(" ").replace("SCRAM-SHA-", "S"), expected);
}

fn methods(methods: &[AuthMethod], anonymous_protocol: AnonymousProtocol) -> AuthOptions {
    AuthOptions { methods: methods.to_vec(), anonymous_protocol, ..AuthOptions::default() }
}

#[test]
fn stored_forms_decide() {
    let format =
        |password_format, scram_hash| AuthOptions { password_format, scram_hash, ..AuthOptions::default() };
    let all = "S512-PLUS S256-PLUS S1-PLUS S512 S256 S1 PLAIN";
    check(&AuthOptions::default(), TLS, all);
    check(&storing(&[PLAIN]), TLS, all);
    check(&format(Some(PasswordFormat::Plain), None), TLS, all);
    check(&storing(&[SHA256]), TLS, "S256-PLUS S256 PLAIN");
    check(&format(Some(PasswordFormat::Scram), None), TLS, "S1-PLUS S1 PLAIN");
    check(&format(Some(PasswordFormat::Scram), Some(ScramHash::Sha512)), TLS, "S512-PLUS S512 PLAIN");
}

#[test]
fn the_stream_decides() {
    let options = storing(&[SHA1]);
    check(&options, MechanismPolicy::default(), "S1");
    check(&options, MechanismPolicy { plaintext_allowed: true, ..MechanismPolicy::default() }, "S1 PLAIN");
    check(&options, MechanismPolicy { channel_binding: false, ..TLS }, "S1 PLAIN");
    check(&options, MechanismPolicy { external: true, ..TLS }, "EXTERNAL S1-PLUS S1 PLAIN");
    check(&options, MechanismPolicy { oauth: true, ..TLS }, "S1-PLUS S1 OAUTHBEARER X-OAUTH2 PLAIN");
    check(&options, MechanismPolicy { oauth: true, ..MechanismPolicy::default() }, "S1");
}

#[test]
fn the_operator_decides() {
    let disabled = AuthOptions {
        disabled_mechanisms: vec!["PLAIN".into(), "SCRAM-SHA-1-PLUS".into(), "DIGEST-MD5".into()],
        ..storing(&[SHA1])
    };
    check(&disabled, TLS, "S1");
    let hidden = AuthOptions { hidden_in_sasl1: vec![PLAIN, SHA1], ..storing(&[SHA1, SHA256]) };
    check(&hidden, TLS, "S256-PLUS S256");
    check(&hidden, MechanismPolicy { sasl2: true, ..TLS }, "S256-PLUS S1-PLUS S256 S1 PLAIN");
}

#[test]
fn methods_decide() {
    use AnonymousProtocol::{LoginAnon, SaslAnon};
    use AuthMethod::{Anonymous, Ldap, Sql};
    check(&methods(&[Anonymous], SaslAnon), TLS, "ANONYMOUS");
    check(&methods(&[Anonymous], LoginAnon), TLS, "PLAIN");
    check(&methods(&[Ldap], SaslAnon), TLS, "PLAIN");
    check(&methods(&[Sql, Ldap], SaslAnon), TLS, "PLAIN");
    check(&methods(&[], SaslAnon), TLS, "");
    let mixed = AuthOptions { stored_password_types: vec![SHA1], ..methods(&[Sql, Anonymous], SaslAnon) };
    check(&mixed, TLS, "S1-PLUS S1 PLAIN ANONYMOUS");
}

#[test]
fn tokens_need_their_binding() {
    use ChannelBindingKind::{TlsExporter, TlsServerEndPoint};
    let names = |bindings: &[_]| {
        fast_mechanisms(bindings).iter().map(|mechanism| mechanism.name()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["HT-SHA-256-NONE"]);
    assert_eq!(names(&[TlsServerEndPoint]), ["HT-SHA-256-ENDP", "HT-SHA-256-NONE"]);
    assert_eq!(
        names(&[TlsServerEndPoint, TlsExporter]),
        ["HT-SHA-256-EXPR", "HT-SHA-256-ENDP", "HT-SHA-256-NONE"]
    );
}
