use std::net::SocketAddr;

use nightjar_stun::server::Transport;

use super::*;

/// A client and the server on a network that loses nothing.
struct Pair {
    server: Dtls,
    client: dimpl::Dtls,
    begun: Instant,
    now: u64,
    /// What the client heard.
    heard: Vec<Vec<u8>>,
    is_connected: bool,
    is_closed: bool,
    who: Client,
}

fn certificates() -> Arc<Certificates> {
    let made = rcgen::generate_simple_self_signed(vec!["turn.example".to_owned()]).unwrap();
    let number = std::thread::current().id();
    let path = std::env::temp_dir().join(format!("nightjar-dtls-{}-{number:?}.pem", std::process::id()));
    std::fs::write(&path, made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
    let certificates = Certificates::default();
    certificates.load(std::slice::from_ref(&path)).unwrap();
    std::fs::remove_file(path).unwrap();
    Arc::new(certificates)
}

fn server() -> Dtls {
    Dtls::new([1; 32], certificates(), 0).unwrap()
}

fn who(remote: &str) -> Client {
    let remote: SocketAddr = remote.parse().unwrap();
    Client { transport: Transport::Dtls, local: "192.0.2.1:5349".parse().unwrap(), remote }
}

fn client(begun: Instant) -> dimpl::Dtls {
    let config = dimpl::Config::builder().build().unwrap();
    let made = rcgen::generate_simple_self_signed(Vec::new()).unwrap();
    let (certificate, private_key) = (made.cert.der().to_vec(), made.signing_key.serialize_der());
    let certificate = dimpl::DtlsCertificate { certificate, private_key };
    let mut client = dimpl::Dtls::new_12(Arc::new(config), certificate, begun);
    client.set_active(true);
    client.handle_timeout(begun).unwrap();
    client
}

/// What a client has to send.
fn datagrams(client: &mut dimpl::Dtls) -> Vec<Vec<u8>> {
    let mut room = vec![0; 20_000];
    let mut found = Vec::new();
    loop {
        match client.poll_output(&mut room) {
            dimpl::Output::Packet(bytes) => found.push(bytes.to_vec()),
            dimpl::Output::Timeout(_) => return found,
            _ => {}
        }
    }
}

fn first_hello() -> Vec<u8> {
    datagrams(&mut client(Instant::now())).remove(0)
}

impl Pair {
    fn new(remote: &str) -> Self {
        let begun = Instant::now();
        Self {
            server: server(),
            client: client(begun),
            begun,
            now: 0,
            heard: Vec::new(),
            is_connected: false,
            is_closed: false,
            who: who(remote),
        }
    }

    /// Moves datagrams until there are none; says what the server was told.
    fn run(&mut self) -> Vec<Output> {
        let mut told = Vec::new();
        self.client.handle_timeout(self.begun + Duration::from_millis(self.now)).unwrap();
        loop {
            let mut has_moved = false;
            let mut room = vec![0; 20_000];
            loop {
                match self.client.poll_output(&mut room) {
                    dimpl::Output::Packet(bytes) => {
                        has_moved = true;
                        self.server.handle_datagram(self.now, &self.who, bytes);
                    }
                    dimpl::Output::ApplicationData(bytes) => self.heard.push(bytes.to_vec()),
                    dimpl::Output::Connected => self.is_connected = true,
                    dimpl::Output::CloseNotify => self.is_closed = true,
                    dimpl::Output::Timeout(_) => break,
                    _ => {}
                }
            }
            while let Some(output) = self.server.poll_output() {
                has_moved = true;
                match output {
                    Output::Datagram(to, bytes) => {
                        assert_eq!(to, self.who);
                        self.client.handle_packet(&bytes).unwrap();
                    }
                    output => told.push(output),
                }
            }
            if !has_moved {
                return told;
            }
        }
    }

    fn connected(remote: &str) -> Self {
        let mut pair = Self::new(remote);
        assert_eq!(pair.run(), []);
        assert!(pair.is_connected);
        assert_eq!((pair.server.associations.len(), pair.server.handshakes), (1, 0));
        pair
    }
}

#[test]
fn what_is_said_inside_arrives_both_ways() {
    let mut pair = Pair::connected("198.51.100.1:4000");
    pair.client.send_application_data(b"from the client").unwrap();
    assert_eq!(pair.run(), [Output::Said(pair.who, b"from the client".to_vec())]);
    pair.server.send(0, &pair.who, &[b"from ", b"the server"]);
    let long = vec![7; 4_000];
    pair.server.send(0, &pair.who, &[&long]);
    assert_eq!(pair.run(), []);
    assert_eq!(pair.heard, [b"from the server".to_vec(), long]);
}

/// Bytes of memory that this process has.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[test]
fn hostile_row_77_hellos_without_a_cookie_leave_nothing() {
    const ALONE: &str = "NIGHTJAR_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        // Other tests in this process have memory, too.
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let name = std::thread::current().name().unwrap().to_owned();
        let out = alone.args([&name, "--exact"]).env(ALONE, "1").output().unwrap();
        let told = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    let (mut server, hello) = (server(), first_hello());
    let mut before = 0;
    for number in 0..11_000_u32 {
        if number == 1_000 {
            before = memory();
        }
        let client = who(&format!("198.51.{}.{}:4000", number / 256, number % 256));
        server.handle_datagram(u64::from(number), &client, &hello);
        let Some(Output::Datagram(to, answer)) = server.poll_output() else { panic!("no answer") };
        assert_eq!(to, client);
        assert!(answer.len() <= hello.len());
        assert_eq!(server.poll_output(), None);
    }
    assert!(server.associations.is_empty() && server.due.is_empty() && server.of_addresses.is_empty());
    let more = memory().saturating_sub(before);
    assert!(more < 1 << 20, "{more}");
}

#[test]
fn noise_before_and_during_an_association_changes_nothing() {
    let mut pair = Pair::connected("198.51.100.1:4000");
    let hello = first_hello();
    let tls = [&[0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[9; 194]].concat();
    let mut piece = hello.clone();
    piece[24] -= 1;
    let noise: [&[u8]; 8] =
        [b"", b"GET / HTTP/1.1\r\n\r\n", &tls, &hello[..40], &piece, &[22; 1_200], &[0xff; 65_000], &[20]];
    for (somebody, packet) in
        [pair.who, who("203.0.113.9:1")].into_iter().flat_map(|who| noise.map(|packet| (who, packet)))
    {
        pair.server.handle_datagram(1, &somebody, packet);
        while let Some(output) = pair.server.poll_output() {
            // A fatal alert would be an end that anybody could bring about.
            assert!(!matches!(output, Output::Gone(_)), "{packet:?}");
        }
    }
    // Somebody begins anew in this client's name and can't answer for it.
    pair.server.handle_datagram(1, &pair.who, &hello);
    assert!(matches!(pair.server.poll_output(), Some(Output::Datagram(_, answer)) if answer.len() == 60));
    pair.client.send_application_data(b"still here").unwrap();
    assert_eq!(pair.run(), [Output::Said(pair.who, b"still here".to_vec())]);
    assert_eq!(pair.server.associations.len(), 1);
}

#[test]
fn a_client_of_dtls_1_0_is_told_at_once_and_nothing_is_kept() {
    let (mut server, mut hello) = (server(), first_hello());
    hello[26] = 0xff;
    server.handle_datagram(0, &who("198.51.100.1:4000"), &hello);
    assert!(matches!(server.poll_output(), Some(Output::Datagram(_, alert)) if alert[0] == 21));
    assert!(server.poll_output().is_none() && server.associations.is_empty());
}

/// A hello with a good cookie, as its sender's client made it.
fn shown(server: &mut Dtls, now: u64, somebody: &Client) -> Vec<u8> {
    let begun = Instant::now();
    let mut client = client(begun);
    server.handle_datagram(now, somebody, &datagrams(&mut client)[0]);
    let Some(Output::Datagram(_, answer)) = server.poll_output() else { panic!("no answer") };
    client.handle_packet(&answer).unwrap();
    datagrams(&mut client).remove(0)
}

#[test]
fn a_hello_with_a_cookie_is_good_for_one_address_and_a_minute() {
    let mut server = server();
    let somebody = who("198.51.100.1:4000");
    let hello = shown(&mut server, 0, &somebody);
    server.handle_datagram(0, &who("198.51.100.2:4000"), &hello);
    server.handle_datagram(60_000, &somebody, &hello);
    assert!(server.associations.is_empty());
    server.handle_datagram(1_000, &somebody, &hello);
    assert_eq!(server.associations.len(), 1);
    // The same once more is the same handshake.
    server.handle_datagram(1_100, &somebody, &hello);
    assert_eq!((server.associations.len(), server.handshakes), (1, 1));
}

#[test]
fn handshakes_that_are_not_done_end_and_one_address_has_only_so_many() {
    let mut server = server();
    for port in 0..OF_ADDRESS_MAX as u16 + 10 {
        let somebody = who(&format!("198.51.100.1:{}", 4_000 + port));
        let hello = shown(&mut server, 0, &somebody);
        server.handle_datagram(0, &somebody, &hello);
        while server.poll_output().is_some() {}
    }
    assert_eq!((server.associations.len(), server.handshakes), (OF_ADDRESS_MAX, OF_ADDRESS_MAX));
    let mut now = 0;
    while let Some(when) = server.poll_timeout() {
        assert!(when > now || now == 0, "time goes on");
        now = when;
        server.handle_timeout(now, |_| false);
        while server.poll_output().is_some() {}
    }
    assert!(now <= 20_000, "{now}");
    assert_eq!((server.associations.len(), server.handshakes), (0, 0));
    assert!(server.of_addresses.is_empty());
}

#[test]
fn a_client_that_says_nothing_is_told_the_end_unless_it_has_an_allocation() {
    let mut pair = Pair::connected("198.51.100.1:4000");
    for has_allocation in [true, false] {
        let end = pair.now + 2 * SILENCE_MS;
        while let Some(when) = pair.server.poll_timeout().filter(|when| *when <= end) {
            pair.now = when;
            pair.server.handle_timeout(when, |_| has_allocation);
        }
        assert_eq!(pair.server.associations.is_empty(), !has_allocation);
    }
    assert_eq!(pair.run(), [Output::Gone(pair.who)]);
    assert!(pair.is_closed);
}

#[test]
fn at_the_end_clients_are_told() {
    let mut pair = Pair::connected("198.51.100.1:4000");
    pair.server.close_all(1);
    assert_eq!(pair.run(), [Output::Gone(pair.who)]);
    assert!(pair.is_closed && pair.server.due.is_empty());
}

#[test]
fn a_client_that_begins_anew_replaces_itself() {
    let mut pair = Pair::connected("198.51.100.1:4000");
    pair.client = client(pair.begun);
    pair.is_connected = false;
    assert_eq!(pair.run(), [Output::Gone(pair.who)]);
    assert!(pair.is_connected);
    pair.client.send_application_data(b"again").unwrap();
    assert_eq!(pair.run(), [Output::Said(pair.who, b"again".to_vec())]);
}
