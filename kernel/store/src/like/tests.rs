use super::like_escape;

#[test]
fn wildcards_and_the_escape_itself_become_literal() {
    for (text, expected) in
        [("", ""), ("plain", "plain"), ("50%", "50^%"), ("a_b^c", "a^_b^^c"), ("\\'é", "\\'é")]
    {
        assert_eq!(like_escape(text), expected, "{text:?}");
    }
}
