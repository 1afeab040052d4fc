use super::*;
use crate::topic;
use proptest::prelude::*;

fn found(tree: &RetainedTree<String>, filter: &str) -> (Vec<String>, Scan) {
    let mut found = Vec::new();
    let scan = tree.matches(filter.as_bytes(), usize::MAX, |topic| {
        found.push(topic.clone());
        ControlFlow::Continue(())
    });
    (found, scan)
}

fn tree(topics: &[&str]) -> RetainedTree<String> {
    let mut tree = RetainedTree::new();
    for topic in topics {
        tree.insert(topic.as_bytes(), (*topic).to_owned());
    }
    tree
}

#[test]
fn the_specification_s_examples() {
    for (filter, name, expected) in topic::tests::matching_table() {
        let name = core::str::from_utf8(name).unwrap();
        let (found, _) = found(&tree(&[name]), core::str::from_utf8(filter).unwrap());
        assert_eq!(!found.is_empty(), expected, "{filter:?} {name:?}");
    }
}

#[test]
fn one_value_for_each_topic() {
    let mut tree = tree(&["a/b", "a", "a!"]);
    assert_eq!(tree.insert(b"a/b", "new".to_owned()), Some("a/b".to_owned()));
    assert_eq!((tree.len(), tree.get(b"a/b").map(String::as_str)), (3, Some("new")));
    assert_eq!(tree.remove(b"a/b"), Some("new".to_owned()));
    assert_eq!(tree.remove(b"a/b"), None);
    assert_eq!(found(&tree, "#").0, ["a", "a!"]);
    tree.retain(|topic| topic != "a");
    assert_eq!(tree.values().collect::<Vec<_>>(), ["a!"]);
}

#[test]
fn a_search_is_bounded() {
    let topics: Vec<String> = (0..1000).map(|number| format!("a/{number}/x")).collect();
    let mut tree = RetainedTree::new();
    for topic in topics {
        tree.insert(topic.as_bytes(), topic.clone());
    }
    let mut count = 0;
    let mut visit = |limit| {
        count += 1;
        if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(tree.matches(b"a/+/y", 100, |_| visit(0)), Scan::BudgetSpent);
    assert_eq!(tree.matches(b"#", 100, |_| visit(10)), Scan::Stopped);
    assert_eq!(tree.matches(b"a/500/x", 1, |_| ControlFlow::Continue(())), Scan::Complete);
    // Children that were done are leapt over.
    assert_eq!(tree.matches(b"+", 4, |_| ControlFlow::Continue(())), Scan::Complete);
}

proptest! {
    /// The tree finds what looking at all topics would.
    #[test]
    fn like_a_list(
        topics in prop::collection::btree_set("((a|b|a!|\\$x|\u{1}|)/){0,3}(a|b|a!|)", 0..30),
        filter in "((a|b|\\+|\\$x|)/){0,3}(a|b|a!|\\+|#|)",
    ) {
        let mut tree = RetainedTree::new();
        for topic in &topics {
            tree.insert(topic.as_bytes(), topic.clone());
        }
        let expected: Vec<_> =
            topics.iter().filter(|topic| topic::matches(filter.as_bytes(), topic.as_bytes())).cloned().collect();
        let (mut found, scan) = found(&tree, &filter);
        found.sort_unstable();
        prop_assert_eq!((found, scan), (expected, Scan::Complete));
    }
}
