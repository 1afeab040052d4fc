use super::*;
use crate::test_client::{
    EXPORTER, SALT, ScramClient, bare_offer, begin_scram, challenge, failure, full_offer, keys, lookup,
    success,
};
use crate::{Answer, ChannelBinding, Condition, Exchange, Mechanism, Step};

fn mechanism(name: &str) -> Mechanism {
    Mechanism::from_name(name).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

struct Transcript {
    name: &'static str,
    salt: &'static str,
    server_nonce: &'static str,
    messages: [&'static str; 4],
}

/// RFC 5802 §5, RFC 7677 §3, and the latter with SHA-512 (computed with Python's hashlib).
const TRANSCRIPTS: [Transcript; 3] = [
    Transcript {
        name: "SCRAM-SHA-1",
        salt: "QSXCR+Q6sek8bf92",
        server_nonce: "3rfcNHYJY1ZVvWVs7j",
        messages: [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ],
    },
    Transcript {
        name: "SCRAM-SHA-256",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        messages: [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    },
    Transcript {
        name: "SCRAM-SHA-512",
        salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
        server_nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        messages: [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
            "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
        ],
    },
];

#[test]
fn published_transcripts() {
    for transcript in &TRANSCRIPTS {
        let mechanism = mechanism(transcript.name);
        let Mechanism::Scram { hash, .. } = mechanism else { panic!("not SCRAM") };
        let [first, server_first, last, server_last] = transcript.messages;
        let credentials = keys(hash, "pencil", &base64(transcript.salt));
        let offer = bare_offer(mechanism);
        let (mut exchange, message) =
            begin_scram(mechanism, &offer, first.as_bytes(), credentials, transcript.server_nonce);
        assert_eq!(String::from_utf8(message).unwrap(), server_first);
        let success = success(exchange.handle_response(last.as_bytes()));
        assert_eq!(success.additional_data.as_deref(), Some(server_last.as_bytes()));
        assert_eq!((success.username.as_str(), success.authzid), ("user", None));
    }
}

/// XEP-0474 §5.3: SCRAM-SHA-1-PLUS with the `h` attribute and an extension in the client's last message.
#[test]
fn downgrade_protection_example() {
    let plus = mechanism("SCRAM-SHA-1-PLUS");
    let offer = Offer {
        mechanisms: vec![mechanism("SCRAM-SHA-1"), plus],
        channel_bindings: vec![
            ChannelBinding { kind: ChannelBindingKind::TlsServerEndPoint, data: b"unused".to_vec() },
            ChannelBinding { kind: ChannelBindingKind::TlsExporter, data: b"THIS IS FAKE CB DATA".to_vec() },
        ],
        downgrade_protection: true,
        tls: true,
        ..bare_offer(plus)
    };
    let (mut exchange, message) = begin_scram(
        plus,
        &offer,
        b"p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
        keys(ScramHash::Sha1, "pencil", &base64("QSXCR+Q6sek8bf92")),
        "a09117a6-ac50-4f2f-93f1-93799c2bddf6",
    );
    assert_eq!(
        String::from_utf8(message).unwrap(),
        "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,\
         h=G6k/rBLDqgOhRRaCuuatSDFkJ08="
    );
    let success = success(exchange.handle_response(
        b"c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,\
          r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,\
          x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
    ));
    assert_eq!(success.additional_data.as_deref(), Some(b"v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=".as_slice()));
}

const PLUS_CLIENT: ScramClient = ScramClient {
    hash: ScramHash::Sha256,
    password: "pencil",
    header: "p=tls-exporter,,",
    binding: EXPORTER,
    bare: "n=juliet,r=client",
};
const PLAIN_CLIENT: ScramClient = ScramClient { header: "n,,", binding: b"", ..PLUS_CLIENT };

/// Runs a whole exchange against the full offer, letting `tamper` change the server's message on its way.
fn login(
    name: &str,
    client: &ScramClient,
    credentials: ScramCredentials,
    tamper: impl Fn(String) -> String,
) -> Step {
    let (mut exchange, message) =
        begin_scram(mechanism(name), &full_offer(), &client.first(), credentials, "server");
    let message = tamper(String::from_utf8(message).unwrap());
    exchange.handle_response(&client.last(message.as_bytes()))
}

fn juliet() -> ScramCredentials {
    keys(ScramHash::Sha256, "pencil", SALT)
}

#[test]
fn logs_in_with_and_without_channel_binding() {
    for (name, client) in [("SCRAM-SHA-256-PLUS", &PLUS_CLIENT), ("SCRAM-SHA-256", &PLAIN_CLIENT)] {
        assert_eq!(success(login(name, client, juliet(), |message| message)).username, "juliet");
    }
}

#[test]
fn wrong_password_unknown_account_and_foreign_keys_fail_alike() {
    let decoy = ScramCredentials::decoy(ScramHash::Sha256, &Secret::from("server secret"), "juliet", 4096);
    let ScramCredentials::Known(real) = juliet() else { panic!("known") };
    let wrong = ScramClient { password: "eraser", ..PLAIN_CLIENT };
    for (client, credentials) in
        [(&wrong, juliet()), (&PLAIN_CLIENT, decoy), (&PLAIN_CLIENT, ScramCredentials::Decoy(real))]
    {
        let step = login("SCRAM-SHA-256", client, credentials, |message| message);
        assert_eq!(failure(step), Condition::NotAuthorized);
    }
}

/// The same account asked twice shows the same salt, another one another: as real accounts do.
#[test]
fn an_unknown_account_looks_like_a_known_one() {
    let server_first = |credentials| {
        let (_, message) = begin_scram(
            mechanism("SCRAM-SHA-256"),
            &full_offer(),
            &PLAIN_CLIENT.first(),
            credentials,
            "server",
        );
        String::from_utf8(message).unwrap()
    };
    let decoy = |name| {
        server_first(ScramCredentials::decoy(ScramHash::Sha256, &Secret::from("server secret"), name, 4096))
    };
    assert_eq!(decoy("juliet"), decoy("juliet"));
    assert_ne!(decoy("juliet"), decoy("romeo"));
    assert_eq!(decoy("juliet").len(), server_first(juliet()).len());
    let other = ScramCredentials::decoy(ScramHash::Sha256, &Secret::from("other secret"), "juliet", 4096);
    assert_ne!(decoy("juliet"), server_first(other));
}

/// Hostile row 61: somebody in the middle edits the lists and, so that the client does not notice, the hash too; or
/// takes the hash out. The client then signs what it saw, which is not what the server sent.
#[test]
fn an_edited_downgrade_hash_breaks_the_proof() {
    let edited = downgrade_hash(ScramHash::Sha256, &["SCRAM-SHA-256"], &[]);
    let swap = |message: String| {
        let (front, _) = message.split_once(",h=").unwrap();
        format!("{front},h={edited}")
    };
    let strip = |message: String| message.split_once(",h=").unwrap().0.to_owned();
    assert_eq!(failure(login("SCRAM-SHA-256", &PLAIN_CLIENT, juliet(), swap)), Condition::NotAuthorized);
    assert_eq!(failure(login("SCRAM-SHA-256", &PLAIN_CLIENT, juliet(), strip)), Condition::NotAuthorized);
}

/// The hash covers the lists of the protocol in use and nothing else; without the option there is none.
#[test]
fn downgrade_hash_covers_what_was_advertised() {
    let sent = |offer: &Offer| {
        let client = PLAIN_CLIENT.first();
        let (_, message) = begin_scram(mechanism("SCRAM-SHA-256"), offer, &client, juliet(), "server");
        String::from_utf8(message).unwrap().split_once(",h=").map(|(_, hash)| hash.to_owned())
    };
    let full = full_offer();
    let names: Vec<&str> = full.mechanisms.iter().map(|mechanism| mechanism.name()).collect();
    assert_eq!(sent(&full), Some(downgrade_hash(ScramHash::Sha256, &names, &["tls-exporter"])));
    let unbound = Offer { channel_bindings: Vec::new(), ..full_offer() };
    assert_eq!(sent(&unbound), Some(downgrade_hash(ScramHash::Sha256, &names, &[])));
    assert_ne!(sent(&unbound), sent(&full));
    assert_eq!(sent(&Offer { fast: Vec::new(), ..full_offer() }), sent(&full));
    assert_eq!(sent(&Offer { downgrade_protection: false, ..full_offer() }), None);
}

/// Hostile row 61: every way to talk an exchange out of its channel binding.
#[test]
fn channel_binding_cannot_be_bent() {
    use Condition::{MalformedRequest, NotAuthorized};
    let table = [
        // The -PLUS mechanisms were taken off the list the client saw.
        ("SCRAM-SHA-256", "y,,n=juliet,r=client", NotAuthorized),
        ("SCRAM-SHA-256", "p=tls-exporter,,n=juliet,r=client", MalformedRequest),
        ("SCRAM-SHA-256-PLUS", "n,,n=juliet,r=client", MalformedRequest),
        ("SCRAM-SHA-256-PLUS", "y,,n=juliet,r=client", MalformedRequest),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=juliet,r=client", NotAuthorized),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=juliet,r=client", NotAuthorized),
        ("SCRAM-SHA-256-PLUS", "p=,,n=juliet,r=client", MalformedRequest),
    ];
    for (name, first, condition) in table {
        let (_, step) = Exchange::start(mechanism(name), &full_offer(), Some(first.as_bytes()));
        assert_eq!(failure(step), condition, "{name} {first}");
    }
    // Relayed over another TLS channel, the data differs.
    let relayed = ScramClient { binding: b"another channel", ..PLUS_CLIENT };
    let step = login("SCRAM-SHA-256-PLUS", &relayed, juliet(), |message| message);
    assert_eq!(failure(step), NotAuthorized);
}

/// `y` is right where the server offers no -PLUS.
#[test]
fn client_may_say_that_the_server_cannot_bind() {
    let client = ScramClient { header: "y,,", ..PLAIN_CLIENT };
    let offer = bare_offer(mechanism("SCRAM-SHA-256"));
    let (mut exchange, message) =
        begin_scram(mechanism("SCRAM-SHA-256"), &offer, &client.first(), juliet(), "server");
    success(exchange.handle_response(&client.last(&message)));
}

#[test]
fn malformed_first_messages() {
    use Condition::{InvalidAuthzid, MalformedRequest, NotAuthorized};
    let table: &[(&[u8], Condition)] = &[
        (b"", MalformedRequest),
        (b",", MalformedRequest),
        (b"n,,", MalformedRequest),
        (b"n", MalformedRequest),
        (b"x,,n=juliet,r=client", MalformedRequest),
        (b"nn,,n=juliet,r=client", MalformedRequest),
        (b"n,juliet,n=juliet,r=client", MalformedRequest),
        (b"n,a=,n=juliet,r=client", MalformedRequest),
        (b"n,,r=client,n=juliet", MalformedRequest),
        (b"n,,n=juliet", MalformedRequest),
        (b"n,,n=,r=client", MalformedRequest),
        (b"n,,n=juliet,r=", MalformedRequest),
        (b"n,,n=juliet,r=cli ent", MalformedRequest),
        (b"n,,n=juliet,r=cl\xc3\xafent", MalformedRequest),
        (b"n,,m=x,n=juliet,r=client", MalformedRequest),
        (b"n,,n=juliet,r=client,m=x", MalformedRequest),
        (b"n,,n=juliet,r=client,r=other", MalformedRequest),
        (b"n,,n=juliet,r=client,x", MalformedRequest),
        (b"n,,n=juliet,r=client,x=", MalformedRequest),
        (b"n,,n=juliet,r=client,xy=z", MalformedRequest),
        (b"n,,n=juliet,r=client,", MalformedRequest),
        (b"n,,n=jul=iet,r=client", MalformedRequest),
        (b"n,,n=juliet=2,r=client", MalformedRequest),
        (b"n,,n=juliet=2c,r=client", MalformedRequest),
        (b"n,,n=juliet=,r=client", MalformedRequest),
        (b"n,,n=jul\0iet,r=client", MalformedRequest),
        (b"n,,n=jul\xff,r=client", MalformedRequest),
        // Well-formed, but no account of this host.
        (b"n,,n=jul/iet,r=client", NotAuthorized),
        (b"n,,n=jul iet,r=client", NotAuthorized),
        (b"n,,n=juliet@example.com,r=client", NotAuthorized),
        (b"n,,n=juliet=2C=3D@,r=client", NotAuthorized),
        (b"n,a=romeo@example.org,n=juliet,r=client", InvalidAuthzid),
        (b"n,a=juliet@example.com,n=juliet,r=client", InvalidAuthzid),
        (b"n,a=juliet@example.org/balcony,n=juliet,r=client", InvalidAuthzid),
    ];
    for (message, condition) in table {
        let (_, step) = Exchange::start(mechanism("SCRAM-SHA-256"), &full_offer(), Some(message));
        assert_eq!(failure(step), *condition, "{}", message.escape_ascii());
    }
}

#[test]
fn well_formed_first_messages() {
    let table = [
        ("n,,n=juliet,r=client", "juliet", None),
        ("n,,n=Juliet,r=client", "juliet", None),
        ("n,,n=juliet@example.org,r=client", "juliet", None),
        ("n,,n=ju=2Cli=3Det,r=cl=i%ent,x=extension,h=y", "ju,li=et", None),
        ("n,a=juliet@example.org,n=juliet,r=client", "juliet", Some("juliet@example.org")),
        ("n,a=Juliet@EXAMPLE.org,n=juliet,r=client", "juliet", Some("juliet@example.org")),
        ("n,a=juliet,n=juliet,r=client", "juliet", Some("juliet@example.org")),
    ];
    for (message, username, authzid) in table {
        let (exchange, step) =
            Exchange::start(mechanism("SCRAM-SHA-256"), &full_offer(), Some(message.as_bytes()));
        let lookup = lookup(step);
        assert_eq!((lookup.username.as_str(), lookup.authzid.as_deref()), (username, authzid), "{message}");
        assert_eq!(exchange.username(), Some(&lookup.username));
    }
}

#[test]
fn malformed_last_messages() {
    use Condition::{MalformedRequest, NotAuthorized};
    let table: &[(&[u8], Condition)] = &[
        (b"", MalformedRequest),
        (b"c=biws,r=clientserver", MalformedRequest),
        (b"p=AAAA", MalformedRequest),
        (b"c=biws,p=AAAA", MalformedRequest),
        (b"r=clientserver,c=biws,p=AAAA", MalformedRequest),
        (b"c=biws,r=clientserver,p=", MalformedRequest),
        (b"c=biws,r=clientserver,p=A", MalformedRequest),
        (b"c=biws,r=clientserver,p=AAAA", MalformedRequest),
        (b"c=biws,r=clientserver,p=AAAA,x=y", MalformedRequest),
        (b"c=biws,r=clientserver,m=x,p=AAAA", MalformedRequest),
        (b"c=?,r=clientserver,p=AAAA", MalformedRequest),
        (b"c=biws,r=client\0server,p=AAAA", MalformedRequest),
        (b"c=biws,r=\xff,p=AAAA", MalformedRequest),
        // y,, and n,,x instead of n,,
        (b"c=eSws,r=clientserver,p=AAAA", NotAuthorized),
        (b"c=biwseA==,r=clientserver,p=AAAA", NotAuthorized),
        (b"c=biws,r=client,p=AAAA", NotAuthorized),
        (b"c=biws,r=clientserverserver,p=AAAA", NotAuthorized),
        (b"c=biws,r=clientserver,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NotAuthorized),
    ];
    for (message, condition) in table {
        let (mut exchange, _) =
            begin_scram(mechanism("SCRAM-SHA-256"), &full_offer(), &PLAIN_CLIENT.first(), juliet(), "server");
        let step = exchange.handle_response(message);
        assert_eq!(failure(step), *condition, "{}", message.escape_ascii());
    }
}

#[test]
fn proof_of_one_exchange_is_worthless_in_another() {
    let name = mechanism("SCRAM-SHA-256");
    let first = PLAIN_CLIENT.first();
    let (_, message) = begin_scram(name, &full_offer(), &first, juliet(), "server-one");
    let replayed = PLAIN_CLIENT.last(&message);
    let (mut exchange, _) = begin_scram(name, &full_offer(), &first, juliet(), "server-two");
    assert_eq!(failure(exchange.handle_response(&replayed)), Condition::NotAuthorized);
}

#[test]
fn without_initial_response_the_server_asks_for_it() {
    let (mut exchange, step) = Exchange::start(mechanism("SCRAM-SHA-256"), &full_offer(), None);
    assert_eq!(challenge(step), b"");
    lookup(exchange.handle_response(&PLAIN_CLIENT.first()));
}

#[test]
fn keys_of_another_hash_are_the_drivers_mistake() {
    let (mut exchange, step) =
        Exchange::start(mechanism("SCRAM-SHA-256"), &full_offer(), Some(&PLAIN_CLIENT.first()));
    assert_eq!(lookup(step).hash, ScramHash::Sha256);
    let credentials = keys(ScramHash::Sha1, "pencil", SALT);
    let answer = Answer::Keys { credentials, nonce: Nonce::from_entropy(&[7; 18]) };
    assert_eq!(failure(exchange.provide(answer)), Condition::TemporaryAuthFailure);
}

#[test]
fn nonces() {
    assert_eq!(Nonce::from_entropy(&[0xff; 18]).0, "////////////////////////");
    for bad in ["", "a,b", "a b", "é", "a\n"] {
        assert!(Nonce::from_text(bad).is_none(), "{bad:?}");
    }
}
