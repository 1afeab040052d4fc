use std::collections::BTreeSet;

use nightjar_jid::Jid;
use nightjar_xmpp::{MessageType, Stanza};

use super::Balancing;

fn stanza(from: &str, to: &str) -> Stanza {
    let jid = |text: &str| text.parse::<Jid>().unwrap();
    Stanza::message(MessageType::Chat).with_from(&jid(from)).with_to(&jid(to))
}

/// How many different components the stanzas go to.
fn spread(balancing: Balancing, stanzas: &[Stanza]) -> usize {
    let mut chance = 0;
    let chosen = stanzas.iter().map(|stanza| {
        chance += 1;
        balancing.choose(stanza, 8, || chance)
    });
    chosen.collect::<BTreeSet<_>>().len()
}

#[test]
fn an_address_decides_where_it_is_to_decide_and_nowhere_else() {
    let resources: Vec<_> = (0..40).map(|n| stanza(&format!("a@x.example/{n}"), "c.example")).collect();
    let users: Vec<_> = (0..40).map(|n| stanza(&format!("a{n}@x.example"), "c.example")).collect();
    let to_resources: Vec<_> = (0..40).map(|n| stanza("a@x.example", &format!("u@c.example/{n}"))).collect();
    let to_users: Vec<_> = (0..40).map(|n| stanza("a@x.example", &format!("u{n}@c.example"))).collect();
    let rows = [
        (Balancing::Random, [true, true, true, true]),
        (Balancing::Source, [true, true, false, false]),
        (Balancing::BareSource, [false, true, false, false]),
        (Balancing::Destination, [false, false, true, true]),
        (Balancing::BareDestination, [false, false, false, true]),
    ];
    for (balancing, wanted) in rows {
        let seen =
            [&resources, &users, &to_resources, &to_users].map(|stanzas| spread(balancing, stanzas) > 1);
        assert_eq!(seen, wanted, "{balancing:?}");
    }
}

#[test]
fn one_component_gets_all() {
    let only = stanza("a@x.example", "c.example");
    for balancing in [Balancing::Random, Balancing::Source, Balancing::BareDestination] {
        assert_eq!(balancing.choose(&only, 1, || u64::MAX), 0);
    }
}
