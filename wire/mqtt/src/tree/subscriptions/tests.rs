use super::*;
use crate::topic;
use proptest::prelude::*;

fn found(tree: &SubscriptionTree<u32, char>, name: &str) -> Vec<(u32, char)> {
    let mut found = Vec::new();
    tree.matches(name.as_bytes(), &mut Scratch::default(), |one| match one {
        Match::Plain(subscriber, options) => found.push((*subscriber, *options)),
        Match::Shared { members, turn, .. } => found.push(members[turn as usize % members.len()]),
    });
    found.sort_unstable();
    found
}

#[test]
fn the_specification_s_examples() {
    for (filter, name, expected) in topic::tests::matching_table() {
        let mut tree = SubscriptionTree::new(1);
        tree.insert(filter, 1, 'a');
        let found = found(&tree, core::str::from_utf8(name).unwrap());
        assert_eq!(!found.is_empty(), expected, "{filter:?} {name:?}");
    }
}

#[test]
fn one_subscription_for_each_filter_and_subscriber() {
    let mut tree = SubscriptionTree::new(1);
    assert_eq!(tree.insert(b"a/b", 1, 'a'), None);
    assert_eq!(tree.insert(b"a/b", 1, 'b'), Some('a'));
    assert_eq!(tree.insert(b"a/b", 2, 'c'), None);
    assert_eq!(tree.insert(b"a/b", 2, 'd'), Some('c'));
    assert_eq!(tree.insert(b"a/+", 1, 'e'), None);
    assert_eq!(tree.len(), 3);
    assert_eq!(found(&tree, "a/b"), [(1, 'b'), (1, 'e'), (2, 'd')]);
    assert_eq!((tree.get(b"a/b", &2), tree.get(b"a/b", &3)), (Some(&'d'), None));
    assert_eq!(tree.remove(b"a/b", &3), None);
    assert_eq!(tree.remove(b"a", &1), None);
    assert_eq!(tree.remove(b"a/b", &1), Some('b'));
    assert_eq!(found(&tree, "a/b"), [(1, 'e'), (2, 'd')]);
}

#[test]
fn shared_subscriptions_take_turns() {
    let mut tree = SubscriptionTree::new(1);
    for subscriber in [3, 1, 2] {
        assert_eq!(tree.insert(b"$share/g/a/#", subscriber, 'g'), None);
    }
    tree.insert(b"$share/h/a/#", 1, 'h');
    tree.insert(b"a/#", 1, 'p');
    assert_eq!(tree.len(), 5);
    let turns: Vec<_> = (0..4).map(|_| found(&tree, "a/b")).collect();
    for (turn, found) in turns.iter().enumerate() {
        let mut expected = vec![(1, 'h'), (1, 'p'), (turn as u32 % 3 + 1, 'g')];
        expected.sort_unstable();
        assert_eq!(found, &expected);
    }
    assert_eq!(tree.get(b"$share/g/a/#", &2), Some(&'g'));
    assert_eq!(tree.insert(b"$share/g/a/#", 2, 'x'), Some('g'));
    for (filter, subscriber) in
        [("$share/g/a/#", 1), ("$share/g/a/#", 2), ("$share/g/a/#", 3), ("$share/h/a/#", 1)]
    {
        assert!(tree.remove(filter.as_bytes(), &subscriber).is_some(), "{filter} {subscriber}");
    }
    assert_eq!(found(&tree, "a/b"), [(1, 'p')]);
}

#[test]
fn what_is_removed_leaves_nothing_behind() {
    let mut tree = SubscriptionTree::new(1);
    for round in 0..3 {
        for number in 0..100 {
            tree.insert(format!("a/{number}/+/c").as_bytes(), number, 'x');
            tree.insert(format!("a/{number}/#").as_bytes(), number, 'x');
        }
        assert_eq!(tree.nodes.len(), 2 + 400, "round {round}");
        for number in 0..100 {
            assert!(tree.remove(format!("a/{number}/+/c").as_bytes(), &number).is_some());
            assert!(tree.remove(format!("a/{number}/#").as_bytes(), &number).is_some());
        }
        assert!(tree.is_empty() && tree.edges.is_empty() && tree.nodes[0].children == 0);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Insert(String, u32),
    Remove(String, u32),
    Match(String),
}

fn act() -> impl Strategy<Value = Act> {
    let filter = || {
        let valid =
            |filter: &String| topic::check_filter(filter.as_bytes(), &topic::Limits::default()).is_ok();
        "(\\$share/[gh]/)?((a|b|\\+|\\$x|)/){0,3}(a|b|\\+|#|)".prop_filter("a valid filter", valid)
    };
    prop_oneof![
        (filter(), 0..4_u32).prop_map(|(filter, subscriber)| Act::Insert(filter, subscriber)),
        (filter(), 0..4_u32).prop_map(|(filter, subscriber)| Act::Remove(filter, subscriber)),
        "((a|b|\\$x|)/){0,3}(a|b|)".prop_map(Act::Match),
    ]
}

proptest! {
    /// The tree finds what a list of all subscriptions would.
    #[test]
    fn like_a_list(acts in prop::collection::vec(act(), 1..100)) {
        let (mut tree, mut list) = (SubscriptionTree::new(7), BTreeMap::new());
        for act in acts {
            match act {
                Act::Insert(filter, subscriber) => {
                    let before = tree.insert(filter.as_bytes(), subscriber, 'x');
                    prop_assert_eq!(before.is_some(), list.insert((filter, subscriber), ()).is_some());
                }
                Act::Remove(filter, subscriber) => {
                    let before = tree.remove(filter.as_bytes(), &subscriber);
                    prop_assert_eq!(before.is_some(), list.remove(&(filter, subscriber)).is_some());
                }
                Act::Match(name) => {
                    let mut found = Vec::new();
                    tree.matches(name.as_bytes(), &mut Scratch::default(), |one| match one {
                        Match::Plain(subscriber, _) => found.push((None, *subscriber)),
                        Match::Shared { group, members, .. } => {
                            found.extend(members.iter().map(|(member, _)| (Some(group.to_vec()), *member)));
                        }
                    });
                    let matching = list.keys().filter_map(|(filter, subscriber)| {
                        let (group, filter) = split(filter.as_bytes());
                        topic::matches(filter, name.as_bytes()).then(|| (group.map(<[u8]>::to_vec), *subscriber))
                    });
                    let mut expected: Vec<_> = matching.collect();
                    found.sort_unstable();
                    expected.sort_unstable();
                    prop_assert_eq!(found, expected);
                }
            }
            prop_assert_eq!(tree.len(), list.len());
        }
    }
}
