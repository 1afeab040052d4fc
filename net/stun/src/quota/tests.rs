use nightjar_stun::server::{Quota, Refused};

use super::Allowance;

fn check(allowance: &Allowance, ip: &str, user: &str, wanted: Result<(), Refused>) {
    assert_eq!(allowance.take(ip.parse().unwrap(), user), wanted, "{ip} {user}");
}

#[test]
fn each_has_its_share() {
    let allowance = Allowance::new(2, 5);
    check(&allowance, "192.0.2.1", "100:aliceaaaa", Ok(()));
    check(&allowance, "192.0.2.2", "200:aliceaaaa", Ok(()));
    check(&allowance, "192.0.2.3", "300:aliceaaaa", Err(Refused::Account));
    check(&allowance, "192.0.2.1", "100:bob", Ok(()));
    check(&allowance, "192.0.2.1", "100:carol", Err(Refused::Address));
    check(&allowance, "2001:db8::1", "", Ok(()));
    check(&allowance, "2001:db8::2", "", Ok(()));
    check(&allowance, "2001:db8:0:1::2", "", Err(Refused::Server));
    allowance.give_back("2001:db8::9".parse().unwrap(), "");
    check(&allowance, "2001:db8:0:0:9::", "", Ok(()));
    allowance.give_back("192.0.2.2".parse().unwrap(), "900:aliceaaaa");
    check(&allowance, "192.0.2.3", "300:aliceaaaa", Ok(()));
}
