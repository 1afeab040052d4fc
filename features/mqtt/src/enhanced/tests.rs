use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use nightjar_auth::{AuthError, Bans, BoxFuture};
use nightjar_base::attempts::Protocol;
use nightjar_base::mqtt::{MqttAuthentication, MqttClient, MqttOpened, MqttService, claimed_name};
use nightjar_base::oauth::{OauthTokens, TokenIssuer, TokenVerdict};
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::{Auth, Connect, Connection, Event, Packet, Properties, Reason, Settings, Version};
use nightjar_sasl::{ChannelBinding, ChannelBindingKind, ScramHash, Secret};
use nightjar_text::Text;

use crate::testing::{World, opening, text};

/// SCRAM's client (RFC 5802), for one exchange.
struct Scram {
    hash: ScramHash,
    password: &'static str,
    header: &'static str,
    binding: &'static [u8],
    bare: String,
    signature: Vec<u8>,
}

impl Scram {
    fn new(hash: ScramHash, name: &str, password: &'static str) -> Self {
        let bare = format!("n={name},r=fyko+d2lbbFgONRv9qkxdawL");
        Self { hash, password, header: "n,,", binding: b"", bare, signature: Vec::new() }
    }

    fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.bare).into_bytes()
    }

    fn last(&mut self, challenge: &[u8]) -> Vec<u8> {
        let challenge = std::str::from_utf8(challenge).unwrap();
        let field = |name: &str| challenge.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
        let salt = STANDARD.decode(field("s=")).unwrap();
        let rounds = field("i=").parse().unwrap();
        let salted = self.hash.salted_password(self.password.as_bytes(), &salt, rounds);
        let bound = STANDARD.encode([self.header.as_bytes(), self.binding].concat());
        let without_proof = format!("c={bound},r={}", field("r="));
        let transcript = format!("{},{challenge},{without_proof}", self.bare);
        let client_key = self.hash.hmac(&salted, &[b"Client Key"]);
        let mask = self.hash.hmac(&self.hash.digest(&client_key), &[transcript.as_bytes()]);
        let proof: Vec<u8> = client_key.iter().zip(mask).map(|(key, mask)| key ^ mask).collect();
        let server_key = self.hash.hmac(&salted, &[b"Server Key"]);
        self.signature = self.hash.hmac(&server_key, &[transcript.as_bytes()]);
        format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes()
    }
}

/// A connection whose packets are written by hand, and the driver's part of it.
struct Wire<'a> {
    world: &'a World,
    method: &'static str,
    bindings: Vec<ChannelBinding>,
    machine: Connection,
    input: BytesMut,
    under_way: Option<Box<dyn MqttAuthentication>>,
    side: Option<Box<dyn MqttClient>>,
}

impl<'a> Wire<'a> {
    fn new(world: &'a World, method: &'static str) -> Self {
        Self {
            world,
            method,
            bindings: Vec::new(),
            machine: Connection::new(world.now(), Arc::new(Settings::default())),
            input: BytesMut::new(),
            under_way: None,
            side: None,
        }
    }

    fn properties(&self, data: Option<&[u8]>) -> Properties {
        let properties = Properties::builder().text(id::AUTHENTICATION_METHOD, self.method);
        data.into_iter().fold(properties, |made, data| made.binary(id::AUTHENTICATION_DATA, data)).finish()
    }

    async fn connect(&mut self, user_name: Option<&str>, data: Option<&[u8]>) -> Vec<Packet> {
        self.say(Packet::Connect(Box::new(Connect {
            version: Version::V5,
            clean_start: true,
            keep_alive: 60,
            client_id: text("c"),
            will: None,
            user_name: user_name.map(text),
            password: None,
            properties: self.properties(data),
        })))
        .await
    }

    async fn auth(&mut self, reason: Reason, data: &[u8]) -> Vec<Packet> {
        let properties = self.properties(Some(data));
        self.say(Packet::Auth(Auth { reason, properties })).await
    }

