use super::Text;
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};

const LONG: &str = "<message to='juliet@capulet.lit'><body>Wherefore art thou?</body></message>";

#[test]
fn is_small() {
    assert_eq!(size_of::<Text>(), 24);
}

#[test]
fn slices_share_the_buffer() {
    let whole = Text::new(LONG);
    let body = whole.slice(33..65);
    assert_eq!(body, "<body>Wherefore art thou?</body>");
    let words = body.slice(6..25);
    assert_eq!(words, "Wherefore art thou?");
    assert!(words.shares_buffer(&whole));
    assert_eq!(words.buffer_len(), LONG.len());
    assert_eq!(body.slice_ref(&words.as_str()[..9]), "Wherefore");
    assert!(body.slice_ref(&words.as_str()[..9]).shares_buffer(&whole));
}

#[test]
fn slice_ref_copies_what_lies_outside() {
    let whole = Text::new(LONG);
    let tail = whole.slice(33..LONG.len());
    for outside in ["elsewhere", &whole.as_str()[..8], &whole.as_str()[30..40]] {
        let text = tail.slice_ref(outside);
        assert_eq!(text, outside);
        assert!(!text.shares_buffer(&whole), "{outside}");
    }
    assert_eq!(tail.slice_ref(""), "");
}

#[test]
#[cfg(not(debug_assertions))]
fn bad_slices_are_empty() {
    let text = Text::new("añb");
    for (start, end) in [(2, 3), (0, 9), (3, 1), (0, 2)] {
        assert_eq!(text.slice(start..end), "");
    }
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "of a text of 4 bytes")]
fn a_bad_slice_stops_a_debug_build() {
    Text::new("añb").slice(2..3);
}

#[test]
fn detach_copies_only_when_it_frees_much() {
    let whole = Text::new(&LONG.repeat(10));
    let small = whole.slice(0..8).detach();
    assert!(!small.shares_buffer(&whole));
    assert_eq!((small.as_str(), small.buffer_len()), ("<message", 8));
    let most = whole.slice(0..LONG.len() * 9).detach();
    assert!(most.shares_buffer(&whole));
}

#[test]
fn compares_and_hashes_like_str() {
    let whole = Text::new("b.a.b");
    let (first, last) = (whole.slice(0..1), whole.slice(4..5));
    assert_eq!(first, last);
    assert!(whole.slice(2..3) < first);
    let hashed: HashSet<Text> = [first.clone(), last].into();
    assert_eq!(hashed.len(), 1);
    assert!(hashed.contains("b"));
    let ordered: BTreeSet<Text> = [first, whole.slice(2..3)].into();
    assert_eq!(ordered.first().map(Text::as_str), Some("a"));
    let borrowed: &str = whole.borrow();
    assert_eq!(borrowed, "b.a.b");
}

#[test]
fn shows_like_str() {
    let text = Text::from(String::from("a\"b"));
    assert_eq!(format!("{text:>5}|{text:?}"), "  a\"b|\"a\\\"b\"");
    assert_eq!(String::from(Text::empty()), "");
}
