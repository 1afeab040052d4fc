use super::*;
use crate::testing::Folder;

#[test]
fn certificates_are_made_once_and_for_nobody_else() {
    let folder = Folder::new();
    let made = Tls::open(&folder.path().join("dist"), "tea");
    assert!(made.is_ok(), "{made:?}");
    let files = Files::new(&folder.path().join("dist"), "tea");
    let node = fs::read(&files.node).unwrap();
    Tls::open(&folder.path().join("dist"), "tea").unwrap();
    assert_eq!(fs::read(&files.node).unwrap(), node);
    for file in [&files.authority, &files.authority_key, &files.node, &files.options] {
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(fs::read_dir(folder.path().join("dist")).unwrap().count(), 4, "nothing else is left");
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    Tls::open(folder.path(), "tea").unwrap();
    let files = Files::new(folder.path(), "tea");
    fs::set_permissions(&files.node, fs::Permissions::from_mode(0o644)).unwrap();
    let told = Tls::open(folder.path(), "tea").unwrap_err().to_string();
    assert!(told.ends_with(&format!("chmod 600 {}", files.node.display())), "{told}");
}

#[test]
fn both_ends_need_a_certificate_of_the_same_authority() {
    let (ours, theirs) = (Folder::new(), Folder::new());
    let own = Tls::open(ours.path(), "tea").unwrap();
    let second = Tls::open(ours.path(), "cup").unwrap();
    let foreign = Tls::open(theirs.path(), "tea").unwrap();
    for (client, host, works) in
        [(&own, "tea", true), (&second, "localhost", true), (&foreign, "tea", false), (&own, "other", false)]
    {
        assert_eq!(shake_hands(client, &own, host), works, "{host}");
    }
}

fn shake_hands(client: &Tls, server: &Tls, host: &str) -> bool {
    let name = server_name(host).unwrap();
    let mut client = rustls::ClientConnection::new(Arc::clone(&client.client), name).unwrap();
    let mut server = rustls::ServerConnection::new(Arc::clone(&server.server)).unwrap();
    for _ in 0..10 {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        if server.process_new_packets().is_err() {
            return false;
        }
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        if client.process_new_packets().is_err() {
            return false;
        }
    }
    !client.is_handshaking() && !server.is_handshaking()
}
