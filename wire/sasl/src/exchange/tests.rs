use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::test_client::{EXPORTER, SALT, bare_offer, challenge, failure, full_offer, keys, nonce, success};
use crate::{ChannelBinding, ChannelBindingKind, claimed_authzid};

fn start(name: &str, message: &[u8]) -> (Exchange, Step) {
    Exchange::start(Mechanism::from_name(name).unwrap(), &full_offer(), Some(message))
}

#[test]
fn names_go_both_ways() {
    for mechanism in Mechanism::all() {
        assert_eq!(Mechanism::from_name(mechanism.name()), Some(mechanism));
    }
    for refused in ["DIGEST-MD5", "CRAM-MD5", "HT-SHA-256-UNIQ", "plain", "SCRAM-SHA-3-512", ""] {
        assert_eq!(Mechanism::from_name(refused), None, "{refused}");
    }
}

#[test]
fn only_what_was_offered_is_run() {
    let plain = Mechanism::Plain;
    let table = [
        (Offer { mechanisms: Vec::new(), ..full_offer() }, Condition::InvalidMechanism),
        (Offer { mechanisms: vec![Mechanism::External], ..full_offer() }, Condition::InvalidMechanism),
        (Offer { tls: false, ..full_offer() }, Condition::EncryptionRequired),
    ];
    for (offer, condition) in table {
        let (_, step) = Exchange::start(plain, &offer, Some(b"\0juliet\0pencil"));
        assert_eq!(failure(step), condition);
    }
    let private = Offer { plaintext_allowed: true, ..bare_offer(plain) };
    let (_, step) = Exchange::start(plain, &private, Some(b"\0juliet\0pencil"));
    assert!(matches!(step, Step::NeedPassword(_)));
}

/// Hostile row 28, with RFC 4616 §2's syntax.
#[test]
fn plain_messages_that_are_refused() {
    use Condition::{InvalidAuthzid, MalformedRequest, NotAuthorized};
    let table: &[(&[u8], Condition)] = &[
        // The second example of RFC 4616 §4: acting for somebody else.
        (b"Ursel\0Kurt\0xipj3plmq", InvalidAuthzid),
        (b"", MalformedRequest),
        (b"juliet", MalformedRequest),
        (b"juliet\0pencil", MalformedRequest),
        (b"\0juliet\0", MalformedRequest),
        (b"\0\0pencil", MalformedRequest),
        (b"\0\0", MalformedRequest),
        (b"\0juliet\0pen\0cil", MalformedRequest),
        (b"\0juliet\0pencil\0", MalformedRequest),
        (b"\0juliet\0\xff\xfe", MalformedRequest),
        (b"romeo\0juliet\0pencil", InvalidAuthzid),
        (b"romeo@example.org\0juliet\0pencil", InvalidAuthzid),
        (b"juliet@example.com\0juliet\0pencil", InvalidAuthzid),
        (b"juliet@\0juliet\0pencil", InvalidAuthzid),
        (b"@example.org\0juliet\0pencil", InvalidAuthzid),
        (b"@\0juliet\0pencil", InvalidAuthzid),
        (b"jul iet@example.org\0juliet\0pencil", InvalidAuthzid),
        (b"juliet@example.org@example.org\0juliet\0pencil", InvalidAuthzid),
        (b"juliet@example.org/balcony\0juliet\0pencil", InvalidAuthzid),
        (b"example.org\0juliet\0pencil", InvalidAuthzid),
        (b"\0jul iet\0pencil", NotAuthorized),
        (b"\0juliet@example.com\0pencil", NotAuthorized),
        (b"\0juliet@example.org/balcony\0pencil", NotAuthorized),
    ];
    for (message, condition) in table {
        assert_eq!(failure(start("PLAIN", message).1), *condition, "{}", message.escape_ascii());
    }
    let long = [b"\0juliet\0".as_slice(), &vec![b'x'; MESSAGE_LIMIT_BYTES]].concat();
    assert_eq!(failure(start("PLAIN", &long).1), MalformedRequest);
    let long_name = [b"\0".as_slice(), &[b'x'; 1024], b"\0pencil"].concat();
    assert_eq!(failure(start("PLAIN", &long_name).1), NotAuthorized);
}

