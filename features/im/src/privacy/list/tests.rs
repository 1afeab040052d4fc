use nightjar_base::contacts::{Contact, ContactList, Subscription};
use nightjar_base::hooks::Direction;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{IqType, MessageType, PresenceType, StanzaType};

use super::{Kind, Kinds, List, Rule, Subject};

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

fn rule(order: u32, deny: bool, subject: Subject, kinds: Kinds) -> Rule {
    Rule { order, deny, subject, kinds }
}

fn address(text: &str) -> Subject {
    Subject::Address(jid(text))
}

fn contacts() -> ContactList {
    let contact = |address: &str, subscription, group: &str| Contact {
        jid: jid(address),
        subscription,
        is_asked: false,
        groups: vec![Text::new(group)],
    };
    ContactList::new(vec![
        contact("tybalt@example.com", Subscription::None, "Enemies"),
        contact("juliet@example.com", Subscription::Both, "Friends"),
    ])
}

const KINDS: [Kind; 5] = [Kind::Message, Kind::Iq, Kind::PresenceIn, Kind::PresenceOut, Kind::Other];

#[track_caller]
fn check(rules: Vec<Rule>, peer: &str, denied: &[Kind]) {
    let list = List::new(rules);
    for kind in KINDS {
        let expected = denied.contains(&kind);
        assert_eq!(list.denies(&jid(peer), kind, Some(&contacts())), expected, "{peer} {kind:?}");
    }
}

#[test]
fn lists_of_the_specification_decide_as_it_says() {
    let all = &KINDS;
    let public = || {
        vec![
            rule(1, true, address("tybalt@example.com"), Kinds::ALL),
            rule(2, false, Subject::Anybody, Kinds::ALL),
        ]
    };
    check(public(), "tybalt@example.com/home", all);
    check(public(), "paris@example.org", &[]);
    let private = || {
        vec![
            rule(10, false, Subject::Subscribed(Subscription::Both), Kinds::ALL),
            rule(15, true, Subject::Anybody, Kinds::ALL),
        ]
    };
    check(private(), "juliet@example.com/balcony", &[]);
    check(private(), "tybalt@example.com", all);
    check(private(), "stranger@example.net", all);
    let message = Kinds { message: true, ..Kinds::ALL };
    check(
        vec![rule(3, true, address("tybalt@example.com"), message)],
        "tybalt@example.com",
        &[Kind::Message],
    );
    check(
        vec![rule(4, true, Subject::Group(Text::new("Enemies")), message)],
        "tybalt@example.com/x",
        &[Kind::Message],
    );
    check(vec![rule(4, true, Subject::Group(Text::new("Enemies")), message)], "juliet@example.com", &[]);
    let strangers = || vec![rule(5, true, Subject::Subscribed(Subscription::None), Kinds::ALL)];
    check(strangers(), "stranger@example.net", all);
    check(strangers(), "juliet@example.com", &[]);
    let quiet = Kinds { presence_in: true, iq: true, ..Kinds::ALL };
    check(vec![rule(11, true, Subject::Anybody, quiet)], "a@b", &[Kind::Iq, Kind::PresenceIn]);
    let hidden = Kinds { presence_out: true, ..Kinds::ALL };
    check(vec![rule(23, true, Subject::Anybody, hidden)], "a@b", &[Kind::PresenceOut]);
}

#[test]
fn rules_are_asked_in_their_order() {
    let allow = rule(6, false, address("juliet@example.com"), Kinds::ALL);
    let deny = rule(666, true, Subject::Anybody, Kinds::ALL);
    check(vec![deny.clone(), allow.clone()], "juliet@example.com", &[]);
    let allow = Rule { order: 1000, ..allow };
    check(vec![deny, allow], "juliet@example.com", &KINDS);
}

#[test]
fn addresses_match_as_far_as_they_say() {
    let cases = [
        ("a@b/c", "a@b/c", true),
        ("a@b/c", "a@b/d", false),
        ("a@b/c", "a@b", false),
        ("a@b", "a@b/c", true),
        ("a@b", "x@b", false),
        ("b/c", "b/c", true),
        ("b/c", "a@b/c", false),
        ("b", "a@b/c", true),
        ("b", "b/c", true),
        ("b", "a@sub.b", false),
    ];
    for (wanted, peer, matches) in cases {
        // Once as a list of nothing but blocked addresses, once as rules.
        check(vec![rule(1, true, address(wanted), Kinds::ALL)], peer, if matches { &KINDS } else { &[] });
        let rules =
            vec![rule(1, true, address(wanted), Kinds::ALL), rule(2, false, Subject::Anybody, Kinds::ALL)];
        check(rules, peer, if matches { &KINDS } else { &[] });
    }
}

#[test]
fn kinds_depend_on_the_direction() {
    let message = StanzaType::Message(MessageType::Chat);
    let iq = StanzaType::Iq(IqType::Get);
    let presence = StanzaType::Presence(PresenceType::Unavailable);
    let subscription = StanzaType::Presence(PresenceType::Subscribe);
    let cases = [
        (message, Kind::Message, Kind::Other),
        (iq, Kind::Iq, Kind::Other),
        (presence, Kind::PresenceIn, Kind::PresenceOut),
        (subscription, Kind::Other, Kind::Other),
    ];
    for (stanza, inward, outward) in cases {
        assert_eq!(Kind::of(stanza, Direction::In), inward);
        assert_eq!(Kind::of(stanza, Direction::Out), outward);
    }
}

#[test]
fn blocking_comes_first_and_unblocking_keeps_the_rest() {
    let list = List::new(vec![
        rule(1, false, Subject::Anybody, Kinds::ALL),
        rule(2, true, address("old@example.com"), Kinds::ALL),
    ]);
    let blocked = list.block(&[jid("romeo@montague.net"), jid("old@example.com"), jid("romeo@montague.net")]);
    let addresses = |list: &List| list.blocked().map(Jid::to_string).collect::<Vec<_>>();
    assert_eq!(addresses(&blocked), ["romeo@montague.net", "old@example.com"]);
    assert!(blocked.denies(&jid("romeo@montague.net/x"), Kind::Other, None));
    assert_eq!(addresses(&blocked.unblock(Some(&[jid("romeo@montague.net")]))), ["old@example.com"]);
    let none = blocked.unblock(None);
    assert_eq!(none.rules().len(), 1);
}

#[test]
fn equal_orders_are_numbered_anew() {
    let list =
        List::new(vec![rule(0, true, address("a@b"), Kinds::ALL), rule(0, true, address("c@d"), Kinds::ALL)]);
    assert_eq!(list.rules().iter().map(|rule| rule.order).collect::<Vec<_>>(), [1, 2]);
}
