use proptest::prelude::*;

use super::*;

#[test]
fn escapes() {
    assert_eq!(escape_text("plain \"text\" 'é'\t\n"), "plain \"text\" 'é'\t\n");
    assert!(matches!(escape_text("plain"), Cow::Borrowed(_)));
    assert_eq!(escape_text("<a>&\r"), "&lt;a&gt;&amp;&#13;");
    assert_eq!(escape_attr("<'\"&>\t\r\n"), "&lt;&apos;&quot;&amp;&gt;&#9;&#13;&#10;");
    assert_eq!(
        escape_text("a\u{0}b\u{1f}\u{fffe}\u{ffff}\u{7f}"),
        "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\u{7f}"
    );
}

#[test]
fn unescapes() {
    for (written, text, attr) in [
        ("plain", "plain", "plain"),
        ("&lt;&gt;&amp;&apos;&quot;&#65;&#x42;", "<>&'\"AB", "<>&'\"AB"),
        ("a\r\nb\rc\nd\te\r\r\n", "a\nb\nc\nd\te\n\n", "a b c d e  "),
        ("&#13;&#10;&#9;", "\r\n\t", "\r\n\t"),
        ("&amp;amp;", "&amp;", "&amp;"),
        // Unchecked text stays as it is where it means nothing.
        ("&nope; & é", "&nope; & é", "&nope; & é"),
    ] {
        assert_eq!(unescape_text(written), text);
        assert_eq!(unescape_attr(written), attr);
    }
    assert_eq!(unescape_text("a<![CDATA[<&amp;\r\n]]]]>&lt;<![CDATA[]]>b"), "a<&amp;\n]]<b");
}

proptest! {
    #[test]
    fn comes_back(text in "[ -~\t\r\né<&>'\"]{0,20}") {
        let escaped = escape_text(&text);
        prop_assert_eq!(unescape_text(&escaped), text.as_str());
        let escaped = escape_attr(&text);
        prop_assert_eq!(unescape_attr(&escaped), text.as_str());
    }
}