#[test]
fn plain_messages_that_pass() {
    let table: &[(&[u8], Option<&str>)] = &[
        (b"\0juliet\0pencil", None),
        (b"\0Juliet\0pencil", None),
        (b"\0juliet@example.org\0pencil", None),
        (b"juliet@example.org\0juliet\0pencil", Some("juliet@example.org")),
        (b"JULIET@Example.Org\0juliet@example.org\0pencil", Some("juliet@example.org")),
        (b"juliet\0juliet\0pencil", Some("juliet@example.org")),
    ];
    for (message, authzid) in table {
        let (mut exchange, step) = start("PLAIN", message);
        let Step::NeedPassword(check) = step else { panic!("{}: {step:?}", message.escape_ascii()) };
        assert_eq!((check.username.as_str(), check.authzid.as_deref()), ("juliet", *authzid));
        assert_eq!(check.password.expose(), b"pencil");
        assert!(!format!("{check:?}").contains("pencil"));
        let success = success(exchange.provide(Answer::Accept));
        assert_eq!((success.username.as_str(), success.additional_data), ("juliet", None));
    }
}

#[test]
fn refusals_reach_the_client() {
    let refusals = [
        SaslFailure::not_authorized("wrong password"),
        SaslFailure::with_text(Condition::AccountDisabled, "banned", "Account is banned: spam"),
        SaslFailure::temporary("database away"),
    ];
    for refusal in refusals {
        let (mut exchange, _) = start("PLAIN", b"\0juliet\0pencil");
        let Step::Failure(failure) = exchange.provide(Answer::Refuse(refusal.clone())) else {
            panic!("refused")
        };
        assert_eq!(failure, refusal);
        assert_eq!(self::failure(exchange.handle_response(b"\0juliet\0pencil")), Condition::MalformedRequest);
        assert_eq!(self::failure(exchange.provide(Answer::Accept)), Condition::TemporaryAuthFailure);
    }
}

/// An answer that fits another question never lets anybody in.
#[test]
fn answers_out_of_place() {
    let questions: [(&str, &[u8]); 6] = [
        ("SCRAM-SHA-256", b"n,,n=juliet,r=client"),
        ("PLAIN", b"\0juliet\0pencil"),
        ("EXTERNAL", b""),
        ("ANONYMOUS", b""),
        ("X-OAUTH2", b"\0juliet\0token"),
        ("HT-SHA-256-NONE", &[b"juliet\0".as_slice(), &[0; 32]].concat()),
    ];
    let keys =
        || Answer::Keys { credentials: keys(ScramHash::Sha256, "pencil", SALT), nonce: nonce("server") };
    let answers = [
        keys(),
        Answer::Accept,
        Answer::Identity(Text::new("juliet")),
        Answer::Tokens(Vec::new()),
        Answer::InsufficientScope,
    ];
    let mut accepted = Vec::new();
    for (name, message) in questions {
        for (number, answer) in answers.iter().enumerate() {
            let (mut exchange, _) = start(name, message);
            if !matches!(exchange.provide(answer.clone()), Step::Failure(_)) {
                accepted.push((name, number));
            }
        }
    }
    assert_eq!(
        accepted,
        [("SCRAM-SHA-256", 0), ("PLAIN", 1), ("EXTERNAL", 2), ("ANONYMOUS", 2), ("X-OAUTH2", 2)]
    );
}

#[test]
fn a_client_that_does_not_wait_fails() {
    let (mut exchange, step) = start("PLAIN", b"\0juliet\0pencil");
    assert!(matches!(step, Step::NeedPassword(_)));
    assert_eq!(failure(exchange.handle_response(b"\0romeo\0pencil")), Condition::MalformedRequest);
    assert_eq!(failure(exchange.provide(Answer::Accept)), Condition::TemporaryAuthFailure);
}

#[test]
fn external_and_anonymous() {
    let table: [(&[u8], Option<&str>); 3] = [
        (b"", None),
        (b"juliet@example.org", Some("juliet@example.org")),
        (b"example.net", Some("example.net")),
    ];
    for (message, authzid) in table {
        let (mut exchange, step) = start("EXTERNAL", message);
        let Step::NeedExternal(check) = step else { panic!("{step:?}") };
        assert_eq!(check.authzid.as_deref(), authzid);
        assert_eq!(success(exchange.provide(Answer::Identity(Text::new("juliet")))).username, "juliet");
    }
    for message in [b"\xff".as_slice(), b"juliet\0x"] {
        assert_eq!(failure(start("EXTERNAL", message).1), Condition::MalformedRequest);
    }
    let (_, step) = Exchange::start(Mechanism::External, &full_offer(), None);
    assert_eq!(challenge(step), b"");
    for initial in [None, Some(b"trace@example.com".as_slice())] {
        let (mut exchange, step) = Exchange::start(Mechanism::Anonymous, &full_offer(), initial);
        assert!(matches!(step, Step::NeedAnonymous));
        assert_eq!(success(exchange.provide(Answer::Identity(Text::new("x7")))).username, "x7");
    }
}

