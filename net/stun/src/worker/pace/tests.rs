use std::time::Duration;

use super::{PAUSE, Pace, SHORT};

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
        let last = waits.iter().map(|waited| pace.pause(*waited)).last().flatten();
        assert_eq!(last, expected.then_some(PAUSE), "{waits:?}");
    }
}
