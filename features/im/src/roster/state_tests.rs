//! Every row of RFC 6121 Appendix A.2 and A.3.

use nightjar_base::contacts::Subscription;
use nightjar_xmpp::PresenceType;

use super::{State, inbound, outbound};

const STATES: [&str; 9] = [
    "None",
    "None + Pending Out",
    "None + Pending In",
    "None + Pending Out+In",
    "To",
    "To + Pending In",
    "From",
    "From + Pending Out",
    "Both",
];

fn state(name: &str) -> State {
    let (subscription, pending) = name.split_once(" + ").unwrap_or((name, ""));
    let subscription = match subscription {
        "None" => Subscription::None,
        "To" => Subscription::To,
        "From" => Subscription::From,
        _ => Subscription::Both,
    };
    State {
        subscription,
        pending_out: pending.contains("Out"),
        pending_in: pending.contains("In"),
        approved: false,
    }
}

fn check_outbound(kind: PresenceType, rows: [(bool, &str); 9]) {
    for (before, (route, after)) in STATES.iter().zip(rows) {
        let (found, effect) = outbound(state(before), kind);
        assert_eq!(found, state(after), "{kind:?} sent in {before}");
        assert_eq!(effect.route, route, "{kind:?} sent in {before} is routed");
    }
}

fn check_inbound(kind: PresenceType, rows: [(bool, &str); 9]) {
    for (before, (deliver, after)) in STATES.iter().zip(rows) {
        let (found, effect) = inbound(state(before), kind);
        assert_eq!(found, state(after), "{kind:?} received in {before}");
        assert_eq!(effect.deliver, deliver, "{kind:?} received in {before} is delivered");
    }
}

#[test]
fn subscribe_sent_a_2_1() {
    check_outbound(
        PresenceType::Subscribe,
        [
            (true, "None + Pending Out"),
            (true, "None + Pending Out"),
            (true, "None + Pending Out+In"),
            (true, "None + Pending Out+In"),
            (true, "To"),
            (true, "To + Pending In"),
            (true, "From + Pending Out"),
            (true, "From + Pending Out"),
            (true, "Both"),
        ],
    );
}

#[test]
fn unsubscribe_sent_a_2_2() {
    check_outbound(
        PresenceType::Unsubscribe,
        [
            (true, "None"),
            (true, "None"),
            (true, "None + Pending In"),
            (true, "None + Pending In"),
            (true, "None"),
            (true, "None + Pending In"),
            (true, "From"),
            (true, "From"),
            (true, "From"),
        ],
    );
}

#[test]
fn subscribed_sent_a_2_3() {
    for (before, after, routed) in [
        ("None + Pending In", "From", true),
        ("None + Pending Out+In", "From + Pending Out", true),
        ("To + Pending In", "Both", true),
        ("From", "From", false),
        ("From + Pending Out", "From + Pending Out", false),
        ("Both", "Both", false),
    ] {
        let (found, effect) = outbound(state(before), PresenceType::Subscribed);
        assert_eq!(found, state(after), "in {before}");
        assert_eq!(effect.route, routed, "in {before}");
    }
    for before in ["None", "None + Pending Out", "To"] {
        let (found, effect) = outbound(state(before), PresenceType::Subscribed);
        assert_eq!(found, State { approved: true, ..state(before) }, "pre-approval in {before} (§3.4)");
        assert!(!effect.route);
    }
}

#[test]
fn unsubscribed_sent_a_2_4() {
    check_outbound(
        PresenceType::Unsubscribed,
        [
            (false, "None"),
            (false, "None + Pending Out"),
            (true, "None"),
            (true, "None + Pending Out"),
            (false, "To"),
            (true, "To"),
            (true, "None"),
            (true, "None + Pending Out"),
            (true, "To"),
        ],
    );
}

#[test]
fn subscribe_received_a_3_1() {
    check_inbound(
        PresenceType::Subscribe,
        [
            (true, "None + Pending In"),
            (true, "None + Pending Out+In"),
            // A repeated request is shown again: the client may have missed the first.
            (true, "None + Pending In"),
            (true, "None + Pending Out+In"),
            (true, "To + Pending In"),
            (true, "To + Pending In"),
            (false, "From"),
            (false, "From + Pending Out"),
            (false, "Both"),
        ],
    );
    for name in ["From", "From + Pending Out", "Both"] {
        let (_, effect) = inbound(state(name), PresenceType::Subscribe);
        assert_eq!(effect.reply, Some(PresenceType::Subscribed), "in {name}");
    }
}

#[test]
fn an_approved_request_is_answered_at_once() {
    let before = State { approved: true, ..state("To") };
    let (after, effect) = inbound(before, PresenceType::Subscribe);
    assert_eq!(after, state("Both"));
    assert_eq!((effect.deliver, effect.reply), (false, Some(PresenceType::Subscribed)));
}

#[test]
fn unsubscribe_received_a_3_2() {
    check_inbound(
        PresenceType::Unsubscribe,
        [
            (false, "None"),
            (false, "None + Pending Out"),
            (true, "None"),
            (true, "None + Pending Out"),
            (false, "To"),
            (true, "To"),
            (true, "None"),
            (true, "None + Pending Out"),
            (true, "To"),
        ],
    );
}

#[test]
fn subscribed_received_a_3_3() {
    check_inbound(
        PresenceType::Subscribed,
        [
            (false, "None"),
            (true, "To"),
            (false, "None + Pending In"),
            (true, "To + Pending In"),
            (false, "To"),
            (false, "To + Pending In"),
            (false, "From"),
            (true, "Both"),
            (false, "Both"),
        ],
    );
}

#[test]
fn unsubscribed_received_a_3_4() {
    check_inbound(
        PresenceType::Unsubscribed,
        [
            (false, "None"),
            (true, "None"),
            (false, "None + Pending In"),
            (true, "None + Pending In"),
            (true, "None"),
            (true, "None + Pending In"),
            (false, "From"),
            (true, "From"),
            (true, "From"),
        ],
    );
}
