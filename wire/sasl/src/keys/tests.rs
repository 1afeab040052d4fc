use super::*;

fn derived(hash: ScramHash) -> ScramKeys {
    ScramKeys::derive(hash, &Secret::from("pencil"), b"0123456789abcdef", 4096).unwrap()
}

#[test]
fn stored_form_goes_both_ways() {
    for hash in ScramHash::ALL {
        let keys = derived(hash);
        let decoded = ScramKeys::decode(hash, &keys.encode()).unwrap();
        assert_eq!((decoded.hash(), decoded.salt(), decoded.iterations()), (hash, keys.salt(), 4096));
        assert!(decoded.check_password(&Secret::from("pencil")));
        assert!(!decoded.check_password(&Secret::from("pencil ")));
        assert!(!decoded.check_password(&Secret::default()));
    }
}

#[test]
fn damaged_rows_are_refused() {
    let good = derived(ScramHash::Sha256).encode();
    let with = |change: &dyn Fn(&mut EncodedKeys)| {
        let mut damaged = good.clone();
        change(&mut damaged);
        ScramKeys::decode(ScramHash::Sha256, &damaged).unwrap_err()
    };
    assert_eq!(with(&|row| row.stored_key = "?".into()), KeyError::Encoding);
    assert_eq!(with(&|row| row.stored_key = "AAAA".into()), KeyError::Length);
    assert_eq!(with(&|row| row.server_key = String::new()), KeyError::Length);
    assert_eq!(with(&|row| row.salt = String::new()), KeyError::Salt);
    assert_eq!(with(&|row| row.salt = "x".into()), KeyError::Encoding);
    assert_eq!(with(&|row| row.iterations = 0), KeyError::Iterations);
    assert_eq!(with(&|row| row.iterations = u32::MAX), KeyError::Iterations);
    assert_eq!(ScramKeys::decode(ScramHash::Sha1, &good).unwrap_err(), KeyError::Length);
}

/// RFC 4013: U+00AD vanishes, U+2168 becomes IX, control characters are prohibited.
#[test]
fn passwords_are_prepared() {
    let table =
        [("I\u{ad}X", Some("IX")), ("\u{2168}", Some("IX")), ("\u{7}", None), ("", None), ("\u{ad}", None)];
    for (typed, equal) in table {
        let keys = ScramKeys::derive(ScramHash::Sha1, &Secret::from(typed), b"salt", 1);
        match equal {
            None => assert_eq!(keys.unwrap_err(), BadPassword, "{typed:?}"),
            Some(equal) => assert!(keys.unwrap().check_password(&Secret::from(equal)), "{typed:?}"),
        }
    }
    let binary = Secret::new(vec![0xff]);
    assert_eq!(ScramKeys::derive(ScramHash::Sha1, &binary, b"salt", 1).unwrap_err(), BadPassword);
}

/// Hostile row 21: keys and secrets cannot be printed, and compare through `subtle` only (there is no `PartialEq`).
#[test]
fn nothing_secret_is_printed() {
    let keys = derived(ScramHash::Sha256);
    let encoded = keys.encode();
    for shown in [format!("{keys:?}"), format!("{encoded:?}"), format!("{:?}", Secret::from("pencil"))] {
        for hidden in ["pencil", &encoded.stored_key, &encoded.server_key, &encoded.salt] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}

#[test]
fn verification_tags_tell_keys_and_passwords_apart() {
    let secret = |text: &str| Secret::from(text);
    let keys = derived(ScramHash::Sha256);
    let other_salt = ScramKeys::derive(ScramHash::Sha256, &secret("pencil"), b"another salt", 4096).unwrap();
    let tag = keys.verification_tag(&secret("process"), &secret("pencil"));
    let same = |other: Secret| tag.same_as(other.expose());
    assert!(same(keys.verification_tag(&secret("process"), &secret("pencil"))));
    assert!(!same(keys.verification_tag(&secret("process"), &secret("eraser"))));
    assert!(!same(keys.verification_tag(&secret("restart"), &secret("pencil"))));
    assert!(!same(other_salt.verification_tag(&secret("process"), &secret("pencil"))));
}

/// RFC 4231 §4.2, §4.7 and RFC 2202 case 6: short keys are padded, long ones hashed.
#[test]
fn hmac_vectors() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hi: &[&[u8]] = &[b"Hi ", b"There"];
    let long: &[&[u8]] = &[b"Test Using Larger Than Block-Size Key - Hash Key First"];
    assert_eq!(
        hex(ScramHash::Sha256.hmac(&[0x0b; 20], hi)),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    );
    assert_eq!(
        hex(ScramHash::Sha256.hmac(&[0xaa; 131], long)),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
    assert_eq!(
        hex(ScramHash::Sha512.hmac(&[0x0b; 20], hi)),
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
    );
    assert_eq!(hex(ScramHash::Sha1.hmac(&[0xaa; 80], long)), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}
