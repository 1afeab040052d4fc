use super::*;

#[test]
fn escapes_and_back() {
    // XEP-0106 §5 and §6.
    for (plain, escaped) in [
        ("space cadet", "space\\20cadet"),
        ("call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22"),
        ("at&t guy", "at\\26t\\20guy"),
        ("d'artagnan", "d\\27artagnan"),
        ("/.fanboy", "\\2f.fanboy"),
        ("::foo::", "\\3a\\3afoo\\3a\\3a"),
        ("<foo>", "\\3cfoo\\3e"),
        ("user@host", "user\\40host"),
        ("c:\\net", "c\\3a\\net"),
        ("c:\\\\net", "c\\3a\\\\net"),
        ("c:\\cool stuff", "c\\3a\\cool\\20stuff"),
        ("c:\\5commas", "c\\3a\\5c5commas"),
        ("\\2plus\\2is\\4", "\\2plus\\2is\\4"),
        ("foo\\bar", "foo\\bar"),
        ("foo\\41r", "foo\\41r"),
        ("foo\\é", "foo\\é"),
        ("plain", "plain"),
        ("", ""),
    ] {
        assert_eq!(escape_node(plain), escaped);
        assert_eq!(unescape_node(escaped), plain);
    }
    assert_eq!(unescape_node("a\\2Fb\\"), "a/b\\");
}
