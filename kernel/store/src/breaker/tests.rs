use super::{Breaker, BreakerState};
use std::time::Duration;
use tokio::time::Instant;

#[test]
fn it_opens_after_failures_in_a_row_and_closes_after_one_success() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let breaker = Breaker::new(3, Duration::from_secs(10));
    breaker.failure(at(0));
    breaker.failure(at(0));
    breaker.success();
    breaker.failure(at(1));
    breaker.failure(at(1));
    assert!(breaker.allow(|| at(1)));
    assert_eq!(breaker.state(), BreakerState::Closed);
    breaker.failure(at(1));
    assert_eq!(breaker.state(), BreakerState::Open);
    assert!(!breaker.allow(|| at(10)));
    assert!(breaker.allow(|| at(11)), "one call tries after the pause");
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert!(!breaker.allow(|| at(12)), "only one");
    breaker.failure(at(12));
    assert_eq!(breaker.state(), BreakerState::Open);
    assert!(breaker.allow(|| at(22)));
    assert!(breaker.allow(|| at(32)), "a trial that never reports does not block for ever");
    breaker.success();
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(breaker.allow(|| at(32)));
}
