use nightjar_base::commands::{CommandError, Value};

use super::is_like;
use crate::roster::FEATURE;
use crate::testing::World;

#[test]
fn patterns_match_addresses() {
    for (pattern, address, wanted) in [
        ("*@example.org", "a@example.org", true),
        ("*@example.org", "example.org", false),
        ("*", "example.org", true),
        ("*", "a@example.org", false),
        ("%@%icq%", "1@my.icq.net", true),
        ("a?c@h", "abc@h", true),
        ("a?c@h", "ac@h", false),
        ("a_c@h", "abc@h", false),
        ("*a*b*@h", "xaxxbx@h", true),
        ("a@h", "a@hh", false),
        ("a@h*", "a@h", true),
        ("", "", true),
    ] {
        assert_eq!(is_like(pattern, address), wanted, "{pattern} {address}");
    }
}

#[tokio::test]
async fn items_are_listed_and_deleted() {
    let world = World::new(&[(&FEATURE, "{}")], &["hamlet", "ophelia"]).await;
    for (user, contact, host, subscription) in [
        ("hamlet", "horatio", "elsinore", "both"),
        ("hamlet", "ghost", "tower", "none"),
        ("ophelia", "hamlet", "localhost", "to"),
    ] {
        let words = [user, "localhost", contact, host, "", "", subscription];
        world.run("add_rosteritem", &words).await.unwrap();
    }
    let (ghost, horatio, hamlet) = (
        "hamlet@localhost>ghost@tower",
        "hamlet@localhost>horatio@elsinore",
        "ophelia@localhost>hamlet@localhost",
    );
    let joined = |pairs: &[&str]| pairs.join(" ");
    for (words, wanted) in [
        (["list", "any", "any", "any", "any"], joined(&[ghost, horatio, hamlet])),
        (["list", "none:to", "none", "*@localhost", "any"], joined(&[ghost, hamlet])),
        (["list", "both", "any", "hamlet@localhost", "*@els*"], joined(&[horatio])),
        (["list", "any", "out", "any", "any"], String::new()),
        (["list", "any", "any", "any", "*"], String::new()),
        (["delete", "none", "any", "any", "ghost@tower"], joined(&[ghost])),
        (["list", "any", "any", "any", "any"], joined(&[horatio, hamlet])),
    ] {
        let Value::List(found) = world.run("process_rosteritems", &words).await.unwrap() else {
            panic!("no list")
        };
        let pair = |pair: &Value| match pair {
            Value::Tuple(pair) => match pair.as_slice() {
                [Value::Text(user), Value::Text(contact)] => format!("{user}>{contact}"),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(found.iter().map(pair).collect::<Vec<_>>().join(" "), wanted, "{words:?}");
    }
    for wrong in [["drop", "any", "any", "any", "any"], ["list", "x", "any", "any", "any"]] {
        let refused = world.run("process_rosteritems", &wrong).await;
        assert!(matches!(refused, Err(CommandError::Arguments(_))), "{wrong:?}");
    }
}
