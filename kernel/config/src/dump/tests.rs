use nightjar_text::Text;
use proptest::prelude::*;

use super::*;
use crate::testing::{config, node};

#[test]
fn trees_become_yaml() {
    for (tree, yaml) in [
        ("{}", "{}\n"),
        ("hosts: [a.org]", "hosts:\n  - a.org\n"),
        ("a: {b: {c: [1, {d: e, f: []}]}}", "a:\n  b:\n    c:\n      - 1\n      - d: e\n        f: []\n"),
        ("a: [[x, y], [{k: v}]]", "a:\n  - - x\n    - y\n  - - k: v\n"),
        ("a: \"5\"\nb: 5\nc: ''\nd:\n", "a: \"5\"\nb: 5\nc: \"\"\nd:\n"),
        ("a: \"x: y\"\nb: '@HOST@'\nc: \"::1/128\"", "a: \"x: y\"\nb: \"@HOST@\"\nc: \"::1/128\"\n"),
        ("5000: admin\n/x: y\n\"a b\": c", "5000: admin\n/x: y\n\"a b\": c\n"),
        ("a: \"q\\\"\\\\\\n\\u2028é\"", "a: \"q\\\"\\\\\\n\\u2028é\"\n"),
    ] {
        assert_eq!(to_yaml(&node(tree), false), yaml, "{tree}");
    }
}

#[test]
fn secrets_stay_out_unless_asked_for() {
    let config = config(
        "hosts: [a]\nsql_password: s3cret\ndefine_keyword: {MY_PASSWORD: s3cret, COLOUR: red}\n\
         listen: [{port: 1, module: ejabberd_service, password: s3cret, hosts: {c.a: {password: s3cret}}}]\n\
         modules: {mod_stun_disco: {secret: s3cret}, mod_http_fileserver: {docroot: /x, must_authenticate_with: [\"u:s3cret\"]}}\n\
         auth_password_format: plain\nmodules: {mod_muc: {default_room_options: {password_protected: true, password: s3cret}}}\n",
    );
    let dump = config.dump(false);
    assert!(!dump.contains("s3cret"), "{dump}");
    assert!(
        dump.contains("auth_password_format: plain")
            && dump.contains("COLOUR: red")
            && dump.contains("password_protected: true")
    );
    assert_eq!(config.dump(true).matches("s3cret").count(), 7);
    assert_eq!(to_line("hosts", &node("{c: {password: x}}")), "{c: {password: ***}}");
}

fn tree() -> impl Strategy<Value = String> {
    "[ -~\n\té\u{2028}\u{85}\u{1F600}]{0,12}"
}

fn any_node() -> impl Strategy<Value = Node> {
    let at = node("{}").at;
    let leaf_at = at.clone();
    let leaf = (tree(), any::<bool>()).prop_map(move |(text, quoted)| {
        let plain = !quoted && integer(&text).is_some();
        Node {
            content: Content::Scalar(Scalar { text: Text::from(text), quoted: !plain }),
            at: leaf_at.clone(),
        }
    });
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let (list_at, map_at) = (at.clone(), at.clone());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(move |items| Node { content: Content::List(items), at: list_at.clone() }),
            prop::collection::vec((tree(), inner), 0..5).prop_map(move |pairs| {
                let entry =
                    |(key, value): (String, Node)| Entry { key: key.into(), key_at: map_at.clone(), value };
                Node { content: Content::Map(pairs.into_iter().map(entry).collect()), at: map_at.clone() }
            }),
        ]
    })
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same(tree in any_node()) {
        let yaml = to_yaml(&tree, true);
        prop_assert_eq!(node(&yaml), tree, "{}", yaml);
    }
}
