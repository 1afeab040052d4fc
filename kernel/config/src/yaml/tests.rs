use super::*;
use crate::testing::{node, source as text_source};

fn error(text: &str) -> String {
    parse(&text_source(text)).map(|_| ()).unwrap_err().one_line()
}

#[test]
fn every_value_knows_its_place() {
    let tree = node("a: 1\nlist:\n  - x\n  - {k: \"ü\", l: [1,\n  2]}\n");
    let at = |node: &Node| {
        (
            node.at.line,
            node.at.column,
            node.at.source.text[node.at.start as usize..node.at.end as usize].to_owned(),
        )
    };
    assert_eq!(at(tree.get("a").unwrap()), (1, 4, "1".into()));
    let list = tree.get("list").unwrap().items();
    assert_eq!(at(&list[0]), (3, 5, "x".into()));
    assert_eq!(at(list[1].get("k").unwrap()), (4, 9, "\"ü\"".into()));
    assert_eq!(at(&list[1].get("l").unwrap().items()[1]), (5, 3, "2".into()));
    let key = &list[1].entries()[1];
    assert_eq!((key.key_at.line, key.key_at.column), (4, 14));
}

#[test]
fn scalars_stay_as_written() {
    let tree = node("a: on\nb: \"5222\"\nc: 5222\nd:\ne: ''\nf: >-\n  two\n  words\ng: -3\nh: ~\n");
    let get = |key: &str| tree.get(key).unwrap();
    assert_eq!(get("a").as_bool(), Some(true));
    assert_eq!((get("b").as_int(), get("b").as_str()), (None, Some("5222")));
    assert_eq!(get("c").as_int(), Some(5222));
    assert!(get("d").is_null());
    assert_eq!((get("e").is_null(), get("e").as_str()), (false, Some("")));
    assert_eq!(get("f").as_str(), Some("two words"));
    assert_eq!(get("g").as_int(), Some(-3));
    assert!(get("h").is_null());
}

#[test]
fn keys_may_repeat_and_merge() {
    let tree = node("a: &base {x: 1, y: 2}\nb: {<<: *base, x: 3}\nc: *base\nd: 1\nd: 2\n");
    assert_eq!(tree.entries().len(), 5);
    assert_eq!(tree.get("b").unwrap(), &node("{x: 3, y: 2}"));
    assert_eq!(tree.get("c").unwrap(), &node("{x: 1, y: 2}"));
    assert_eq!(tree.get("c").unwrap().at.line, 3);
}

#[test]
fn empty_files_are_empty_maps() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "\u{feff}"] {
        assert_eq!(node(text), node("{}"), "{text:?}");
    }
}

#[test]
fn what_is_not_yaml_is_refused_where_it_stands() {
    for (text, message) in [
        ("a: [1, 2\nb: 3\n", "test.yml:2:2: this is not YAML"),
        ("a: 1\n  b: 2\n", "test.yml:2:4: this is not YAML"),
        ("a: @HOST@\n", "test.yml:1:4: this is not YAML"),
        ("a: 1\n---\nb: 2\n", "test.yml:3:1: a configuration file holds one YAML document"),
        ("a: *nowhere\n", "test.yml:1:4: the alias `*nowhere` refers to no anchor above it"),
        ("a: &a [*a]\n", "test.yml:1:8: an alias can't stand inside what it refers to"),
        ("[1, 2]: x\n", "test.yml:1:1: a key is a word, not a list"),
    ] {
        let line = error(text);
        assert!(line.starts_with(message), "{text:?}: {line}");
    }
}

#[test]
fn depth_size_and_aliases_are_limited() {
    let deep = format!("{}x{}", "[".repeat(100), "]".repeat(100));
    assert!(error(&deep).contains("not YAML") || error(&deep).contains("nested"), "{}", error(&deep));
    let block: String = (0..100).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(parse(&text_source(&block)).is_err());
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(error(&bomb).contains("more than 200000 values"), "{}", error(&bomb));
}

#[test]
fn bytes_have_to_be_utf8_and_not_too_many() {
    let error = source("f.yml", b"a: 1\nb: \xff\n".to_vec()).unwrap_err();
    assert_eq!(error.place(), "f.yml:2:4");
    assert!(source("f.yml", vec![b' '; MAX_FILE_BYTES + 1]).is_err());
    assert!(source("f.yml", vec![b' '; MAX_FILE_BYTES]).is_ok());
}
