use super::*;

const FAR: &str = "192.0.2.7";
const HERE: &str = "127.0.0.1";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn few() -> Limits {
    Limits { strangers: 4, strangers_per_address: 2, per_second: 1, burst: 3, addresses: 3, ..Limits::NODE }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn strangers_are_counted_in_all_and_by_address_until_they_go() {
    let (gate, now) = (Gate::new(few()), Instant::now());
    let first = gate.enter(address(FAR), now).unwrap();
    let _second = gate.enter(address(FAR), now).unwrap();
    assert_eq!(gate.enter(address(FAR), now).unwrap_err(), Refusal::Crowd, "of one address");
    let _others = ["192.0.2.8", "192.0.2.9"].map(|text| gate.enter(address(text), now).unwrap());
    assert_eq!(gate.enter(address(HERE), now).unwrap_err(), Refusal::Crowd, "in all");
    drop(first);
    assert_eq!(gate.strangers(), 3);
    assert!(gate.enter(address(FAR), now).is_ok());
}

#[test]
fn an_address_that_comes_too_often_waits() {
    let (gate, now) = (Gate::new(few()), Instant::now());
    for _ in 0..3 {
        assert!(gate.enter(address(FAR), now).is_ok());
    }
    assert_eq!(gate.enter(address(FAR), now).unwrap_err(), Refusal::Rate);
    assert!(gate.enter(address(HERE), now).is_ok(), "another one doesn't");
    assert_eq!(gate.enter(address(FAR), now + Duration::from_millis(900)).unwrap_err(), Refusal::Rate);
    assert!(gate.enter(address(FAR), now + seconds(1)).is_ok());
}

#[test]
fn wrong_cookies_lock_out_for_longer_and_longer() {
    for (who, first, max) in [(FAR, seconds(10), seconds(3600)), (HERE, seconds(1), seconds(30))] {
        let (gate, mut now) = (Gate::new(Limits::NODE), Instant::now());
        for _ in 0..4 {
            assert_eq!(gate.failed(address(who), now), None);
        }
        assert!(gate.enter(address(who), now).is_ok());
        let mut wanted = first;
        for _ in 0..14 {
            assert_eq!(gate.failed(address(who), now), Some(wanted), "{who}");
            assert_eq!(gate.enter(address(who), now).unwrap_err(), Refusal::LockedOut(wanted));
            now += wanted;
            assert!(gate.enter(address(who), now).is_ok(), "{who} after {wanted:?}");
            wanted = (wanted * 2).min(max);
        }
    }
}

#[test]
fn failures_are_forgotten_after_success_and_after_a_time() {
    let (gate, now) = (Gate::new(Limits::NODE), Instant::now());
    for _ in 0..4 {
        gate.failed(address(FAR), now);
    }
    gate.succeeded(address(FAR));
    for _ in 0..4 {
        assert_eq!(gate.failed(address(FAR), now), None);
    }
    assert_eq!(gate.failed(address(FAR), now + seconds(3601)), None);
}

#[test]
fn another_address_of_the_same_ipv6_network_is_no_other_peer() {
    let (gate, now) = (Gate::new(Limits::NODE), Instant::now());
    for host in 0..5 {
        gate.failed(address(&format!("2001:db8::{host}")), now);
    }
    assert!(matches!(gate.enter(address("2001:db8::77"), now), Err(Refusal::LockedOut(_))));
    assert!(gate.enter(address("2001:db8:0:1::77"), now).is_ok());
    for _ in 0..5 {
        gate.failed(address("::ffff:192.0.2.7"), now);
    }
    assert!(matches!(gate.enter(address(FAR), now), Err(Refusal::LockedOut(_))));
}

#[test]
fn what_is_remembered_is_bounded_and_lock_outs_stay_longest() {
    let (gate, now) = (Gate::new(few()), Instant::now());
    for _ in 0..5 {
        gate.failed(address(FAR), now);
    }
    for host in 0..200 {
        let _ = gate.enter(address(&format!("198.51.100.{host}")), now);
    }
    assert!(gate.state.lock().entries.len() <= 3);
    assert!(matches!(gate.enter(address(FAR), now), Err(Refusal::LockedOut(_))));
}
