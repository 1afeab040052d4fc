use super::{Counters, Loss, Tally, Wanted, read, sum};
use nightjar_mqtt::{QoS, Reason};

#[test]
fn refusals_are_told_apart_and_unforeseen_ones_count_as_the_last_of_their_kind() {
    let counters = Counters::default();
    let refused = [
        (Wanted::Connect, Reason::NOT_AUTHORIZED),
        (Wanted::Connect, Reason::SERVER_UNAVAILABLE),
        (Wanted::Publish, Reason::NOT_AUTHORIZED),
        (Wanted::Subscribe, Reason::NOT_AUTHORIZED),
        (Wanted::Subscribe, Reason::TOPIC_FILTER_INVALID),
    ];
    for (wanted, reason) in refused {
        counters.refuse(wanted, reason);
    }
    let told: Vec<_> = counters.refused().filter(|(.., count)| *count > 0).collect();
    let expected = [
        ("connect", "password", 1),
        ("connect", "other", 1),
        ("publish", "access", 1),
        ("subscribe", "topic", 1),
        ("subscribe", "access", 1),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_tally_is_added_with_the_payload_of_each_copy() {
    let counters = Counters::default();
    let mut tally = Tally::default();
    tally.delivered(QoS::AtMostOnce);
    tally.delivered(QoS::ExactlyOnce);
    tally.delivered(QoS::ExactlyOnce);
    tally.dropped(Loss::Away);
    counters.add(&tally, 100);
    assert_eq!(counters.delivered.each_ref().map(read), [1, 0, 2]);
    assert_eq!((sum(&counters.delivered), read(&counters.delivered_payload)), (3, 300));
    let dropped: Vec<_> = counters.dropped().collect();
    assert_eq!(dropped, [("no_room", 0), ("away", 1), ("too_large", 0), ("expired", 0)]);
}
