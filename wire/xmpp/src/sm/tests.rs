use proptest::prelude::*;

use super::*;
use crate::kind::{IqType, MessageType};

fn granted(queue_max: usize) -> Grant {
    let ack_timeout = Duration::from_secs(60);
    Grant { id: Some(Text::new("x")), max_seconds: Some(300), location: None, queue_max, ack_timeout }
}

fn session(sent_before: u32) -> Session {
    Session { acknowledged: sent_before, ..Session::new(Version::V3, &granted(1000)) }
}

fn push(session: &mut Session, count: usize) {
    for _ in 0..count {
        session.push(Duration::ZERO, Stanza::message(MessageType::Chat)).unwrap();
    }
}

#[test]
fn acknowledging_counts_modulo_two_to_the_32() {
    // Sent before, sent and waiting, h, what comes of it, what waits then.
    let cases = [
        (0, 0, 0, Ok(0), 0),
        (0, 5, 0, Ok(0), 5),
        (0, 5, 3, Ok(3), 2),
        (0, 5, 5, Ok(5), 0),
        (0, 5, 6, Err(HandledTooHigh { h: 6, sent: 5 }), 5),
        (10, 2, 9, Ok(0), 2),
        (8, 0, 10, Err(HandledTooHigh { h: 10, sent: 8 }), 0),
        (u32::MAX, 3, u32::MAX, Ok(0), 3),
        (u32::MAX, 3, 0, Ok(1), 2),
        (u32::MAX, 3, 2, Ok(3), 0),
        (u32::MAX, 3, 3, Err(HandledTooHigh { h: 3, sent: 2 }), 3),
        (1, 1, u32::MAX, Ok(0), 1),
    ];
    for (before, waiting, h, expected, left) in cases {
        let mut session = session(before);
        push(&mut session, waiting);
        assert_eq!(session.acknowledge(h), expected, "{before} {waiting} {h}");
        assert_eq!(session.unacked().len(), left, "{before} {waiting} {h}");
        assert_eq!(session.sent(), before.wrapping_add(waiting as u32));
    }
    let mut session = Session { received: u32::MAX, ..session(0) };
    session.count_received();
    assert_eq!(session.received(), 0);
}

#[test]
fn a_full_queue_still_keeps_what_it_was_given() {
    let mut session = Session::new(Version::V3, &granted(2));
    push(&mut session, 2);
    assert_eq!(session.push(Duration::ZERO, Stanza::message(MessageType::Chat)), Err(QueueFull));
    assert_eq!(session.into_unacked().len(), 3);
}

#[test]
fn one_request_for_acknowledgement_is_out_at_a_time() {
    let mut session = session(0);
    let now = Duration::from_secs(10);
    assert!(!session.request_ack(now), "nothing waits");
    push(&mut session, 1);
    assert!(session.request_ack(now));
    assert_eq!(session.ack_deadline(), Some(Duration::from_secs(70)));
    assert!(!session.request_ack(now), "one is out");
    session.clear_ack_request();
    assert!(session.request_ack(now));
}

#[test]
fn late_deliveries_are_stamped_once_with_the_time_they_were_sent() {
    let host = Jid::parse("example.org").unwrap();
    let mut session = session(0);
    session.push(Duration::from_secs(5), Stanza::message(MessageType::Chat)).unwrap();
    session.push(Duration::from_secs(5), Stanza::iq(IqType::Get, "1")).unwrap();
    session.stamp_delay(&host, Duration::from_secs(65), 1_000_000_000);
    session.stamp_delay(&host, Duration::from_secs(99), 2_000_000_000);
    let delays: Vec<Vec<Delay>> = session
        .unacked()
        .map(|unacked| unacked.stanza.children().filter_map(Delay::parse).collect())
        .collect();
    assert_eq!(delays, [vec![Delay::new(&host, 940_000_000)], vec![]]);
}

#[test]
fn elements_are_those_of_the_specification() {
    let mut out = String::new();
    write_enabled(&mut out, Version::V3, &granted(1));
    write_enabled(&mut out, Version::V2, &Grant { id: None, ..granted(1) });
    let mut session = session(0);
    session.count_received();
    write_resumed(&mut out, &session);
    write_ack(&mut out, &session);
    write_request(&mut out, Version::V3);
    write_failed(&mut out, Version::V3, ResumeRefused { condition: Condition::ItemNotFound, h: Some(3) });
    assert_eq!(
        out,
        "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='true' max='300'/><enabled xmlns='urn:xmpp:sm:2'/>\
         <resumed xmlns='urn:xmpp:sm:3' h='1' previd='x'/><a xmlns='urn:xmpp:sm:3' h='1'/><r xmlns='urn:xmpp:sm:3'/>\
         <failed xmlns='urn:xmpp:sm:3' h='3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
    );
    let mut out = String::new();
    StreamError::from(HandledTooHigh { h: 10, sent: 8 }).write(&mut out, false);
    assert_eq!(
        out,
        "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>You acknowledged 10 stanzas, but only 8 were \
         sent to you so far.</text><handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/></stream:error>"
    );
}

proptest! {
    /// Whatever a client acknowledges, what it has not is kept in order, and nothing else.
    #[test]
    fn nothing_unacknowledged_is_lost(start: u32, steps in prop::collection::vec((0_u8..4, 0_u32..6), 0..40)) {
        let mut session = session(start);
        let (mut sent, mut acknowledged) = (0_u32, 0_u32);
        for (pushes, back) in steps {
            for _ in 0..pushes {
                let stanza = Stanza::message(MessageType::Chat).with_id(sent.to_string());
                session.push(Duration::ZERO, stanza).unwrap();
                sent += 1;
            }
            let h = sent.saturating_sub(back);
            session.acknowledge(start.wrapping_add(h)).unwrap();
            acknowledged = acknowledged.max(h);
            let ids: Vec<u32> =
                session.unacked().map(|unacked| unacked.stanza.id.as_ref().unwrap().parse().unwrap()).collect();
            prop_assert_eq!(ids, (acknowledged..sent).collect::<Vec<_>>());
        }
    }
}