    /// Sends a packet; gives what is answered to it.
    async fn say(&mut self, packet: Packet) -> Vec<Packet> {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes);
        self.input.extend_from_slice(&bytes);
        let now = self.world.now();
        while let Some(event) = self.machine.handle_input(now, &mut self.input) {
            let opened = match (event, &mut self.side) {
                (Event::Connect(connect), None) => {
                    let mut opening = opening(connect);
                    opening.bindings = self.bindings.clone();
                    self.world.host.get::<MqttService>().unwrap().0.open(opening).await
                }
                (Event::Authenticate { data, .. }, None) => self.under_way.take().unwrap().answer(data).await,
                (event, Some(side)) => {
                    side.handle_event(now, &mut self.machine, event);
                    continue;
                }
                (event, None) => panic!("{event:?}"),
            };
            match opened {
                Ok(MqttOpened::In(mut side)) => {
                    side.accept(now, &mut self.machine);
                    self.side = Some(side);
                }
                Ok(MqttOpened::Asked(data, under_way)) => {
                    self.machine.authenticate(Some(&data));
                    self.under_way = Some(under_way);
                }
                Err(refusal) => self.machine.refuse(refusal.reason, Some(refusal.words)),
            }
        }
        self.heard().await
    }

    /// What the server says next; waits for the store if it must.
    async fn heard(&mut self) -> Vec<Packet> {
        let said = poll_fn(|context| {
            if let Some(side) = &mut self.side {
                side.poll(context, self.world.now(), &mut self.machine, true);
            }
            let said = self.machine.poll_output().to_vec();
            if said.is_empty() { Poll::Pending } else { Poll::Ready(said) }
        });
        let mut rest = Bytes::from(said.await);
        let mut packets = Vec::new();
        while rest.len() > 1 {
            let length = usize::from(rest[1]);
            assert!(length < 128);
            packets.push(Packet::decode(Version::V5, rest[0], rest.slice(2..2 + length)).unwrap());
            rest = rest.slice(2 + length..);
        }
        packets
    }

    /// Runs the whole exchange; gives the answer to the last step.
    async fn prove(&mut self, user_name: Option<&str>, scram: &mut Scram) -> Vec<Packet> {
        let first = scram.first();
        let challenge = challenge(&self.connect(user_name, Some(&first)).await);
        let last = scram.last(&challenge);
        self.auth(Reason::CONTINUE_AUTHENTICATION, &last).await
    }
}

