use super::*;
use proptest::prelude::*;

/// Terms as Erlang/OTP 25 writes them (`term_to_binary`, hexadecimal) and shows them (`~0p`).
const ERLANG: &str = include_str!("tests/erlang.tsv");

fn decode(bytes: &[u8]) -> Result<Term, DecodeError> {
    Term::decode(bytes, &Limits::default())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn erlangs_own_terms_are_read_shown_and_written_back() {
    let mut seen = 0;
    for row in ERLANG.lines() {
        let (hex, shown) = row.split_once('\t').unwrap();
        let bytes = unhex(hex);
        let term = decode(&bytes).unwrap_or_else(|error| panic!("{hex}: {error}"));
        if bytes[1] == 80 {
            assert_eq!(decode(&encode(&term)), Ok(term), "{hex}");
        } else {
            assert_eq!(term.to_string(), shown, "{hex}");
            assert_eq!(encode(&term), bytes, "{shown}");
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen} rows");
}

#[test]
fn old_forms_are_read() {
    let node = b"\x64\x00\x03a@b";
    let rows: [(&[u8], Vec<u8>, Term); 8] = [
        (b"\x64\x00\x02", b"ok".to_vec(), Term::atom("ok")),
        (b"\x73\x01", vec![0xfc], Term::atom("ü")),
        (b"\x63", b"1.50000000000000000000e+00\0\0\0\0\0".to_vec(), Term::Float(1.5)),
        (
            b"\x6c\0\0\0\x01\x61\x07",
            b"\x6b\x00\x01\x08".to_vec(),
            Term::list([Term::Integer(7), Term::Integer(8)]),
        ),
        (b"\x6c\0\0\0\0", b"\x61\x05".to_vec(), Term::Integer(5)),
        (
            b"\x67",
            [&node[..], &[0, 0, 0, 1, 0, 0, 0, 2, 3]].concat(),
            Pid { node: "a@b".into(), id: 1, serial: 2, creation: 3 }.into(),
        ),
        (
            b"\x72\x00\x02",
            [&node[..], &[3, 0, 0, 0, 1, 0, 0, 0, 2]].concat(),
            Reference { node: "a@b".into(), creation: 3, words: vec![1, 2] }.into(),
        ),
        (
            b"\x66",
            [&node[..], &[0, 0, 0, 9, 1]].concat(),
            Term::Port(Box::new(Port { node: "a@b".into(), id: 9, creation: 1 })),
        ),
    ];
    for (start, rest, term) in rows {
        assert_eq!(decode(&[&[131], start, &rest].concat()), Ok(term));
    }
}

fn fun(size: u32) -> Vec<u8> {
    [&b"\x70"[..], &size.to_be_bytes(), &[0; 25], b"\x77\x01m\x61\x01\x61\x02\x61\x03"].concat()
}

fn fun_in_fun(count: usize) -> Vec<u8> {
    let start =
        [&b"\x70\0\0\0\x1e"[..], &[0; 21], &[0, 0, 0, 1], b"\x61\x01\x61\x01\x61\x02\x61\x03"].concat();
    start.repeat(count)
}

/// Hostile row 98: what a peer may send is bounded before memory is taken for it.
#[test]
fn hostile_terms_are_refused() {
    use DecodeError as Error;
    let nested = |count: usize| [b"\x6c\0\0\0\x01".repeat(count), vec![106; count + 1]].concat();
    let tuples = |count: usize| [b"\x68\x01".repeat(count), vec![106]].concat();
    let tails = |count: usize| [b"\x6c\0\0\0\x01\x6a".repeat(count), vec![106]].concat();
    let atoms = [b"\x69\x00\x10\x00\x00".to_vec(), b"\x77\x01a".repeat(1 << 20)].concat();
    let claims = b"\x69\x00\x07\x00\x00".repeat(100);
    let rows: Vec<(&str, Vec<u8>, Error)> = vec![
        ("lists in lists", nested(200_000), Error::TooDeep),
        ("tuples in tuples", tuples(200_000), Error::TooDeep),
        ("lists as tails", tails(200_000), Error::TooDeep),
        ("a tuple of 2^31", b"\x69\x80\0\0\0\x6a".to_vec(), Error::TooManyNodes),
        ("a list of 2^32", b"\x6c\xff\xff\xff\xff\x6a".to_vec(), Error::TooManyNodes),
        ("a map of 2^32", b"\x74\xff\xff\xff\xff\x6a".to_vec(), Error::TooManyNodes),
        ("claims in claims", claims, Error::Truncated),
        ("a million atoms", atoms, Error::TooManyNodes),
        ("a short binary", b"\x6d\xff\xff\xff\xffabc".to_vec(), Error::Truncated),
        ("a short integer", b"\x6f\xff\xff\xff\xff\x00abc".to_vec(), Error::Truncated),
        ("a short string", b"\x6b\xff\xffabc".to_vec(), Error::Truncated),
        ("a long atom", [&b"\x76\x01\x00"[..], &[b'a'; 256]].concat(), Error::Atom),
        ("an atom of no text", b"\x77\x01\xff".to_vec(), Error::Atom),
        ("an infinite float", b"\x46\x7f\xf0\0\0\0\0\0\0".to_vec(), Error::Float),
        ("a float of words", [&b"\x63"[..], &[b'x'; 31]].concat(), Error::Float),
        ("an unknown tag", b"\x00".to_vec(), Error::Tag(0)),
        ("an atom of no cache", b"\x52\x00".to_vec(), Error::UnknownAtom),
        ("a pid of a number", b"\x58\x61\x01".to_vec(), Error::Tag(97)),
        ("a reference without words", b"\x5a\0\0\x77\x01a\0\0\0\0".to_vec(), Error::Identifier),
        ("a reference of six words", b"\x5a\0\x06\x77\x01a\0\0\0\0".to_vec(), Error::Identifier),
        ("a fun of the wrong size", fun(4), Error::Identifier),
        (
            "a fun that holds 2^32",
            [&b"\x70\0\0\0\x1e"[..], &[0; 21], &[255; 4]].concat(),
            Error::TooManyNodes,
        ),
        ("a fun without its parts", b"\x70\0\0\0\x1e\x01".to_vec(), Error::Truncated),
        ("funs in funs", fun_in_fun(200), Error::TooDeep),
        ("nine bits", b"\x4d\0\0\0\x01\x09a".to_vec(), Error::Identifier),
        ("something after", b"\x6a\x6a".to_vec(), Error::Trailing),
        ("nothing", Vec::new(), Error::Truncated),
    ];
    for (name, body, error) in rows {
        assert_eq!(decode(&[&[131], &body[..]].concat()), Err(error), "{name}");
    }
    assert_eq!(decode(b"\x82\x6a"), Err(Error::Version(130)));
    assert_eq!(decode(&[131; 5 << 20]), Err(Error::TooLong));
}

/// As deep as it goes, a term fits a thread's stack, when it is read, shown, compared and dropped.
#[test]
fn the_deepest_term_is_taken() {
    let limits = Limits { depth: 10_000, ..Limits::default() };
    let levels = |count: usize| [&[131][..], &b"\x68\x01".repeat(count), &[106]].concat();
    let term = Term::decode(&levels(Limits::DEEPEST), &limits).unwrap();
    assert_eq!(term.to_string().len(), 2 * Limits::DEEPEST + 2);
    assert_eq!(encode(&term.clone()), levels(Limits::DEEPEST));
    assert_eq!(Term::decode(&levels(Limits::DEEPEST + 1), &limits), Err(DecodeError::TooDeep));
}

fn compressed(size: usize, data: &[u8]) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(data, 9);
    [&[131, 80][..], &u32::try_from(size).unwrap().to_be_bytes(), &packed].concat()
}

#[test]
fn compressed_terms_are_bounded() {
    let binary = |bytes: usize| {
        let mut term = b"\x6d".to_vec();
        term.extend(u32::try_from(bytes).unwrap().to_be_bytes());
        term.resize(5 + bytes, 7);
        term
    };
    let good = binary(100_000);
    assert_eq!(decode(&compressed(good.len(), &good)), Ok(Term::Binary(vec![7; 100_000])));
    let bomb = binary(64 << 20);
    let small = compressed(1000, &bomb);
    assert!(small.len() < 100_000);
    let rows = [
        ("a bomb that says what it is", compressed(bomb.len(), &bomb), DecodeError::TooLong),
        ("a bomb that claims to be small", small, DecodeError::Compression),
        ("more than promised", compressed(good.len() - 1, &good), DecodeError::Compression),
        ("less than promised", compressed(good.len() + 1, &good), DecodeError::Compression),
        ("no stream", [&[131, 80, 0, 0, 0, 9][..], &[255; 30]].concat(), DecodeError::Compression),
        ("no end", compressed(good.len(), &good)[..60].to_vec(), DecodeError::Compression),
        ("compressed twice", compressed(3, &[80, 0, 0]), DecodeError::Tag(80)),
        ("a term and more", compressed(2, &[106, 106]), DecodeError::Trailing),
        ("nothing", compressed(0, &[]), DecodeError::Truncated),
    ];
    for (name, bytes, error) in rows {
        assert_eq!(decode(&bytes), Err(error), "{name}");
    }
}

#[test]
fn texts_are_what_erlang_takes_for_texts() {
    let rows = [
        (Term::charlist("tmpü"), Some("tmpü")),
        (Term::text("tmpü"), Some("tmpü")),
        (Term::NIL, Some("")),
        (Term::list([Term::text("a"), Term::charlist("b"), Term::Integer(99)]), Some("abc")),
        (Term::cons(Term::Integer(97), Term::text("b")), Some("ab")),
        (Term::atom("a"), None),
        (Term::list([Term::Integer(-1)]), None),
        (Term::list([Term::Integer(0xd800)]), None),
        (Term::Binary(vec![255]), None),
    ];
    for (term, text) in rows {
        assert_eq!(term.to_text().as_deref(), text, "{term}");
    }
}

#[test]
fn lists_with_tails_are_built_as_erlang_has_them() {
    let improper = Term::cons(Term::Integer(1), Term::cons(Term::Integer(2), Term::atom("x")));
    assert_eq!(improper.to_string(), "[1,2|x]");
    assert_eq!(Term::cons(Term::Integer(1), Term::NIL), Term::list([Term::Integer(1)]));
    assert_eq!(Term::from(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!(Atom::new(&"é".repeat(300)).as_str().chars().count(), ATOM_CHARACTERS);
}

fn any_atom() -> impl Strategy<Value = Atom> {
    "\\PC{0,20}".prop_map(|name| Atom::new(&name))
}

fn any_leaf() -> impl Strategy<Value = Term> {
    let float = any::<f64>().prop_filter("finite", |value| value.is_finite());
    let big = (any::<bool>(), proptest::collection::vec(any::<u8>(), 8..300), 1..=255_u8).prop_map(
        |(is_negative, mut magnitude, last)| {
            magnitude.push(last);
            Term::BigInteger(BigInteger { is_negative, magnitude })
        },
    );
    let words = proptest::collection::vec(any::<u32>(), 1..=5);
    prop_oneof![
        any::<i64>().prop_map(Term::Integer),
        big,
        float.prop_map(Term::Float),
        any_atom().prop_map(Term::Atom),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Term::Binary),
        (proptest::collection::vec(any::<u8>(), 1..9), 1..=7_u8)
            .prop_map(|(bytes, last_bits)| Term::BitString { bytes, last_bits }),
        "\\PC{0,20}".prop_map(|text| Term::charlist(&text)),
        (any_atom(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(node, id, serial, creation)| Pid {
            node,
            id,
            serial,
            creation
        }
        .into()),
        (any_atom(), any::<u32>(), words).prop_map(|(node, creation, words)| Reference {
            node,
            creation,
            words
        }
        .into()),
        (any_atom(), any::<u64>(), any::<u32>())
            .prop_map(|(node, id, creation)| Term::Port(Box::new(Port { node, id, creation }))),
        (any_atom(), any_atom(), any::<u8>()).prop_map(|export| Term::Export(Box::new(export))),
    ]
}

fn any_term() -> impl Strategy<Value = Term> {
    any_leaf().prop_recursive(5, 60, 8, |inner| {
        let several = proptest::collection::vec(inner.clone(), 0..8);
        let pairs = proptest::collection::vec((inner.clone(), inner), 0..5);
        prop_oneof![
            several.clone().prop_map(Term::Tuple),
            several.prop_map(Term::List),
            pairs.prop_map(Term::Map),
            (any_leaf(), any_atom()).prop_map(|(head, tail)| Term::cons(head, tail.into())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(term in any_term()) {
        prop_assert_eq!(decode(&encode(&term)), Ok(term));
    }

    #[test]
    fn any_bytes_are_a_term_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(term) = decode(&[&[131], &bytes[..]].concat()) {
            prop_assert_eq!(decode(&encode(&term)), Ok(term));
        }
    }
}
