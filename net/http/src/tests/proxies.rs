use crate::testing::World;

#[tokio::test]
async fn only_trusted_proxies_are_believed() {
    let forwarded =
        "GET /api HTTP/1.1\nHost: one.example\nX-Forwarded-Proto: https\nX-Forwarded-Host: two.example\n";
    let cases = [
        ("", "X-Forwarded-For: 192.0.2.1", "host=one.example peer=127.0.0.1 tls=false"),
        (
            "trusted_proxies: [192.0.2.9]",
            "X-Forwarded-For: 192.0.2.1",
            "host=one.example peer=127.0.0.1 tls=false",
        ),
        (
            "trusted_proxies: [127.0.0.1]",
            "X-Forwarded-For: 192.0.2.1",
            "host=two.example peer=192.0.2.1 tls=true",
        ),
        (
            "trusted_proxies: all",
            "X-Forwarded-For: 192.0.2.1, 192.0.2.2",
            "host=two.example peer=192.0.2.1 tls=true",
        ),
        // What comes before the last address that isn't trusted could be written by anybody.
        ("trusted_proxies: [127.0.0.0/8]", "X-Forwarded-For: 10.9.9.9, 192.0.2.2", "peer=192.0.2.2 tls=true"),
        (
            "trusted_proxies: [127.0.0.1, 10.0.0.0/8]",
            "X-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 10.0.0.1",
            "peer=192.0.2.1 tls=true",
        ),
        ("trusted_proxies: [127.0.0.1]", "X-Forwarded-For: [2001:db8::1]:4711", "peer=2001:db8::1 tls=true"),
        ("trusted_proxies: [127.0.0.1]", "X-Forwarded-For: unknown", "peer=127.0.0.1 tls=true"),
    ];
    for (option, field, expected) in cases {
        let world = World::new(option);
        let (_, body) = world.ask(&format!("{forwarded}{field}")).await;
        assert!(body.contains(expected), "{option} {field}: {body}");
    }
}

#[tokio::test]
async fn a_unix_socket_has_no_peer() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new("port: \"unix:@DIR@/http.sock\"");
    let (_, body) = world.ask("GET /api HTTP/1.1\nHost: localhost\nX-Forwarded-For: 192.0.2.1").await;
    assert!(body.contains("host=one.example peer=- tls=false unix=true"), "{body}");
    let path = world.folder.0.join("http.sock");
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_proxy_protocol_says_who_connects() {
    let world = World::new("use_proxy_protocol: true");
    let request = "GET /api HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
    let answer = world.send(format!("PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\n{request}")).await;
    assert!(answer.contains("peer=192.0.2.7"), "{answer}");
}
