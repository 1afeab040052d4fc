//! Rows 46 and 47 of the list of hostile inputs: certificates that must not prove a domain, and how they are told apart.

use std::sync::Arc;
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    OtherNameValue, SanType, date_time_ymd,
};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};

use super::{CertificateFault, Presented, Proof, Reference, Tlsa, verify};

const XMPP_ADDR: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 8, 5];
const DNS_SRV: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 8, 7];
/// 2026-11-24
const NOW: u64 = 1_795_478_400;

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Arc::new(roots)
    }

    fn certify(&self, params: CertificateParams) -> CertificateDer<'static> {
        params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone()
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(Ia5String::try_from(name.to_owned()).unwrap())
}

fn other(kind: &[u64], value: &str) -> SanType {
    SanType::OtherName((kind.to_vec(), OtherNameValue::Utf8String(value.to_owned())))
}

fn params(names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.subject_alt_names = names;
    params
}

fn check(
    chain: &[CertificateDer<'_>],
    domain: &str,
    tlsa: &[Tlsa],
    roots: &Arc<RootCertStore>,
) -> Result<Proof, CertificateFault> {
    let reference = Reference { domain, delegated: None, tlsa };
    verify(chain, &reference, roots, UnixTime::since_unix_epoch(Duration::from_secs(NOW)))
}

#[test]
fn names_that_prove_a_domain_and_names_that_do_not() {
    let authority = Authority::new("authority");
    let roots = authority.roots();
    let rows: &[(&str, Vec<SanType>, bool)] = &[
        ("example.org", vec![dns("example.org")], true),
        ("example.org", vec![dns("EXAMPLE.org")], true),
        ("example.org", vec![dns("example.net"), dns("example.org")], true),
        ("example.org", vec![other(DNS_SRV, "_xmpp-server.example.org")], true),
        ("example.org", vec![other(DNS_SRV, "_xmpp-client.example.org")], false),
        ("example.org", vec![other(XMPP_ADDR, "example.org")], true),
        // id-on-xmppAddr against dNSName: an account's certificate proves no domain.
        ("example.org", vec![other(XMPP_ADDR, "juliet@example.org")], false),
        ("example.org", vec![other(XMPP_ADDR, "example.org/resource")], false),
        ("bücher.example", vec![dns("xn--bcher-kva.example")], true),
        ("bücher.example", vec![other(XMPP_ADDR, "bücher.example")], true),
        ("chat.example.org", vec![dns("*.example.org")], true),
        ("a.chat.example.org", vec![dns("*.example.org")], false),
        ("example.org", vec![dns("*.example.org")], false),
        ("example.org", vec![dns("*.org")], false),
        ("example.org", vec![dns("*")], false),
        ("chat.example.org", vec![dns("ch*.example.org")], false),
        ("chat.example.org", vec![dns("chat.*.org")], false),
        // NUL in a name: what is behind it counts, too.
        ("example.org", vec![dns("example.org\0.attacker.example")], false),
        ("example.org\0.attacker.example", vec![dns("example.org\0.attacker.example")], false),
        ("example.org", vec![dns("example.org.attacker.example")], false),
        ("127.0.0.1", vec![SanType::IpAddress("127.0.0.1".parse().unwrap())], false),
        (
            "example.org",
            vec![SanType::Rfc822Name(Ia5String::try_from("x@example.org".to_owned()).unwrap())],
            false,
        ),
    ];
    for (domain, names, proves) in rows {
        let chain = [authority.certify(params(names.clone()))];
        let outcome = check(&chain, domain, &[], &roots);
        assert_eq!(outcome.is_ok(), *proves, "{domain:?} by {names:?}: {outcome:?}");
    }
}

#[test]
fn a_common_name_or_text_inside_another_field_proves_nothing() {
    let authority = Authority::new("authority");
    for (kind, text) in [
        (DnType::CommonName, "example.org"),
        (DnType::OrganizationalUnitName, "CN=example.org"),
        (DnType::OrganizationalUnitName, "x, DNS:example.org"),
    ] {
        let mut params = params(Vec::new());
        params.distinguished_name.push(kind, text);
        let outcome = check(&[authority.certify(params)], "example.org", &[], &authority.roots());
        assert_eq!(outcome, Err(CertificateFault::NoName), "{text}");
    }
}

#[test]
fn each_fault_has_its_name() {
    let authority = Authority::new("authority");
    let roots = authority.roots();
    let good = || params(vec![dns("example.org")]);
    let fault = |params: CertificateParams| {
        check(&[authority.certify(params)], "example.org", &[], &roots).unwrap_err()
    };

    let mut late = good();
    late.not_after = date_time_ymd(2026, 2, 1);
    assert_eq!(fault(late), CertificateFault::Expired);
    let mut early = good();
    early.not_before = date_time_ymd(2026, 12, 1);
    assert_eq!(fault(early), CertificateFault::NotYetValid);
    let wrong = params(vec![dns("example.net")]);
    assert_eq!(fault(wrong), CertificateFault::WrongName("example.net".to_owned()));

    let own = good().self_signed(&KeyPair::generate().unwrap()).unwrap();
    assert_eq!(check(&[own.der().clone()], "example.org", &[], &roots), Err(CertificateFault::SelfSigned));
    let stranger = Authority::new("stranger").certify(good());
    let untrusted = check(&[stranger], "example.org", &[], &roots);
    assert!(
        matches!(&untrusted, Err(CertificateFault::Untrusted(who)) if who.contains("stranger")),
        "{untrusted:?}"
    );
    assert_eq!(check(&[], "example.org", &[], &roots), Err(CertificateFault::Missing));
    let noise = [CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])];
    assert_eq!(check(&noise, "example.org", &[], &roots), Err(CertificateFault::Unreadable));
}

