use nightjar_base::relay::GivenNames;
use nightjar_stun::credential::userhash;

use super::{Index, MAX};

const REALM: &str = "example.org";

#[test]
fn given_names_are_found_by_their_hash_and_are_bounded() {
    let (names, mut index) = (GivenNames::default(), Index { realm: REALM.to_owned(), ..Index::default() });
    let mut finds = |name: &str| {
        index.hear_of_given(&names);
        assert!(index.given.len() < MAX + 16_384, "{}", index.given.len());
        index.given.get(&userhash(name, REALM)).is_some_and(|found| **found == *name)
    };
    assert!(!finds("1:a"));
    names.add("1:a");
    assert!(finds("1:a"));
    for number in 0..80_000 {
        names.add(&format!("2:{number}"));
        if number % 5_000 == 0 {
            assert!(finds(&format!("2:{number}")), "{number}");
        }
    }
    assert!(finds("2:79999"));
    assert!(!finds("1:a"), "what is forgotten there is forgotten here in the end");
}