const TOKEN: &str = "WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// XEP-0484's token; the hashes are Python's.
#[test]
fn tokens() {
    let table = [
        (
            "HT-SHA-256-NONE",
            "9097787461a184e0fa84ec00c1381190b6c4d16a8ec4453c7b2ac5e7fcf935ed",
            "4e513409631474863b986c9f3e8c1e27ca29d1d7ab9ed4097e7afd6007bf9c62",
        ),
        (
            "HT-SHA-256-EXPR",
            "53e93c8101b2a7060870939e204a547733a5d315c7f5ba617c3978de64a1a314",
            "0465e362009837062c5524dc839b4f616f1331c430883b0e2b0f0fff942c36d8",
        ),
    ];
    for (name, initiator, responder) in table {
        let message = [b"juliet\0".as_slice(), &hex(initiator)].concat();
        for (tokens, index) in
            [(vec![TOKEN], Some(0)), (vec!["other", TOKEN], Some(1)), (vec!["other"], None), (vec![], None)]
        {
            let (mut exchange, step) = start(name, &message);
            let Step::NeedToken(lookup) = step else { panic!("{step:?}") };
            assert_eq!((lookup.username.as_str(), Mechanism::Token(lookup.binding).name()), ("juliet", name));
            let step = exchange.provide(Answer::Tokens(tokens.into_iter().map(Secret::from).collect()));
            match index {
                None => assert_eq!(failure(step), Condition::NotAuthorized),
                Some(_) => {
                    let success = success(step);
                    assert_eq!((success.token, success.additional_data), (index, Some(hex(responder))));
                }
            }
        }
    }
}

#[test]
fn token_messages_that_are_refused() {
    let proof = [0u8; 32];
    let table: [(&str, Vec<u8>, Condition); 7] = [
        ("HT-SHA-256-NONE", b"".to_vec(), Condition::MalformedRequest),
        ("HT-SHA-256-NONE", b"juliet".to_vec(), Condition::MalformedRequest),
        ("HT-SHA-256-NONE", b"juliet\0short".to_vec(), Condition::MalformedRequest),
        ("HT-SHA-256-NONE", [b"jul\xff\0".as_slice(), &proof].concat(), Condition::MalformedRequest),
        ("HT-SHA-256-NONE", [b"\0".as_slice(), &proof].concat(), Condition::NotAuthorized),
        ("HT-SHA-256-NONE", [b"juliet@example.com\0".as_slice(), &proof].concat(), Condition::NotAuthorized),
        // Not in the offer.
        ("HT-SHA-256-ENDP", [b"juliet\0".as_slice(), &proof].concat(), Condition::InvalidMechanism),
    ];
    for (name, message, condition) in table {
        assert_eq!(failure(start(name, &message).1), condition, "{}", message.escape_ascii());
    }
    // A token never passes over another channel, nor an empty one at all.
    let message =
        [b"juliet\0".as_slice(), &hex("53e93c8101b2a7060870939e204a547733a5d315c7f5ba617c3978de64a1a314")]
            .concat();
    let moved = Offer {
        channel_bindings: vec![ChannelBinding {
            kind: ChannelBindingKind::TlsExporter,
            data: b"other".to_vec(),
        }],
        ..full_offer()
    };
    let (mut exchange, _) = Exchange::start(Mechanism::Token(TokenBinding::Exporter), &moved, Some(&message));
    assert_eq!(
        failure(exchange.provide(Answer::Tokens(vec![Secret::from(TOKEN)]))),
        Condition::NotAuthorized
    );
    let empty = ScramHash::Sha256.hmac(b"", &[b"Initiator", EXPORTER]);
    let (mut exchange, _) = start("HT-SHA-256-EXPR", &[b"juliet\0".as_slice(), &empty].concat());
    assert_eq!(failure(exchange.provide(Answer::Tokens(vec![Secret::default()]))), Condition::NotAuthorized);
}

