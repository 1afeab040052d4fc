use super::{matches, search_words};

#[test]
fn all_words_occur_whatever_their_case_and_order() {
    for (text, query, expected) in [
        ("Wherefore art thou, Roméo?", "ROMÉO art", true),
        ("Wherefore art thou, Roméo?", "art juliet", false),
        ("anything", "", false),
        ("anything", "  %' \" ", false),
        ("50% off", "50%", true),
        ("", "x", false),
    ] {
        assert_eq!(matches(text, &search_words(query)), expected, "{query:?} in {text:?}");
    }
}
