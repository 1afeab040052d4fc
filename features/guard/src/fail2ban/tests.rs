use std::net::IpAddr;

use nightjar_base::attempts::{Attempt, Protocol};
use nightjar_base::commands::Value;
use nightjar_sasl::Secret;
use nightjar_text::Text;

use super::FEATURE;
use crate::testing::World;

const OPTIONS: &str = "{c2s_max_auth_failures: 3, c2s_auth_ban_lifetime: 5 minutes, access: office}";
/// The end of a ban that begins with the test.
const BANNED: &str = "Too many (3) failed authentications from this IP address (198.51.100.7). The address will be \
                      unblocked at 00:05:00 23.11.2026 UTC";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn attempt(world: &World, from: Option<&str>, success: bool) -> Result<(), Text> {
    let user = Text::new("romeo");
    let attempt = Attempt { ip: from.map(ip), protocol: Protocol::C2s, user, success };
    world.host.attempted(attempt).await
}

async fn connect(world: &World, from: &str) -> Result<(), Text> {
    world.host.may_connect(Some(ip(from)), Protocol::C2s).await
}

#[tokio::test]
async fn the_third_failure_bans_until_time_has_passed() {
    let world = World::new(&FEATURE, OPTIONS, &[]).await;
    for _ in 0..2 {
        assert_eq!(attempt(&world, Some("198.51.100.7"), false).await, Ok(()));
        assert_eq!(connect(&world, "198.51.100.7").await, Ok(()));
    }
    assert_eq!(attempt(&world, Some("198.51.100.7"), false).await, Err(Text::new(BANNED)));
    assert_eq!(connect(&world, "198.51.100.7").await, Err(Text::new(BANNED)));
    assert_eq!(connect(&world, "198.51.100.8").await, Ok(()));
    world.time.pass(299);
    assert!(connect(&world, "198.51.100.7").await.is_err());
    world.time.pass(1);
    assert_eq!(connect(&world, "198.51.100.7").await, Ok(()));
}

#[tokio::test]
async fn success_forgets_and_the_office_and_unix_sockets_are_spared() {
    let world = World::new(&FEATURE, OPTIONS, &[]).await;
    for _ in 0..5 {
        for success in [false, false, true] {
            assert_eq!(attempt(&world, Some("198.51.100.7"), success).await, Ok(()));
        }
        assert_eq!(attempt(&world, Some("192.0.2.77"), false).await, Ok(()));
        assert_eq!(attempt(&world, None, false).await, Ok(()));
    }
    assert_eq!(connect(&world, "192.0.2.77").await, Ok(()));
}

#[tokio::test]
async fn bans_are_lifted_by_command_and_end_with_the_module() {
    let world = World::new(&FEATURE, OPTIONS, &[]).await;
    for address in ["198.51.100.7", "198.51.100.9", "2001:db8::1"] {
        for _ in 0..3 {
            let _ = attempt(&world, Some(address), false).await;
        }
        assert!(connect(&world, address).await.is_err(), "{address}");
    }
    assert_eq!(world.run("unban_ip", "::ffff:198.51.100.7/128").await, Ok(Value::Integer(1)));
    assert_eq!(connect(&world, "198.51.100.7").await, Ok(()));
    assert_eq!(world.run("unban_ip", "198.51.100.0/24").await, Ok(Value::Integer(1)));
    assert_eq!(world.run("unban_ip", "example.org").await, Ok(Value::Integer(-1)));
    assert!(connect(&world, "2001:db8::ffff").await.is_err());
    assert!(world.host.stop_feature("mod_fail2ban"));
    assert_eq!(connect(&world, "2001:db8::ffff").await, Ok(()));
}

#[tokio::test]
async fn every_face_of_the_commands_counts() {
    let world = World::new(&FEATURE, OPTIONS, &["romeo"]).await;
    let authenticate = async |password: &str, from: Option<&str>| {
        let (password, from) = (Secret::from(password), from.map(ip));
        let found =
            world.kernel.authenticate_from("romeo", "localhost", &password, from, Protocol::Http).await;
        found.map(|jid| jid.to_string()).map_err(|error| error.to_string())
    };
    let wrong = "not allowed: invalid_account_data".to_owned();
    for _ in 0..2 {
        assert_eq!(authenticate("wrong", Some("198.51.100.7")).await, Err(wrong.clone()));
    }
    let banned = format!("not allowed: {BANNED}");
    assert_eq!(authenticate("wrong", Some("198.51.100.7")).await, Err(banned.clone()));
    assert_eq!(authenticate("romeo", Some("198.51.100.7")).await, Err(banned), "not even the right one");
    assert_eq!(authenticate("romeo", Some("198.51.100.8")).await, Ok("romeo@localhost".to_owned()));
    assert_eq!(authenticate("romeo", None).await, Ok("romeo@localhost".to_owned()));
}