#[test]
fn either_extended_key_usage_will_do_and_others_will_not() {
    let authority = Authority::new("authority");
    for (usage, proves) in [
        (ExtendedKeyUsagePurpose::ServerAuth, true),
        (ExtendedKeyUsagePurpose::ClientAuth, true),
        (ExtendedKeyUsagePurpose::CodeSigning, false),
    ] {
        let mut params = params(vec![dns("example.org")]);
        params.extended_key_usages = vec![usage.clone()];
        let outcome = check(&[authority.certify(params)], "example.org", &[], &authority.roots());
        assert_eq!(outcome.is_ok(), proves, "{usage:?}: {outcome:?}");
    }
}

fn sha256(selected: &[u8]) -> Vec<u8> {
    Sha256::digest(selected).to_vec()
}

#[test]
fn tlsa_records_replace_or_narrow_what_authorities_say() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let roots = authority.roots();
    let own =
        params(vec![dns("other.example")]).self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();
    let key = Presented::read(&own).unwrap().public_key_info;
    let record = |usage, selector, matching, data: Vec<u8>| Tlsa { usage, selector, matching, data };

    // DANE-EE: neither names nor authorities count (RFC 7671 §5.1).
    for tlsa in [record(3, 1, 1, sha256(&key)), record(3, 0, 1, sha256(&own)), record(3, 0, 0, own.to_vec())]
    {
        assert_eq!(check(std::slice::from_ref(&own), "example.org", &[tlsa], &roots), Ok(Proof::Dane));
    }
    // A record that doesn't match is worse than none.
    let good = authority.certify(params(vec![dns("example.org")]));
    let other = record(3, 1, 1, sha256(b"another key"));
    assert_eq!(
        check(std::slice::from_ref(&good), "example.org", &[other], &roots),
        Err(CertificateFault::Dane)
    );
    // Unusable records count as none (RFC 6698 §4.1).
    assert_eq!(
        check(std::slice::from_ref(&good), "example.org", &[record(9, 1, 1, vec![1])], &roots),
        Ok(Proof::Pkix)
    );
    // DANE-TA: the record's authority, and the name must be right.
    let leaf = stranger.certify(params(vec![dns("example.org")]));
    let chain = [leaf, stranger.issuer.der().clone()];
    let anchor = record(2, 0, 1, sha256(stranger.issuer.der()));
    assert_eq!(check(&chain, "example.org", std::slice::from_ref(&anchor), &roots), Ok(Proof::Dane));
    let wrong = check(&chain, "example.net", &[anchor], &roots);
    assert!(matches!(wrong, Err(CertificateFault::WrongName(_))), "{wrong:?}");
    // PKIX-EE: both the record and an authority.
    let narrowed = record(1, 0, 1, sha256(&good));
    assert_eq!(
        check(std::slice::from_ref(&good), "example.org", std::slice::from_ref(&narrowed), &roots),
        Ok(Proof::Pkix)
    );
    let nobodys = check(&[good], "example.org", &[narrowed], &stranger.roots());
    assert!(matches!(nobodys, Err(CertificateFault::Untrusted(_))), "{nobodys:?}");
}

#[test]
fn a_name_that_a_proven_srv_record_gave_will_do() {
    let authority = Authority::new("authority");
    let chain = [authority.certify(params(vec![dns("xmpp.hosting.example")]))];
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let with = |delegated| {
        let reference = Reference { domain: "example.org", delegated, tlsa: &[] };
        verify(&chain, &reference, &authority.roots(), now)
    };
    assert_eq!(with(Some("xmpp.hosting.example")), Ok(Proof::Pkix));
    assert!(with(None).is_err());
}
