use super::{PAUSE, Pace};

/// Whether a worker that reads `packets` every `gap` microseconds pauses in the end.
fn pauses(packets: usize, gap: u64) -> bool {
    let mut pace = Pace::default();
    (1..10_000).map(|wake| pace.pause(wake * gap, packets)).last().flatten() == Some(PAUSE)
}

#[test]
fn only_a_busy_worker_lets_packets_gather() {
    for (packets, gap, expected) in [
        (1, 20_000, false),
        (1, 1_000, false),
        (1, 100, false),
        (1, 10, true),
        (10, 100, true),
        (40, 1_000, true),
        (30, 1_000, false),
        (1_000, 100_000, false),
    ] {
        assert_eq!(pauses(packets, gap), expected, "{packets} every {gap}");
    }
}

#[test]
fn a_busy_worker_that_has_nothing_more_to_do_reads_at_once_again() {
    let mut pace = Pace::default();
    assert!((1..200).any(|wake| pace.pause(wake * 10, 1).is_some()));
    assert_eq!(pace.pause(50_000, 1), None);
}
