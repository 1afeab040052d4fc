use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_xmpp::{MessageType, Stanza};

use super::{Links, SWEEP_MIN};
use crate::s2s::queue::Bounds;

const ROOM: Bounds = Bounds { stanzas: 4, bytes: 100_000 };
const MAX: Duration = Duration::from_secs(300);

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

#[test]
fn each_pair_has_one_link() {
    let links = Links::new(usize::MAX);
    let get = |local: &str, remote: &str| links.get(&jid(local), &jid(remote), ROOM, Duration::ZERO, MAX);
    let first = get("a", "x");
    assert!(Arc::ptr_eq(&first, &get("a", "x")) && Arc::ptr_eq(&first, &links.find("a", "x").unwrap()));
    assert!(!Arc::ptr_eq(&first, &get("b", "x")) && !Arc::ptr_eq(&first, &get("a", "y")));
    assert!(links.find("b", "y").is_none());
    let named: Vec<_> = links.all().iter().map(|link| format!("{} {}", link.local, link.remote)).collect();
    assert_eq!((named.join(", ").as_str(), links.len()), ("a x, b x, a y", 3));
}

#[test]
fn links_that_nobody_would_miss_make_room() {
    let links = Links::new(usize::MAX);
    let kept = links.get(&jid("a"), &jid("kept"), ROOM, Duration::ZERO, MAX);
    kept.send(Stanza::message(MessageType::Chat), Duration::ZERO);
    for number in 1..SWEEP_MIN {
        links.get(&jid("a"), &jid(&format!("x{number}")), ROOM, Duration::ZERO, MAX);
    }
    assert_eq!(links.len(), SWEEP_MIN);
    links.get(&jid("a"), &jid("new"), ROOM, Duration::from_secs(2), MAX);
    let named: Vec<_> = links.all().iter().map(|link| link.remote.to_string()).collect();
    assert_eq!(named, ["kept", "new"], "stanzas wait in the first");
}
