use super::*;

const PLACES: [Place; 11] = [
    Place::Connect,
    Place::Connack,
    Place::Publish,
    Place::Will,
    Place::Ack,
    Place::Subscribe,
    Place::Suback,
    Place::Unsubscribe,
    Place::Unsuback,
    Place::Disconnect,
    Place::Auth,
];

/// Table 2-4, by hand: each property with a valid value and the places where it may stand.
fn table() -> Vec<(u8, Properties, &'static [Place])> {
    use Place::{Ack, Auth, Connack, Connect, Disconnect, Publish, Suback, Subscribe, Unsuback, Will};
    let new = Properties::builder;
    vec![
        (1, new().byte(1, 1).finish(), &[Publish, Will]),
        (2, new().four(2, 1).finish(), &[Publish, Will]),
        (3, new().text(3, "a").finish(), &[Publish, Will]),
        (8, new().text(8, "a").finish(), &[Publish, Will]),
        (9, new().binary(9, b"\0").finish(), &[Publish, Will]),
        (11, new().subscription_identifier(1).finish(), &[Publish, Subscribe]),
        (17, new().four(17, 0).finish(), &[Connect, Connack, Disconnect]),
        (18, new().text(18, "a").finish(), &[Connack]),
        (19, new().two(19, 0).finish(), &[Connack]),
        (21, new().text(21, "a").finish(), &[Connect, Connack, Auth]),
        (22, new().binary(22, b"a").finish(), &[Connect, Connack, Auth]),
        (23, new().byte(23, 0).finish(), &[Connect]),
        (24, new().four(24, 0).finish(), &[Will]),
        (25, new().byte(25, 1).finish(), &[Connect]),
        (26, new().text(26, "a").finish(), &[Connack]),
        (28, new().text(28, "a").finish(), &[Connack, Disconnect]),
        (31, new().text(31, "a").finish(), &[Connack, Ack, Suback, Unsuback, Disconnect, Auth]),
        (33, new().two(33, 1).finish(), &[Connect, Connack]),
        (34, new().two(34, 0).finish(), &[Connect, Connack]),
        (35, new().two(35, 1).finish(), &[Publish]),
        (36, new().byte(36, 1).finish(), &[Connack]),
        (37, new().byte(37, 0).finish(), &[Connack]),
        (38, new().user("a", "b").finish(), &PLACES),
        (39, new().four(39, 1).finish(), &[Connect, Connack]),
        (40, new().byte(40, 0).finish(), &[Connack]),
        (41, new().byte(41, 0).finish(), &[Connack]),
        (42, new().byte(42, 0).finish(), &[Connack]),
    ]
}

fn read(bytes: &[u8], place: Place) -> Result<Properties, Reason> {
    Properties::from_bytes(Bytes::copy_from_slice(bytes), place).map_err(|error| error.reason)
}

#[test]
fn each_stands_where_the_table_says() {
    for (identifier, property, places) in table() {
        for place in PLACES {
            let expected =
                if places.contains(&place) { Ok(property.clone()) } else { Err(Reason::MALFORMED_PACKET) };
            assert_eq!(read(property.as_bytes(), place), expected, "{identifier} in {place:?}");
        }
    }
    let known: Vec<u8> = table().iter().map(|(identifier, ..)| *identifier).collect();
    for identifier in (0..=255).filter(|identifier| !known.contains(identifier)) {
        assert_eq!(
            read(&[identifier, 0, 0, 0, 0], Place::Connect),
            Err(Reason::MALFORMED_PACKET),
            "{identifier}"
        );
    }
}

#[test]
fn each_stands_once() {
    for (identifier, property, places) in table() {
        let twice = [property.as_bytes(), property.as_bytes()].concat();
        for place in places {
            let many = identifier == 38 || (identifier == 11 && *place == Place::Publish);
            assert_eq!(read(&twice, *place).is_ok(), many, "{identifier} in {place:?}");
        }
    }
}

#[test]
fn each_is_refused_when_it_is_cut() {
    for (identifier, property, places) in table() {
        for length in 1..property.as_bytes().len() {
            assert!(
                read(&property.as_bytes()[..length], places[0]).is_err(),
                "{identifier} of {length} bytes"
            );
        }
    }
}

#[test]
fn strings_are_utf_8() {
    for (identifier, place) in [(3, Place::Publish), (31, Place::Ack), (21, Place::Auth)] {
        for bad in [&b"\xff"[..], b"\0", b"\xed\xa0\x80", b"\xc0\xaf"] {
            let property = Properties::builder().binary(identifier, bad).finish();
            assert_eq!(read(property.as_bytes(), place), Err(Reason::MALFORMED_PACKET));
        }
        // §1.5.4: U+FEFF is one character as others are, and what isn't one may pass.
        let property = Properties::builder().text(identifier, "\u{feff}\u{fffe}").finish();
        assert_eq!(
            read(property.as_bytes(), place).unwrap().text(identifier).unwrap().as_str(),
            "\u{feff}\u{fffe}"
        );
    }
    assert_eq!(read(&[38, 0, 1, 0xff, 0, 1, b'a'], Place::Auth), Err(Reason::MALFORMED_PACKET));
    assert_eq!(read(&[38, 0, 1, b'a', 0, 1, 0], Place::Auth), Err(Reason::MALFORMED_PACKET));
}

#[test]
fn values_are_found() {
    let properties = Properties::builder()
        .user("a", "1")
        .byte(id::PAYLOAD_FORMAT_INDICATOR, 1)
        .user("a", "2")
        .text(id::RESPONSE_TOPIC, "r")
        .subscription_identifier(268_435_455)
        .finish();
    assert_eq!(properties.number(id::PAYLOAD_FORMAT_INDICATOR), Some(1));
    assert_eq!(properties.number(id::SUBSCRIPTION_IDENTIFIER), Some(268_435_455));
    assert_eq!(properties.number(id::RESPONSE_TOPIC), None);
    assert_eq!(properties.text(id::RESPONSE_TOPIC), Text::new("r"));
    assert_eq!(properties.user().collect::<Vec<_>>(), [("a", "1"), ("a", "2")]);
    let kept = properties.retain(|identifier| identifier == id::USER_PROPERTY);
    assert_eq!(kept.iter().count(), 2);
    assert_eq!(kept.user().count(), 2);
}

#[test]
fn what_no_packet_holds_is_left_out() {
    let long = "a".repeat(65_536);
    assert!(Properties::builder().text(id::REASON_STRING, &long).user(&long, "").finish().is_empty());
    assert!(Properties::builder().text(id::REASON_STRING, "\0").user("\0", "").finish().is_empty());
}
