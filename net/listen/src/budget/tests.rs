use std::net::IpAddr;
use std::sync::Arc;

use nightjar_config::units::Network;

use super::{Budget, Held, Limits, Over, Permit};

fn budget(connections: usize, unauthenticated: usize, per_address: usize) -> Arc<Budget> {
    let budget = Arc::new(Budget::default());
    budget.set_limits(Limits {
        connections,
        unauthenticated,
        unauthenticated_per_address: per_address,
        proxies: vec![Network::parse("192.0.2.0/30").unwrap()],
    });
    budget
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Admits as many as go in.
fn fill(budget: &Arc<Budget>, from: &str, tries: usize) -> (Vec<Permit>, Option<Over>) {
    let mut permits = Vec::new();
    for _ in 0..tries {
        match budget.admit(ip(from)) {
            Ok(permit) => permits.push(permit),
            Err(over) => return (permits, Some(over)),
        }
    }
    (permits, None)
}

#[test]
fn an_address_gets_its_share_and_no_more() {
    for (from, same, other) in [
        ("198.51.100.1", "::ffff:198.51.100.1", "198.51.100.2"),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"),
    ] {
        let budget = budget(100, 100, 3);
        let (mut permits, over) = fill(&budget, from, 10);
        assert_eq!((permits.len(), over), (3, Some(Over::Address)), "{from}");
        assert_eq!(budget.admit(ip(same)).err(), Some(Over::Address), "{from}");
        assert!(budget.admit(ip(other)).is_ok(), "{from}");
        permits[0].authenticated();
        assert!(permits[0].is_authenticated() && budget.admit(ip(same)).is_ok(), "{from}");
        permits.pop();
        assert!(budget.admit(ip(from)).is_ok(), "{from}");
    }
}

#[test]
fn this_machine_and_proxies_have_no_share() {
    for from in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.3"] {
        let (permits, over) = fill(&budget(100, 10, 3), from, 20);
        assert_eq!((permits.len(), over), (10, Some(Over::Unauthenticated)), "{from}");
    }
}

#[test]
fn the_limit_before_authentication_is_free_again_after_it() {
    let budget = budget(15, 10, 10);
    let (mut permits, _) = fill(&budget, "127.0.0.1", 10);
    permits.iter_mut().for_each(Permit::authenticated);
    // Twice is once.
    permits.iter_mut().for_each(Permit::authenticated);
    assert_eq!(budget.held(), Held { connections: 10, unauthenticated: 0, refused: 0 });
    let (more, over) = fill(&budget, "127.0.0.1", 10);
    assert_eq!((more.len(), over), (5, Some(Over::Connections)));
    drop((permits, more));
    assert_eq!(budget.held(), Held { connections: 0, unauthenticated: 0, refused: 1 });
}

#[test]
fn a_unix_socket_is_open_when_nothing_else_is() {
    let budget = budget(0, 0, 0);
    assert_eq!(budget.admit_unknown().err(), Some(Over::Connections));
    let permit = budget.admit_local();
    assert!(permit.is_authenticated());
    assert_eq!(budget.held().connections, 1);
    drop(permit);
    assert_eq!(budget.held(), Held { connections: 0, unauthenticated: 0, refused: 1 });
}

#[test]
fn a_proxy_tells_the_address_later() {
    let budget = budget(10, 10, 1);
    let mut first = budget.admit_unknown().unwrap();
    let mut second = budget.admit_unknown().unwrap();
    assert_eq!(first.comes_from(ip("198.51.100.1")), Ok(()));
    assert_eq!(second.comes_from(ip("198.51.100.1")), Err(Over::Address));
    drop(second);
    assert_eq!(budget.held().connections, 1);
}

#[test]
fn limits_follow_the_files_a_process_may_open() {
    let figures = |descriptors| {
        let limits = Limits::of_descriptors(descriptors);
        (limits.connections, limits.unauthenticated, limits.unauthenticated_per_address)
    };
    assert_eq!(figures(1024), (922, 204, 64));
    assert_eq!(figures(65_536), (58_983, 13_107, 1638));
    assert_eq!(figures(1 << 20), (943_719, 16_384, 2048));
}
