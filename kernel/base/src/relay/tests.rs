use super::{GIVEN_MAX, GivenNames};

#[test]
fn the_latest_names_are_remembered_and_told_once() {
    let given = GivenNames::default();
    let told = |since| {
        let (names, next) = given.since(since);
        (names.iter().map(|name| name.to_string()).collect::<Vec<_>>(), next)
    };
    assert_eq!(told(0), (vec![], 0));
    for name in ["a", "a", "b"] {
        given.add(name);
    }
    assert_eq!(told(0), (vec!["a".to_owned(), "b".to_owned()], 2));
    assert_eq!(told(1), (vec!["b".to_owned()], 2));
    assert_eq!(told(2), (vec![], 2));
    for number in 0..GIVEN_MAX {
        given.add(&number.to_string());
    }
    let (names, next) = told(0);
    assert_eq!((names.len(), names[0].as_str(), next), (GIVEN_MAX, "0", 2 + GIVEN_MAX as u64));
    assert_eq!(told(next - 1).0, [(GIVEN_MAX - 1).to_string()]);
}
