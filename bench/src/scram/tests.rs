use super::*;

/// RFC 5802 §5 and RFC 7677 §3.
#[test]
fn examples_of_the_standards() {
    for (hash, nonce, challenge, proof, signature) in [
        (
            Hash::Sha1,
            "fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (
            Hash::Sha256,
            "rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ] {
        let first = first_bare("user", nonce);
        let fresh = finish(hash, "pencil", &first, challenge, None).unwrap();
        assert!(fresh.message.ends_with(&format!(",p={proof}")), "{}", fresh.message);
        assert_eq!(fresh.server_signature, signature);
        let again = finish(hash, "not used", &first, challenge, Some(&fresh.salted)).unwrap();
        assert_eq!(again.message, fresh.message);
    }
}

#[test]
fn a_challenge_without_its_fields_is_refused() {
    for challenge in ["", "r=a,s=QSXC", "r=a,i=4096", "r=a,s=QSXC,i=many", "r=a,s=QSXC,i=99999999"] {
        assert!(finish(Hash::Sha1, "p", "n=u,r=a", challenge, None).is_err(), "{challenge}");
    }
}
