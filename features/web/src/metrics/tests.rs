use super::NAME;
use crate::testing::{Ask, World};

#[tokio::test]
async fn figures_are_for_this_machine_and_whoever_may_ask() {
    let world = World::new().await;
    let ask = || Ask::new("GET", "/").of(NAME);
    for (asked, status) in [
        (ask().from("127.0.0.1"), 200),
        (ask().from("::1"), 200),
        (ask().from("::ffff:127.0.0.1"), 200),
        (ask().unix(), 200),
        (ask().from("192.0.2.1"), 403),
        (ask().from("127.0.0.1").header("x-forwarded-for", "192.0.2.1"), 403),
        (ask().from("127.0.0.1").header("forwarded", "for=192.0.2.1"), 403),
        (ask().from("127.0.0.1").header("sec-fetch-site", "cross-site"), 403),
        (ask().basic("admin@localhost", "admin"), 200),
        (ask().basic("bob@localhost", "bob"), 403),
        (ask().basic("bob@localhost", "wrong"), 401),
    ] {
        let (got, body) = world.ask(asked).await;
        assert_eq!(got.as_u16(), status, "{body}");
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    let world = World::new().await;
    world.ask(Ask::new("GET", "/status").from("127.0.0.2")).await;
    world.ask(Ask::new("GET", "/fail?name=x").from("127.0.0.2")).await;
    world.ask(Ask::new("GET", "/list")).await;
    world.ask(Ask::new("GET", "/list").basic("bob@localhost", "wrong")).await;
    world.ask(Ask::new("GET", "/list").basic("bob@localhost", "bob")).await;
    let (_, figures) = world.ask(Ask::new("GET", "/").of(NAME).unix()).await;
    for line in [
        "nightjar_commands_called_total 2",
        "nightjar_commands_failed_total 1",
        "nightjar_commands_refused_total 2",
        "nightjar_sessions{host=\"localhost\"} 0",
        "nightjar_store_ready{host=\"localhost\"} 1",
        "nightjar_uptime_seconds 0",
        "nightjar_authentications_total{host=\"localhost\",protocol=\"http\",result=\"success\"} 1",
        "nightjar_authentications_total{host=\"localhost\",protocol=\"http\",result=\"failure\"} 1",
        "nightjar_http_requests_total 0",
        "# EOF",
    ] {
        assert!(figures.lines().any(|found| found == line), "{line} is not in\n{figures}");
    }
}

#[tokio::test]
async fn figures_that_others_register_are_shown() {
    let world = World::new().await;
    let registered = world.kernel.metrics.add(|families| {
        families.counter("relay_bytes", "Bytes relayed", &[("direction", "to_peers")], 3);
        families.counter("relay_bytes", "Bytes relayed", &[("direction", "a \"b\"\n")], 4);
        families.gauge("relays", "Relays", &[], 5);
        families.real("relay_ports_used", "Relay ports in use", &[], 0.5);
    });
    let (_, figures) = world.ask(Ask::new("GET", "/").of(NAME).unix()).await;
    for line in [
        "# HELP nightjar_relay_bytes Bytes relayed",
        "# TYPE nightjar_relay_bytes counter",
        "nightjar_relay_bytes_total{direction=\"to_peers\"} 3",
        "nightjar_relay_bytes_total{direction=\"a \\\"b\\\"\\n\"} 4",
        "nightjar_relays 5",
        "nightjar_relay_ports_used 0.5",
    ] {
        assert!(figures.lines().any(|found| found == line), "{line} is not in\n{figures}");
    }
    drop(registered);
    let (_, figures) = world.ask(Ask::new("GET", "/").of(NAME).unix()).await;
    assert!(!figures.contains("relay"), "{figures}");
}