fn challenge(heard: &[Packet]) -> Bytes {
    match heard {
        [Packet::Auth(auth)] if auth.reason == Reason::CONTINUE_AUTHENTICATION => auth.data().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn reason(heard: &[Packet]) -> Reason {
    match heard {
        [Packet::Connack(connack)] => connack.reason,
        [Packet::Disconnect(disconnect)] => disconnect.reason,
        [Packet::Auth(auth)] => auth.reason,
        other => panic!("{other:?}"),
    }
}

fn attempts(world: &World) -> (u64, u64) {
    world.host.attempts.of(Protocol::Mqtt)
}

#[tokio::test]
async fn the_example_of_scram() {
    // §4.12, the second example: CONNECT, AUTH, AUTH, CONNACK.
    let world = World::new("", "{}", &["ann"]).await;
    let methods = [
        ("SCRAM-SHA-1", ScramHash::Sha1),
        ("SCRAM-SHA-256", ScramHash::Sha256),
        ("SCRAM-SHA-512", ScramHash::Sha512),
    ];
    for (count, (method, hash)) in methods.into_iter().enumerate() {
        let mut scram = Scram::new(hash, "ann", "ann");
        let mut wire = Wire::new(&world, method);
        let heard = wire.prove(None, &mut scram).await;
        let [Packet::Connack(connack)] = &*heard else { panic!("{heard:?}") };
        assert_eq!(connack.reason, Reason::SUCCESS);
        // [MQTT-4.12.0-5]
        assert_eq!(connack.properties.text(id::AUTHENTICATION_METHOD), Some(text(method)));
        let data = connack.properties.bytes(id::AUTHENTICATION_DATA).unwrap();
        assert_eq!(*data, *format!("v={}", STANDARD.encode(&scram.signature)).as_bytes());
        assert_eq!(wire.side.unwrap().name(), "ann@localhost/c");
        assert_eq!(attempts(&world), (count as u64 + 1, 0));
    }
}

#[tokio::test]
async fn a_client_that_waits_with_its_first_data() {
    let world = World::new("", "{}", &["ann"]).await;
    let mut scram = Scram::new(ScramHash::Sha256, "ann", "ann");
    let mut wire = Wire::new(&world, "SCRAM-SHA-256");
    assert_eq!(*challenge(&wire.connect(Some("ann"), None).await), *b"");
    let first = scram.first();
    let challenge = challenge(&wire.auth(Reason::CONTINUE_AUTHENTICATION, &first).await);
    let last = scram.last(&challenge);
    assert_eq!(reason(&wire.auth(Reason::CONTINUE_AUTHENTICATION, &last).await), Reason::SUCCESS);
}

#[tokio::test]
async fn methods_that_are_not_spoken() {
    // [MQTT-4.12.0-1]
    let world = World::new("", "{}", &["ann"]).await;
    for method in
        ["K5", "PLAIN", "EXTERNAL", "ANONYMOUS", "scram-sha-256", "SCRAM-SHA-256-PLUS", "HT-SHA-256-NONE", ""]
    {
        let mut wire = Wire::new(&world, method);
        let heard = wire.connect(Some("ann"), Some(b"n,,n=ann,r=x")).await;
        assert_eq!(reason(&heard), Reason::BAD_AUTHENTICATION_METHOD, "{method}");
    }
    assert_eq!(world.figure("mqtt_refusals", "method"), 8);
}

#[tokio::test]
async fn names_and_passwords() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    // The name in SCRAM, the user name in CONNECT, the password; what comes of it, and whether it counts as a guess.
    let rows = [
        ("ann@localhost", None, "ann", Reason::SUCCESS, 0),
        ("Ann", Some("ann@localhost"), "ann", Reason::SUCCESS, 0),
        ("ann", Some("ann"), "ann", Reason::SUCCESS, 0),
        ("ann", None, "wrong", Reason::NOT_AUTHORIZED, 1),
        ("nobody", None, "ann", Reason::NOT_AUTHORIZED, 1),
        ("ann", Some("ben"), "ann", Reason::NOT_AUTHORIZED, 0),
    ];
    for (name, user_name, password, expected, guesses) in rows {
        let before = attempts(&world).1;
        let mut scram = Scram::new(ScramHash::Sha256, name, password);
        let heard = Wire::new(&world, "SCRAM-SHA-256").prove(user_name, &mut scram).await;
        assert_eq!(reason(&heard), expected, "{name} {user_name:?}");
        assert_eq!(attempts(&world).1 - before, guesses, "{name} {user_name:?}");
    }
    for (name, user_name) in [("ann@elsewhere", None), ("ann", Some("ann@elsewhere")), ("", None)] {
        let first = Scram::new(ScramHash::Sha256, name, "ann").first();
        let heard = Wire::new(&world, "SCRAM-SHA-256").connect(user_name, Some(&first)).await;
        assert!(reason(&heard).is_error(), "{name} {user_name:?}");
    }
    for data in ["", "n,,", "n,,n=ann", "n,,n=ann,r=", "\0", "x,,n=ann,r=x", "n,,m=x,n=ann,r=x"] {
        let heard = Wire::new(&world, "SCRAM-SHA-256").connect(None, Some(data.as_bytes())).await;
        assert_eq!(reason(&heard), Reason::NOT_AUTHORIZED, "{data}");
    }
}

#[tokio::test]
async fn binding_to_the_channel() {
    let world = World::new("", "{}", &["ann"]).await;
    let kind = ChannelBindingKind::TlsExporter;
    let rows: [(_, _, &[u8], _); 4] = [
        ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", b"exported", Reason::SUCCESS),
        ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", b"of another", Reason::NOT_AUTHORIZED),
        ("SCRAM-SHA-256", "n,,", b"", Reason::SUCCESS),
        // RFC 5802 §6: somebody has taken it from what the client saw.
        ("SCRAM-SHA-256", "y,,", b"", Reason::NOT_AUTHORIZED),
    ];
    for (method, header, binding, expected) in rows {
        let mut wire = Wire::new(&world, method);
        wire.bindings = vec![ChannelBinding { kind, data: b"exported".to_vec() }];
        let mut scram = Scram { header, binding, ..Scram::new(ScramHash::Sha256, "ann", "ann") };
        let first = scram.first();
        let mut heard = wire.connect(None, Some(&first)).await;
        if let [Packet::Auth(auth)] = &*heard {
            let last = scram.last(&auth.data().unwrap());
            heard = wire.auth(Reason::CONTINUE_AUTHENTICATION, &last).await;
        }
        assert_eq!(reason(&heard), expected, "{method} {header}");
    }
}

struct Everybody;

impl Bans for Everybody {
    fn ban<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>> {
        Box::pin(async { Ok(Some(Text::new("go"))) })
    }
}

#[tokio::test]
async fn a_banned_account() {
    let world = World::new("", "{}", &["ann"]).await;
    world.accounts.set_bans(Some(Arc::new(Everybody)));
    let first = Scram::new(ScramHash::Sha256, "ann", "ann").first();
    let heard = Wire::new(&world, "SCRAM-SHA-256").connect(None, Some(&first)).await;
    assert_eq!(reason(&heard), Reason::BANNED);
}

#[tokio::test]
async fn again_while_connected() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let rows = [
        ("ann", "ann", Reason::SUCCESS),
        ("ann", "wrong", Reason::NOT_AUTHORIZED),
        // The session is of one account.
        ("ben", "ben", Reason::NOT_AUTHORIZED),
    ];
    for (name, password, expected) in rows {
        let mut wire = Wire::new(&world, "SCRAM-SHA-256");
        let heard = wire.prove(None, &mut Scram::new(ScramHash::Sha256, "ann", "ann")).await;
        assert_eq!(reason(&heard), Reason::SUCCESS);
        let mut scram = Scram::new(ScramHash::Sha256, name, password);
        let first = scram.first();
        let challenge = challenge(&wire.auth(Reason::REAUTHENTICATE, &first).await);
        // Nothing stands still meanwhile.
        assert_eq!(wire.say(Packet::Pingreq).await, [Packet::Pingresp]);
        let last = scram.last(&challenge);
        let heard = wire.auth(Reason::CONTINUE_AUTHENTICATION, &last).await;
        assert_eq!(reason(&heard), expected, "{name} {password}");
        assert_eq!(wire.machine.closed().is_none(), expected == Reason::SUCCESS);
        if let [Packet::Auth(auth)] = &*heard {
            let data = format!("v={}", STANDARD.encode(&scram.signature));
            assert_eq!(auth.data().as_deref(), Some(data.as_bytes()));
        }
    }
}

