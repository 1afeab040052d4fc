use super::*;

/// The examples of XEP-0185 §3 and XEP-0220 §2.1.1 and §2.2.2.
#[test]
fn keys_are_those_of_the_specifications() {
    let cases = [
        (
            ("s3cr3tf0rd14lb4ck", "xmpp.example.com", "example.org", "D60000229F"),
            "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643",
        ),
        (
            ("s3cr3tf0rd14lb4ck", "montague.example", "capulet.example", "D60000229F"),
            "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3",
        ),
        (
            ("d14lb4ck43v3r", "capulet.example", "montague.example", "417GAF25"),
            "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d",
        ),
    ];
    for ((secret, receiving, originating, id), expected) in cases {
        let secret = secret.as_bytes();
        assert_eq!(key(secret, receiving, originating, id).as_str(), expected);
        assert!(matches(secret, receiving, originating, id, expected));
    }
}

#[test]
fn another_key_does_not_match() {
    let right = key(b"secret", "a.example", "b.example", "1");
    let flipped = format!("0{}", &right[1..]);
    let other = key(b"secret", "a.example", "b.example", "2");
    let swapped = key(b"secret", "b.example", "a.example", "1");
    let joined = key(b"secret", "a.exampleb", ".example", "1");
    for wrong in ["", "0", &flipped, &other, &swapped, &joined, &right[..63], &format!("{right}0")] {
        assert!(
            wrong == right.as_str() || !matches(b"secret", "a.example", "b.example", "1", wrong),
            "{wrong}"
        );
    }
}
