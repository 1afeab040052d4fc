use super::*;

#[test]
fn the_address_is_the_clients_own() {
    let (client, socket) = ("192.0.2.1".parse().unwrap(), "192.0.2.1:4000".parse().unwrap());
    let proxy = "198.51.100.1:5000".parse().unwrap();
    let table = [
        (Some(client), Some(socket), Some(socket)),
        (Some(client), Some(proxy), Some(SocketAddr::new(client, 0))),
        (Some(client), None, Some(SocketAddr::new(client, 0))),
        (None, None, None),
    ];
    for (told, peer, expected) in table {
        assert_eq!(address(told, peer), expected, "{told:?} {peer:?}");
    }
}