/// Tokens that are the names of their accounts; `narrow` holds for other things.
struct Names;

impl TokenIssuer for Names {
    fn is_open(&self) -> bool {
        true
    }

    fn check<'a>(
        &'a self,
        token: &'a Secret,
        scope: &'a str,
    ) -> BoxFuture<'a, Result<TokenVerdict, AuthError>> {
        Box::pin(async move {
            assert_eq!(scope, "sasl_auth");
            Ok(match token.expose_text() {
                Some("narrow") => TokenVerdict::TooNarrow,
                Some("away") => return Err(AuthError::Stopping),
                Some(name) if !name.starts_with('x') => TokenVerdict::Holds(Text::new(name)),
                _ => TokenVerdict::Refused,
            })
        })
    }
}

fn bearer(name: &str, token: &str) -> Vec<u8> {
    let name = if name.is_empty() { String::new() } else { format!("a={name}") };
    format!("n,{name},\x01auth=Bearer {token}\x01\x01").into_bytes()
}

#[tokio::test]
async fn a_token_that_connect_names_the_account_of() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let heard = Wire::new(&world, "X-OAUTH2").connect(Some("ann"), Some(b"ann")).await;
    assert_eq!(reason(&heard), Reason::BAD_AUTHENTICATION_METHOD, "where there are no tokens");
    let _issuer = world.host.provide(Arc::new(OauthTokens(Arc::new(Names))));
    let rows: [(_, &[u8], _, _); 10] = [
        (Some("ann"), b"ann", Reason::SUCCESS, 0),
        (Some("Ann@localhost"), b"ann", Reason::SUCCESS, 0),
        (Some("ann"), b"ben", Reason::NOT_AUTHORIZED, 1),
        (Some("ann"), b"x", Reason::NOT_AUTHORIZED, 1),
        (Some("ann"), b"narrow", Reason::NOT_AUTHORIZED, 1),
        (Some("gone"), b"gone", Reason::NOT_AUTHORIZED, 1),
        (Some("ann"), b"", Reason::NOT_AUTHORIZED, 1),
        (Some("ann"), b"a\0b", Reason::NOT_AUTHORIZED, 1),
        (Some("ann"), b"away", Reason::SERVER_UNAVAILABLE, 0),
        // As in ejabberd, CONNECT must say whose it is.
        (None, b"ann", Reason::NOT_AUTHORIZED, 1),
    ];
    for (user_name, token, expected, guesses) in rows {
        let before = attempts(&world);
        let mut wire = Wire::new(&world, "X-OAUTH2");
        let heard = wire.connect(user_name, Some(token)).await;
        assert_eq!(reason(&heard), expected, "{user_name:?} {}", token.escape_ascii());
        let success = u64::from(expected == Reason::SUCCESS);
        assert_eq!(attempts(&world), (before.0 + success, before.1 + guesses), "{}", token.escape_ascii());
        if let Some(side) = wire.side {
            assert_eq!(side.name(), "ann@localhost/c");
        }
    }
    let mut wire = Wire::new(&world, "X-OAUTH2");
    assert_eq!(*challenge(&wire.connect(Some("ann"), None).await), *b"");
    assert_eq!(reason(&wire.auth(Reason::CONTINUE_AUTHENTICATION, b"ann").await), Reason::SUCCESS);
    world.accounts.set_bans(Some(Arc::new(Everybody)));
    let heard = Wire::new(&world, "X-OAUTH2").connect(Some("ann"), Some(b"ann")).await;
    assert_eq!(reason(&heard), Reason::BANNED);
}

