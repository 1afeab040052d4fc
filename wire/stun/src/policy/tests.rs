use super::{Network, Policy, Refusal, fold};

fn network(text: &str) -> Network {
    let (ip, prefix) = text.split_once('/').unwrap();
    Network::new(ip.parse().unwrap(), prefix.parse().unwrap()).unwrap()
}

fn check(policy: &Policy, peers: &[&str], wanted: Result<(), Refusal>) {
    for peer in peers {
        assert_eq!(policy.check(peer.parse().unwrap()), wanted, "{peer}");
    }
}

#[test]
fn the_internet_is_open() {
    check(
        &Policy::default(),
        &[
            "8.8.8.8:53",
            "172.15.0.1:1",
            "172.32.0.1:1",
            "100.63.0.1:1",
            "[2a00:1450::1]:1",
            "[::ffff:8.8.8.8]:1",
        ],
        Ok(()),
    );
}

/// Rows 68, 70 and 71 of the hostile inputs.
#[test]
fn what_is_inside_is_refused() {
    let policy = Policy::default();
    let loopback = ["127.0.0.1:80", "127.255.255.255:1", "0.0.0.0:1", "0.1.2.3:1", "[::]:1", "[::1]:1"];
    check(&policy, &loopback, Err(Refusal::Loopback));
    let private = [
        "10.0.0.1:1",
        "172.16.0.1:1",
        "192.168.1.1:1",
        "100.64.0.1:1",
        "[fc00::1]:1",
        "[fd12::1]:1",
        "[fec0::1]:1",
    ];
    check(&policy, &private, Err(Refusal::Private));
    check(&policy, &["169.254.169.254:80", "[fe80::1]:1", "[febf::1]:1"], Err(Refusal::LinkLocal));
    check(&policy, &["224.0.0.1:1", "255.255.255.255:1", "[ff02::1]:1"], Err(Refusal::Multicast));
    let reserved =
        ["192.0.2.1:1", "198.18.0.1:1", "240.0.0.1:1", "[2001:db8::1]:1", "[100::1]:1", "[64:ff9b:1::1]:1"];
    check(&policy, &reserved, Err(Refusal::Reserved));
    check(&policy, &["8.8.8.8:0"], Err(Refusal::NoPort));
}

#[test]
fn every_way_to_write_an_address_is_undone() {
    let forms = [
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "2002:7f00:1::",
        "2002:7f00:1:dead:beef::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2a00::5efe:127.0.0.1",
        "2a00::200:5efe:127.0.0.1",
    ];
    for form in forms {
        let peer = format!("[{form}]:80");
        assert_eq!(fold(form.parse().unwrap()).to_string(), "127.0.0.1", "{form}");
        check(&Policy::default(), &[&peer], Err(Refusal::Loopback));
    }
}

#[test]
fn the_operator_decides() {
    let policy = Policy {
        blacklist: vec![network("8.8.0.0/16"), network("10.9.0.0/16")],
        whitelist: vec![network("10.0.0.0/8"), network("fd00::/8")],
        own: vec!["203.0.114.5:5432".parse().unwrap(), "203.0.114.6:0".parse().unwrap()],
    };
    check(&policy, &["8.8.8.8:53", "10.9.0.1:1", "[::ffff:8.8.1.1]:1"], Err(Refusal::Blacklisted));
    check(&policy, &["10.1.0.1:1", "[fd00::1]:1", "203.0.114.5:80"], Ok(()));
    check(&policy, &["192.168.0.1:1"], Err(Refusal::Private));
    // Row 72 of the hostile inputs.
    check(
        &policy,
        &["203.0.114.5:5432", "[::ffff:203.0.114.5]:5432", "203.0.114.6:1"],
        Err(Refusal::OwnService),
    );
}

#[test]
fn networks_hold_what_they_say() {
    assert!(network("0.0.0.0/0").contains("255.0.0.1".parse().unwrap()));
    assert!(!network("0.0.0.0/0").contains("::1".parse().unwrap()));
    assert!(network("::/0").contains("::1".parse().unwrap()));
    assert!(network("10.1.2.3/32").contains("10.1.2.3".parse().unwrap()));
    assert!(!network("10.1.2.3/32").contains("10.1.2.2".parse().unwrap()));
    assert_eq!(Network::new("10.0.0.0".parse().unwrap(), 33), None);
}
