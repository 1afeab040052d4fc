use nightjar_base::relay::{GivenNames, RelayOffer, RelayOffers, TurnPasswords};

use super::FEATURE;
use crate::testing::{NOW, World};

const OPTIONS: &str = "{access: all, secret: s3cret, credentials_lifetime: 1 h, services: [\
    {host: 203.0.113.3}, {host: turn.example.org, type: turns}, \
    {host: \"2001:db8::3\", type: turn, port: 4000, transport: tcp, restricted: false}]}";

async fn ask(world: &World, payload: &str) -> String {
    let session = world.online("alice@localhost/a").await;
    let iq = format!("<iq type='get' id='1' to='localhost'>{payload}</iq>");
    world.exchange(&session, &iq).await.concat()
}

async fn world(options: &str) -> World {
    World::new(&[(&FEATURE, options)], &["alice"]).await
}

#[tokio::test]
async fn services_are_told_with_their_defaults() {
    let world = world(OPTIONS).await;
    let all = ask(&world, "<services xmlns='urn:xmpp:extdisco:2'/>").await;
    for part in [
        "<services xmlns='urn:xmpp:extdisco:2'>",
        "<service host='203.0.113.3' port='3478' transport='udp' type='stun' restricted='false'/>",
        "<service host='turn.example.org' port='5349' transport='tcp' type='turns' restricted='true' expires='2026-11-23T01:00:00",
        "<service host='2001:db8::3' port='4000' transport='tcp' type='turn' restricted='false'/>",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    let turns = ask(&world, "<services xmlns='urn:xmpp:extdisco:1' type='turns'/>").await;
    assert!(turns.contains("<services xmlns='urn:xmpp:extdisco:1' type='turns'>"), "{turns}");
    assert_eq!(turns.matches("<service ").count(), 1);
}

#[tokio::test]
async fn credentials_are_given_for_one_service_and_found_again() {
    let world = world(OPTIONS).await;
    let given = ask(
        &world,
        "<credentials xmlns='urn:xmpp:extdisco:2'><service host='turn.example.org' type='turns'/></credentials>",
    )
    .await;
    let attribute = |name: &str| {
        let (_, rest) = given.split_once(&format!("{name}='")).unwrap();
        rest.split('\'').next().unwrap().to_owned()
    };
    let (user, password) = (attribute("username"), attribute("password"));
    assert!(user.starts_with(&format!("{}:", NOW + 3600)), "{user}");
    let passwords = world.host.get::<TurnPasswords>().unwrap();
    assert_eq!(passwords.find(&user).unwrap().expose(), password.as_bytes());
    let (given, _) = world.kernel.shared::<GivenNames>().since(0);
    assert_eq!(given.iter().map(|name| &**name).collect::<Vec<_>>(), [user.as_str()]);
    // HMAC-SHA1 of the name, as any server of the same secret makes it.
    assert_eq!(password.len(), 28);
    for wrong in ["alice", "1:0123456789abcdef", &user.replace(':', ":0"), &format!("{NOW}{}", &user[10..])] {
        assert!(passwords.find(wrong).is_none(), "{wrong}");
    }
}

#[tokio::test]
async fn listeners_are_offered() {
    let world = world("{access: all}").await;
    let offers = world.kernel.shared::<RelayOffers>();
    let offer = RelayOffer {
        ip: "198.51.100.4".parse().unwrap(),
        port: 3478,
        is_udp: true,
        has_relays: true,
        is_restricted: true,
    };
    let guard = offers.add(offer);
    let told = ask(&world, "<services xmlns='urn:xmpp:extdisco:2'/>").await;
    assert!(
        told.contains("host='198.51.100.4' port='3478' transport='udp' type='stun' restricted='false'"),
        "{told}"
    );
    assert!(told.contains("type='turn' restricted='true' expires="), "{told}");
    drop(guard);
    assert!(!ask(&world, "<services xmlns='urn:xmpp:extdisco:2'/>").await.contains("<service "));
}

#[tokio::test]
async fn what_is_not_answered() {
    let world = world("{offer_local_services: false}").await;
    for (payload, condition) in [("<services xmlns='urn:xmpp:extdisco:2'/>", "forbidden")] {
        let answer = ask(&world, payload).await;
        assert!(answer.contains(condition), "{answer}");
    }
    let world = self::world("{access: all}").await;
    for (payload, condition) in [
        ("<services xmlns='urn:xmpp:extdisco:2' type='gopher'/>", "item-not-found"),
        ("<credentials xmlns='urn:xmpp:extdisco:2'/>", "bad-request"),
        ("<credentials xmlns='urn:xmpp:extdisco:2'><service host='a'/></credentials>", "bad-request"),
        (
            "<credentials xmlns='urn:xmpp:extdisco:2'><service host='a' type='turn' port='x'/></credentials>",
            "bad-request",
        ),
        ("<other xmlns='urn:xmpp:extdisco:2'/>", "service-unavailable"),
    ] {
        let answer = ask(&world, payload).await;
        assert!(answer.contains(condition), "{payload}: {answer}");
    }
}
