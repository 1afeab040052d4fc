use std::time::Duration;

use super::Backoff;

const MAX: Duration = Duration::from_secs(300);
const NOW: Duration = Duration::from_secs(1000);

#[test]
fn each_failure_doubles_the_delay_up_to_the_limit() {
    for (is_longest, part) in [(true, 1), (false, 2)] {
        let mut backoff = Backoff::default();
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let full = Duration::from_secs(expected);
            let chance = if is_longest { u64::try_from((full / 2).as_micros()).unwrap() } else { 0 };
            assert_eq!(backoff.failed(NOW, MAX, chance), full / part);
        }
    }
}

#[test]
fn any_chance_stays_between_half_and_whole() {
    for chance in [0, 1, 7, 499_999, 500_000, 500_001, u64::MAX / 3, u64::MAX] {
        let delay = Backoff::default().failed(NOW, MAX, chance);
        assert!(
            (Duration::from_millis(500)..=Duration::from_secs(1)).contains(&delay),
            "{chance}: {delay:?}"
        );
    }
}

#[test]
fn a_link_is_left_alone_until_its_time_and_remembered_for_longer() {
    let mut backoff = Backoff::default();
    assert_eq!(backoff.left(NOW), None);
    assert!(backoff.is_forgotten(NOW, MAX));
    backoff.failed(NOW, MAX, 0);
    assert_eq!(backoff.left(NOW), Some(Duration::from_millis(500)));
    assert_eq!(backoff.left(NOW + Duration::from_millis(500)), None);
    assert!(!backoff.is_forgotten(NOW + MAX, MAX));
    assert!(backoff.is_forgotten(NOW + MAX + Duration::from_millis(500), MAX));
}

#[test]
fn a_limit_of_nothing_means_no_delay() {
    let mut backoff = Backoff::default();
    assert_eq!(backoff.failed(NOW, Duration::ZERO, 12345), Duration::ZERO);
    assert_eq!(backoff.left(NOW), None);
}