#[tokio::test]
async fn a_token_that_says_whose_it_is() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let _issuer = world.host.provide(Arc::new(OauthTokens(Arc::new(Names))));
    for (name, user_name) in [("ann", None), ("ann@localhost", Some("ann")), ("", Some("ann")), ("", None)] {
        let mut wire = Wire::new(&world, "OAUTHBEARER");
        let heard = wire.connect(user_name, Some(&bearer(name, "ann"))).await;
        assert_eq!(reason(&heard), Reason::SUCCESS, "{name} {user_name:?}");
        assert_eq!(wire.side.unwrap().name(), "ann@localhost/c");
    }
    let told = |status: &str| format!(r#"{{"status":"{status}","scope":"sasl_auth"}}"#);
    for (name, token, status) in
        [("ann", "x", "invalid_token"), ("ann", "ben", "invalid_token"), ("", "narrow", "insufficient_scope")]
    {
        let before = attempts(&world).1;
        let mut wire = Wire::new(&world, "OAUTHBEARER");
        let heard = wire.connect(None, Some(&bearer(name, token))).await;
        assert_eq!(*challenge(&heard), *told(status).as_bytes(), "{token}");
        // It is a guess already, and isn't counted twice.
        assert_eq!(attempts(&world).1, before + 1);
        let heard = wire.auth(Reason::CONTINUE_AUTHENTICATION, b"\x01").await;
        assert_eq!(reason(&heard), Reason::NOT_AUTHORIZED);
        assert_eq!(attempts(&world).1, before + 1);
    }
    let heard = Wire::new(&world, "OAUTHBEARER").connect(Some("ben"), Some(&bearer("ann", "ann"))).await;
    assert_eq!(reason(&heard), Reason::NOT_AUTHORIZED);
    let heard = Wire::new(&world, "OAUTHBEARER").connect(None, Some(b"n,,auth=Bearer ann")).await;
    assert_eq!(reason(&heard), Reason::NOT_AUTHORIZED);
}

#[tokio::test]
async fn another_token_while_connected() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let _issuer = world.host.provide(Arc::new(OauthTokens(Arc::new(Names))));
    for (token, expected) in
        [("ann", Reason::SUCCESS), ("x", Reason::NOT_AUTHORIZED), ("ben", Reason::NOT_AUTHORIZED)]
    {
        let mut wire = Wire::new(&world, "X-OAUTH2");
        assert_eq!(reason(&wire.connect(Some("ann"), Some(b"ann")).await), Reason::SUCCESS);
        let heard = wire.auth(Reason::REAUTHENTICATE, token.as_bytes()).await;
        assert_eq!(reason(&heard), expected, "X-OAUTH2 {token}");
        // The session goes to the next connection as soon as this one has let go of it.
        drop(wire);
        let mut wire = Wire::new(&world, "OAUTHBEARER");
        assert_eq!(reason(&wire.connect(None, Some(&bearer("ann", "ann"))).await), Reason::SUCCESS);
        let mut heard = wire.auth(Reason::REAUTHENTICATE, &bearer("", token)).await;
        if token == "x" {
            challenge(&heard);
            heard = wire.auth(Reason::CONTINUE_AUTHENTICATION, b"\x01").await;
        }
        assert_eq!(reason(&heard), expected, "OAUTHBEARER {token}");
    }
}

#[test]
fn whose_host_is_asked() {
    let connect = |method, user_name: Option<&str>, data: &[u8]| Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 60,
        client_id: text("c"),
        will: None,
        user_name: user_name.map(text),
        password: None,
        properties: Properties::builder()
            .text(id::AUTHENTICATION_METHOD, method)
            .binary(id::AUTHENTICATION_DATA, data)
            .finish(),
    };
    for (method, user_name, data, name) in [
        ("OAUTHBEARER", None, bearer("ann@localhost", "t"), Some("ann@localhost")),
        ("OAUTHBEARER", Some("ben"), bearer("ann", "t"), Some("ann")),
        ("OAUTHBEARER", Some("ben"), bearer("", "t"), Some("ben")),
        ("OAUTHBEARER", None, bearer("", "t"), None),
        ("X-OAUTH2", Some("ben@localhost"), b"token".to_vec(), Some("ben@localhost")),
    ] {
        assert_eq!(claimed_name(&connect(method, user_name, &data)).as_deref(), name, "{method}");
    }
}
