use super::*;

#[test]
fn globs_match_whole_texts() {
    for (glob, text, matches) in [
        ("*", "anything", true),
        ("*", "", true),
        ("a?c", "abc", true),
        ("a?c", "abbc", false),
        ("[ab]x", "bx", true),
        ("[!ab]x", "bx", false),
        ("[!ab]x", "cx", true),
        ("[a-c]", "b", true),
        ("[]]", "]", true),
        ("[", "[", true),
        ("a.c", "abc", false),
        ("*.example.org", "conference.example.org", true),
        ("*.example.org", "conference.example.org.evil", false),
        ("\\*", "*", true),
        ("\\*", "x", false),
        ("[a&&b]", "&", true),
        ("ü*", "über", true),
    ] {
        assert_eq!(Pattern::glob(glob).unwrap().matches(text), matches, "{glob} {text}");
    }
}

#[test]
fn regular_expressions_match_anywhere() {
    for (regexp, text, matches) in [
        ("", "anything", true),
        ("dmin", "admin", true),
        ("^dmin", "admin", false),
        ("^a.*n$", "admin", true),
    ] {
        assert_eq!(Pattern::regexp(regexp).unwrap().matches(text), matches, "{regexp} {text}");
    }
}

#[test]
fn refuses_what_is_broken_or_exponential() {
    for bad in ["(", "[a", "a{2", "(?=x)", r"(a)\1", "(((((a{9999}){9999}){9999})))"] {
        let error = Pattern::regexp(bad).unwrap_err();
        assert!(!error.is_empty() && !error.contains('\n'), "{bad}: {error}");
    }
}
