use super::*;
use JidError::{Bidirectional, Empty, Forbidden};

type Prepare = for<'a> fn(&'a str) -> Result<Cow<'a, str>, JidError>;

fn check(prepare: Prepare, rows: &[(&str, Result<&str, JidError>)]) {
    for (input, expected) in rows {
        assert_eq!(prepare(input).as_deref(), expected.as_ref().map(|text| *text), "{input:?}");
    }
}

#[test]
fn borrows_what_is_normal() {
    for prepare in [nodeprep as Prepare, nameprep, resourceprep, saslprep] {
        assert!(matches!(prepare("abc"), Ok(Cow::Borrowed("abc"))));
        assert!(matches!(prepare("é"), Ok(Cow::Borrowed("é"))));
    }
}

#[test]
fn saslprep_examples() {
    // RFC 4013 §3.
    check(
        saslprep,
        &[
            ("I\u{ad}X", Ok("IX")),
            ("user", Ok("user")),
            ("USER", Ok("USER")),
            ("\u{aa}", Ok("a")),
            ("\u{2168}", Ok("IX")),
            ("\u{7}", Err(Forbidden(Part::Credential, '\u{7}'))),
            ("\u{627}1", Err(Bidirectional(Part::Credential))),
            ("", Err(Empty(Part::Credential))),
            ("a\u{a0}b c", Ok("a b c")),
            ("\u{1f9ff}", Ok("\u{1f9ff}")),
        ],
    );
}

#[test]
fn nameprep_examples() {
    // From draft-josefsson-idn-test-vectors, less the rows about unassigned code points.
    check(
        nameprep,
        &[
            (
                "foo\u{ad}\u{34f}\u{1806}\u{180b}bar\u{200b}\u{2060}baz\u{fe00}\u{fe0f}\u{feff}",
                Ok("foobarbaz"),
            ),
            ("CAFE", Ok("cafe")),
            ("\u{df}", Ok("ss")),
            ("\u{130}", Ok("i\u{307}")),
            ("\u{37a}a", Err(Forbidden(Part::Domain, ' '))),
            ("\u{1fb7}", Ok("\u{1fb6}\u{3b9}")),
            ("\u{1f0}", Ok("\u{1f0}")),
            ("\u{390}", Ok("\u{390}")),
            ("\u{1680}", Err(Forbidden(Part::Domain, '\u{1680}'))),
            ("\u{85}", Err(Forbidden(Part::Domain, '\u{85}'))),
            ("\u{e0001}", Err(Forbidden(Part::Domain, '\u{e0001}'))),
            ("foo\u{5be}bar", Err(Bidirectional(Part::Domain))),
            ("foo\u{fd50}bar", Err(Bidirectional(Part::Domain))),
            ("\u{627}1", Err(Bidirectional(Part::Domain))),
            ("\u{627}1\u{628}", Ok("\u{627}1\u{628}")),
            ("\u{e9}.example.", Ok("\u{e9}.example")),
            ("xn--caf-dma.example", Ok("xn--caf-dma.example")),
        ],
    );
}

#[test]
fn profiles_differ() {
    check(nodeprep, &[("A B", Err(Forbidden(Part::Local, ' '))), ("AB", Ok("ab")), ("a%b", Ok("a%b"))]);
    check(resourceprep, &[("A \"B\"", Ok("A \"B\"")), ("A\u{a0}B", Ok("A B")), ("\u{ff21}", Ok("A"))]);
    check(nameprep, &[("a%b", Err(Forbidden(Part::Domain, '%'))), ("a+b", Ok("a+b"))]);
}
