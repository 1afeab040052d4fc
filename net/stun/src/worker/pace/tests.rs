use std::time::Duration;

use super::{IN_VAIN, PAUSE, Pace, SHORT, TIMES_IN_VAIN, WORTH};

#[test]
fn only_a_busy_worker_lets_packets_gather() {
    let (short, long) = (SHORT, SHORT + Duration::from_micros(1));
    for (waits, expected) in [
        (&[long, long, long][..], false),
        (&[short], false),
        (&[short, short], true),
        (&[short, short, short, Duration::ZERO], true),
        (&[short, long, short, long, short], false),
        (&[short, short, short, long], false),
    ] {
        let mut pace = Pace::default();
        let last = waits.iter().map(|waited| pace.pause(*waited, WORTH)).last().flatten();
        assert_eq!(last, expected.then_some(PAUSE), "{waits:?}");
    }
}

#[test]
fn pauses_in_vain_become_few() {
    let mut pace = Pace::default();
    let wakes = 10 * TIMES_IN_VAIN as usize;
    let pauses = (0..wakes).filter(|_| pace.pause(SHORT, WORTH - 1).is_some()).count();
    assert!((8..=IN_VAIN as usize + 11).contains(&pauses), "{pauses}");
    // One that was worth it, and it pauses each time again.
    while pace.pause(SHORT, 0).is_none() {}
    assert!((0..wakes).all(|_| pace.pause(SHORT, WORTH).is_some()));
}