/// RFC 7628 §4.1 and §4.3.
#[test]
fn oauth_bearer() {
    let message = b"n,a=juliet@example.org,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
    let (mut exchange, step) = start("OAUTHBEARER", message);
    let Step::NeedOauth(check) = step else { panic!("{step:?}") };
    assert_eq!(check.username.as_deref(), Some("juliet"));
    assert_eq!(check.token.expose(), b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    let step = exchange.provide(Answer::Refuse(SaslFailure::not_authorized("expired")));
    assert_eq!(challenge(step), oauth::INVALID_TOKEN);
    assert_eq!(failure(exchange.handle_response(b"\x01")), Condition::NotAuthorized);

    for (owner, passes) in [("juliet", true), ("romeo", false)] {
        let (mut exchange, _) = start("OAUTHBEARER", message);
        let step = exchange.provide(Answer::Identity(Text::new(owner)));
        assert_eq!(matches!(step, Step::Success(_)), passes);
        if !passes {
            // As a token that nobody knows, so that nothing is learnt of it.
            assert_eq!(challenge(step), oauth::INVALID_TOKEN);
            assert_eq!(failure(exchange.handle_response(b"\x01")), Condition::NotAuthorized);
        }
    }
    let (mut exchange, step) = start("OAUTHBEARER", b"n,,\x01auth=bearer abc\x01\x01");
    assert!(matches!(step, Step::NeedOauth(OauthCheck { username: None, .. })));
    assert_eq!(success(exchange.provide(Answer::Identity(Text::new("romeo")))).username, "romeo");
}

/// RFC 7628 §4.1 and §4.3, as they go over the wire.
#[test]
fn the_examples_of_oauth_bearer() {
    let offer = Offer { host: Text::new("example.com"), ..full_offer() };
    let message = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI\
                   HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
    let message = STANDARD.decode(message).unwrap();
    let begin = || {
        let (exchange, step) = Exchange::start(Mechanism::OauthBearer, &offer, Some(&message));
        let Step::NeedOauth(check) = step else { panic!("{step:?}") };
        assert_eq!(check.username.as_deref(), Some("user"));
        assert_eq!(check.token.expose(), b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        exchange
    };
    assert_eq!(success(begin().provide(Answer::Identity(Text::new("user")))).username, "user");
    let refused = [
        (Answer::Refuse(SaslFailure::not_authorized("unknown")), "invalid_token"),
        (Answer::InsufficientScope, "insufficient_scope"),
    ];
    for (answer, status) in refused {
        let mut exchange = begin();
        let told = challenge(exchange.provide(answer));
        assert_eq!(told, format!(r#"{{"status":"{status}","scope":"sasl_auth"}}"#).as_bytes());
        let end = exchange.handle_response(&STANDARD.decode("AQ==").unwrap());
        assert_eq!(failure(end), Condition::NotAuthorized);
    }
    // What isn't the token's fault isn't said of the token.
    for condition in [Condition::AccountDisabled, Condition::TemporaryAuthFailure] {
        let step = begin().provide(Answer::Refuse(SaslFailure::new(condition, "not now")));
        assert_eq!(failure(step), condition);
    }
}

#[test]
fn names_in_oauth_bearer() {
    let rows: [(&[u8], Option<&str>); 7] = [
        (b"n,a=user@example.com,\x01auth=Bearer abc\x01\x01", Some("user@example.com")),
        (b"y,a=a=3Db=2Cc,", Some("a=b,c")),
        (b"n,,\x01auth=Bearer abc\x01\x01", None),
        (b"n,a=,", None),
        (b"n,a=a=3,", None),
        (b"n,a=\xff,", None),
        (b"", None),
    ];
    for (message, name) in rows {
        assert_eq!(claimed_authzid(message).as_deref(), name, "{}", message.escape_ascii());
    }
    let (_, step) = start("OAUTHBEARER", b"n,a=a=3Db,\x01auth=Bearer abc\x01\x01");
    let Step::NeedOauth(check) = step else { panic!("{step:?}") };
    assert_eq!(check.username.as_deref(), Some("a=b"));
}

#[test]
fn oauth_messages_that_are_refused() {
    use Condition::{InvalidAuthzid, MalformedRequest};
    let table: &[(&[u8], Condition)] = &[
        (b"", MalformedRequest),
        (b"n,,", MalformedRequest),
        (b"n,,\x01\x01", MalformedRequest),
        (b"n,,\x01auth=Bearer abc\x01", MalformedRequest),
        (b"n,,\x01auth=Bearer \x01\x01", MalformedRequest),
        (b"n,,\x01auth=Bearer\x01\x01", MalformedRequest),
        (b"n,,\x01auth=Bearer a b\x01\x01", MalformedRequest),
        (b"n,,\x01auth=Basic abc\x01\x01", MalformedRequest),
        (b"n,,\x01auth=Bearer abc\x01auth=Bearer abd\x01\x01", MalformedRequest),
        (b"n,,\x01host\x01auth=Bearer abc\x01\x01", MalformedRequest),
        (b"n,,\x01h-t=x\x01auth=Bearer abc\x01\x01", MalformedRequest),
        (b"n,,\x01host=x\x01\x01", MalformedRequest),
        (b"n,a=,\x01auth=Bearer abc\x01\x01", MalformedRequest),
        (b"n,a=a=3,\x01auth=Bearer abc\x01\x01", MalformedRequest),
        (b"n,a=a,b,\x01auth=Bearer abc\x01\x01", MalformedRequest),
        (b"p=tls-exporter,,\x01auth=Bearer abc\x01\x01", MalformedRequest),
        (b"n,,\x01auth=Bearer \xff\x01\x01", MalformedRequest),
        (b"n,a=juliet@example.com,\x01auth=Bearer abc\x01\x01", InvalidAuthzid),
    ];
    for (message, condition) in table {
        assert_eq!(failure(start("OAUTHBEARER", message).1), *condition, "{}", message.escape_ascii());
    }
}

#[test]
fn x_oauth2_is_plain_with_a_token() {
    let (mut exchange, step) = start("X-OAUTH2", b"\0juliet\0token");
    let Step::NeedOauth(check) = step else { panic!("{step:?}") };
    assert_eq!((check.username.as_deref(), check.token.expose()), (Some("juliet"), b"token".as_slice()));
    let step = exchange.provide(Answer::Refuse(SaslFailure::not_authorized("expired")));
    assert_eq!(failure(step), Condition::NotAuthorized);
    for answer in [Answer::InsufficientScope, Answer::Identity(Text::new("romeo"))] {
        let (mut exchange, _) = start("X-OAUTH2", b"juliet@example.org\0juliet\0token");
        assert_eq!(failure(exchange.provide(answer)), Condition::NotAuthorized);
    }
    for message in [b"romeo\0juliet\0token".as_slice(), b"token", b"\0juliet\0", b"\0\0token"] {
        assert!(matches!(start("X-OAUTH2", message).1, Step::Failure(_)), "{}", message.escape_ascii());
    }
}

/// Pieces that get a random message past the first checks.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "n,,",
            "y,,",
            "p=tls-exporter,,",
            "n,a=",
            "n=",
            "r=",
            "c=",
            "p=",
            "m=",
            "juliet",
            "@example.org",
            "=2C",
            "=3D",
            ",",
            "=",
            "\0",
            "\u{1}",
            "auth=Bearer ",
            "biws",
            "AAAA",
            "client",
            "clientserver",
            "é",
            "\u{ad}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// No input panics, the exchange ends, and nobody gets in without an answer that says so.
    #[test]
    fn any_input(number in 0..Mechanism::all().count(), messages in prop::collection::vec(message(), 1..4)) {
        let mechanism = Mechanism::all().nth(number).unwrap();
        let (mut exchange, mut step) = Exchange::start(mechanism, &full_offer(), None);
        for message in &messages {
            step = exchange.handle_response(message);
            step = match step {
                Step::NeedCredentials(lookup) => exchange.provide(Answer::Keys {
                    credentials: ScramCredentials::decoy(lookup.hash, &Secret::from("secret"), &lookup.username, 1),
                    nonce: nonce("server"),
                }),
                Step::NeedToken(_) => exchange.provide(Answer::Tokens(vec![Secret::from(TOKEN)])),
                Step::NeedPassword(_) | Step::NeedOauth(_) | Step::NeedExternal(_) | Step::NeedAnonymous => {
                    exchange.provide(Answer::Refuse(SaslFailure::not_authorized("no")))
                }
                other => other,
            };
        }
        prop_assert!(!matches!(step, Step::Success(_)));
    }
}
