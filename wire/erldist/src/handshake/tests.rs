use super::*;
use crate::flags;

const NOW: Duration = Duration::from_secs(100);
const OURS: u32 = 0x0102_0304;
const THEIRS: u32 = 0x0506_0708;

fn local(name: &str, cookie: &str) -> Local {
    Local {
        name: NodeName::parse(name).unwrap(),
        flags: flags::OFFERED,
        creation: 77,
        cookie: Cookie::new(cookie),
        timeout: Duration::from_secs(7),
    }
}

fn random(challenge: u32) -> Randomness {
    Randomness { challenge, name: 0xabc, creation: 5 }
}

fn name(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn accepting() -> Handshake {
    Handshake::accept(local("ejm@localhost", "SECRET"), &[], random(OURS), NOW)
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// What the machine sends, and how it ended.
fn drain(handshake: &mut Handshake) -> (Vec<u8>, Option<Output>) {
    let mut sent = Vec::new();
    while let Some(output) = handshake.poll_output() {
        match output {
            Output::Send(bytes) => sent.extend(bytes),
            end => return (sent, Some(end)),
        }
    }
    (sent, None)
}

/// Lets two machines talk, `step` bytes at a time, until neither says anything.
fn talk(dialling: &mut Handshake, accepting: &mut Handshake, step: usize) -> [Option<Output>; 2] {
    let mut ends = [None, None];
    loop {
        let (there, end) = drain(dialling);
        ends[0] = ends[0].take().or(end);
        there.chunks(step).for_each(|piece| accepting.handle_input(piece));
        let (back, end) = drain(accepting);
        ends[1] = ends[1].take().or(end);
        back.chunks(step).for_each(|piece| dialling.handle_input(piece));
        if there.is_empty() && back.is_empty() {
            return ends;
        }
    }
}

fn peer(peer: &str, creation: u32) -> Option<Output> {
    let (name, flags) = (name(peer), flags::OFFERED);
    Some(Output::Established(Peer { name, flags, creation, is_hidden: true, is_named_by_us: false }))
}

fn refused(end: Option<Output>) -> Refusal {
    match end {
        Some(Output::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_we_offer_is_what_otp_25_works_with() {
    assert_eq!(flags::OFFERED.0, 0xd_074f_5fbc);
    assert_eq!(flags::MANDATORY_25.0, 0x107_0f94);
}

/// The messages of `erl -sname abc-ctl-ejm -hidden` of OTP 25 with the cookie SECRET.
#[test]
fn ejabberdctl_is_let_in() {
    let mut handshake = accepting();
    let said = frame(b"N\0\0\0\x0d\x07\xdf\x7f\xbc\x65\x00\x00\x01\0\x15abc-ctl-ejm@localhost");
    handshake.handle_input(&said);
    let (sent, end) = drain(&mut handshake);
    let challenge = b"N\0\0\0\x0d\x07\x4f\x5f\xbc\x01\x02\x03\x04\0\0\0\x4d\0\x0dejm@localhost";
    assert_eq!((sent, end), ([frame(b"sok"), frame(challenge)].concat(), None));
    // md5("SECRET16909060") and md5("SECRET84281096"), by md5sum.
    let proof = b"\0\x15r\x05\x06\x07\x08\xbd\xc8\x4d\xb9\x56\x7e\xc0\xa4\x60\x59\xa9\xae\xf4\xb7\xde\x34";
    handshake.handle_input(proof);
    let (sent, end) = drain(&mut handshake);
    assert_eq!(sent, b"\0\x11a\xda\x48\x50\x01\x1c\x9d\x44\x6a\x05\x8e\x1c\x59\xba\x0d\x80\x19");
    assert_eq!(
        end,
        Some(Output::Established(Peer {
            name: name("abc-ctl-ejm@localhost"),
            flags: flags::OFFERED,
            creation: 0x6500_0001,
            is_hidden: true,
            is_named_by_us: false,
        }))
    );
    handshake.handle_input(b"\0\0\0\0");
    assert_eq!(handshake.poll_timeout(), None);
    assert_eq!(handshake.into_rest(), b"\0\0\0\0");
}

#[test]
fn both_versions_work_at_any_pace() {
    for version in [5, 6] {
        for step in [1, 2, 7, 1000] {
            let mut dialling = Handshake::dial(local("a@h", "c"), name("b@h"), version, random(THEIRS), NOW);
            let mut accepting = Handshake::accept(local("b@h", "c"), &[], random(OURS), NOW);
            let ends = talk(&mut dialling, &mut accepting, step);
            assert_eq!(ends, [peer("b@h", 77), peer("a@h", 77)], "version {version}, {step} bytes");
        }
    }
}

#[test]
fn a_node_before_otp_23_is_let_in() {
    let mut handshake = accepting();
    let flags = u32::try_from(flags::OFFERED.0 & 0xfeff_ffff & !flags::MANDATORY_25_DIGEST.0).unwrap();
    handshake.handle_input(&frame(&[&b"n\0\x05"[..], &flags.to_be_bytes(), b"old@h"].concat()));
    let (sent, _) = drain(&mut handshake);
    let ours = b"n\0\x05\x07\x4f\x5f\xbc\x01\x02\x03\x04ejm@localhost";
    assert_eq!(sent, [frame(b"sok"), frame(ours)].concat());
    let proof = Cookie::new("SECRET").digest(OURS);
    handshake.handle_input(&frame(&[&b"r\0\0\0\x01"[..], &proof].concat()));
    let Some(Output::Established(peer)) = drain(&mut handshake).1 else { panic!("not let in") };
    assert_eq!((peer.name, peer.creation), (name("old@h"), 0));
    assert!(!peer.flags.has(flags::SPAWN));
}

#[test]
fn a_node_of_otp_25_stands_for_its_flags_with_one() {
    let mut handshake = accepting();
    let flags = (flags::MANDATORY_25_DIGEST | flags::SPAWN).0.to_be_bytes();
    handshake.handle_input(&frame(&[&b"N"[..], &flags, b"\0\0\0\x01\0\x03a@h"].concat()));
    assert!(drain(&mut handshake).0.starts_with(&frame(b"sok")));
}

#[test]
fn visible_nodes_are_known_by_their_flag() {
    let visible = Local { flags: flags::OFFERED | flags::PUBLISHED, ..local("a@h", "c") };
    let mut dialling = Handshake::dial(visible.clone(), name("b@h"), 6, random(THEIRS), NOW);
    let other = Local { name: name("b@h"), ..visible };
    let mut accepting = Handshake::accept(other, &[], random(OURS), NOW);
    for end in talk(&mut dialling, &mut accepting, 1000) {
        let Some(Output::Established(peer)) = end else { panic!("{end:?}") };
        assert!(!peer.is_hidden && peer.flags.has(flags::PUBLISHED));
    }
}

/// Hostile row 98: whoever does not know the cookie learns what the protocol demands, and not that it was the cookie.
#[test]
fn who_does_not_know_the_cookie_gets_nothing() {
    let mut dialling = Handshake::dial(local("a@h", "guess"), name("b@h"), 6, random(THEIRS), NOW);
    let mut accepting = Handshake::accept(local("b@h", "SECRET"), &[], random(OURS), NOW);
    let ends = talk(&mut dialling, &mut accepting, 1000);
    assert_eq!(ends[0], None, "no word, just the end");
    let refusal = refused(ends[1].clone());
    assert_eq!(refusal, Refusal::Cookie { peer: "a@h".into() });
    assert!(refusal.is_attack() && !format!("{refusal} {refusal:?}").contains("SECRET"));
    dialling.handle_timeout(NOW + Duration::from_secs(6));
    assert_eq!(dialling.poll_output(), None);
    dialling.handle_timeout(dialling.poll_timeout().unwrap());
    assert_eq!(dialling.poll_output(), Some(Output::Refused(Refusal::Timeout)));
}

#[test]
fn the_dialled_side_must_know_the_cookie_too() {
    let mut dialling = Handshake::dial(local("a@h", "c"), name("b@h"), 6, random(THEIRS), NOW);
    drain(&mut dialling);
    let flags = flags::OFFERED.0.to_be_bytes();
    let challenge =
        |challenge: u32| [&b"N"[..], &flags, &challenge.to_be_bytes(), b"\0\0\0\x01\0\x03b@h"].concat();
    dialling.handle_input(&[frame(b"sok"), frame(&challenge(OURS))].concat());
    dialling.handle_input(&frame(&[&b"a"[..], &[0; 16]].concat()));
    assert_eq!(refused(drain(&mut dialling).1), Refusal::Cookie { peer: "b@h".into() });
    // Our own challenge would let it send our own answer back.
    let mut dialling = Handshake::dial(local("a@h", "c"), name("b@h"), 6, random(THEIRS), NOW);
    drain(&mut dialling);
    dialling.handle_input(&[frame(b"sok"), frame(&challenge(THEIRS))].concat());
    let (sent, end) = drain(&mut dialling);
    assert_eq!((sent, refused(end)), (Vec::new(), Refusal::Protocol("the challenge is our own")));
}

/// Hostile row 98: versions, flags and lengths that are wrong.
#[test]
fn what_is_no_handshake_is_refused_without_a_word() {
    let flags = flags::OFFERED.0.to_be_bytes();
    let new = |name: &[u8]| {
        let length = u16::try_from(name.len()).unwrap().to_be_bytes();
        frame(&[&b"N"[..], &flags, b"\0\0\0\x01", &length, name].concat())
    };
    let long = [vec![b'a'; 254], b"@h".to_vec()].concat();
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01".to_vec()),
        ("a long frame", b"\xff\xff".to_vec()),
        ("an empty frame", frame(b"")),
        ("an unknown tag", frame(b"Xabc")),
        ("version 4", frame(b"n\0\x04\x07\x4f\x5f\xbca@h")),
        ("version 5 cut short", frame(b"n\0\x05\x07")),
        ("version 6 cut short", frame(b"N\0\0\0\x0d\x07\x4f\x5f\xbc\0\0\0\x01\0\x20a@h")),
        ("a name without host", new(b"a")),
        ("a name with two hosts", new(b"a@b@c")),
        ("an empty name", new(b"@h")),
        ("an empty host", new(b"a@")),
        ("a long name", new(&long)),
        ("a name with a line end", new(b"a\nb@h")),
        ("a name with an escape", new(b"a\x1b[2J@h")),
        ("a name of no text", new(b"\xff@h")),
        ("a proof at once", frame(&[b'r'; 21])),
    ];
    for (what, bytes) in rows {
        let mut handshake = accepting();
        handshake.handle_input(&bytes);
        let (sent, end) = drain(&mut handshake);
        assert_eq!(sent, b"", "{what}");
        assert!(refused(end).is_attack(), "{what}");
        handshake.handle_input(&new(b"a@h"));
        assert_eq!((handshake.poll_output(), handshake.poll_timeout()), (None, None), "{what}");
    }
}

#[test]
fn a_malformed_proof_is_refused() {
    for proof in [&b"r\0\0\0\x01abc"[..], b"x", &[b'r'; 22], b""] {
        let mut handshake = accepting();
        let flags = flags::OFFERED.0.to_be_bytes();
        handshake.handle_input(&frame(&[&b"N"[..], &flags, b"\0\0\0\x01\0\x03a@h"].concat()));
        drain(&mut handshake);
        handshake.handle_input(&frame(proof));
        assert_eq!(refused(drain(&mut handshake).1), Refusal::Protocol("the reply is malformed"));
    }
}

#[test]
fn each_missing_capability_is_named() {
    for bit in (0..64).filter(|bit| flags::REQUIRED.0 >> bit & 1 == 1) {
        let missing = Flags(1 << bit);
        let offered = Flags(flags::OFFERED.0 & !missing.0 & !flags::MANDATORY_25_DIGEST.0);
        let mut handshake = accepting();
        let said = [&b"N"[..], &offered.0.to_be_bytes(), b"\0\0\0\x01\0\x03a@h"].concat();
        handshake.handle_input(&frame(&said));
        assert_eq!(refused(drain(&mut handshake).1), Refusal::Flags { peer: "a@h".into(), missing });
    }
}

#[test]
fn a_node_that_asks_gets_a_name() {
    let mut dialling = Handshake::dial_unnamed(local("any@client", "c"), name("b@h"), random(THEIRS), NOW);
    let mut accepting = Handshake::accept(local("b@h", "c"), &[], random(OURS), NOW);
    let [there, here] = talk(&mut dialling, &mut accepting, 3);
    // Erlang takes a name only from a node that repeats the wish, so we do; it is no capability.
    let Some(Output::Established(giver)) = there else { panic!("{there:?}") };
    assert_eq!((giver.name.as_str(), giver.flags), ("b@h", flags::OFFERED));
    let Some(Output::Established(given)) = here else { panic!("{here:?}") };
    assert_eq!((given.name.as_str(), given.creation), ("n0000000000000abc@client", 5));
    assert!(given.is_named_by_us);
    assert_eq!((dialling.local_name(), dialling.local_creation()), (&given.name, 5));
}

#[test]
fn the_wish_for_a_name_is_repeated() {
    let mut handshake = accepting();
    let wish = (flags::OFFERED | flags::NAME_ME).0.to_be_bytes();
    handshake.handle_input(&frame(&[&b"N"[..], &wish, b"\0\0\0\0\0\x06client"].concat()));
    let named = frame(b"snamed:\0\x18n0000000000000abc@client\0\0\0\x05");
    let (sent, _) = drain(&mut handshake);
    assert_eq!(sent[..named.len()], named);
    assert_eq!(sent[named.len() + 2..][..9], [&b"N"[..], &wish].concat());
}

#[test]
fn of_two_connections_at_once_one_lives() {
    // The caller with the greater name goes on; the other is told to wait.
    for (ours, theirs, expected) in [("a@h", "b@h", &b"sok_simultaneous"[..]), ("c@h", "b@h", b"snok")] {
        let mut dialling = Handshake::dial(local(theirs, "c"), name(ours), 6, random(THEIRS), NOW);
        let mut accepting = Handshake::accept(local(ours, "c"), &[name(theirs)], random(OURS), NOW);
        let (there, _) = drain(&mut dialling);
        accepting.handle_input(&there);
        let (back, end) = drain(&mut accepting);
        assert!(back.starts_with(&frame(expected)));
        assert_eq!(end.is_some(), expected == b"snok");
        dialling.handle_input(&back);
        assert_eq!(drain(&mut dialling).1.map(|end| refused(Some(end))), end.map(|end| refused(Some(end))));
    }
}

#[test]
fn what_the_dialled_node_says_is_understood() {
    let not_allowed = |text: &str| Refusal::NotAllowed(text.into());
    let rows: [(&[u8], Option<Refusal>, &[u8]); 7] = [
        (b"sok", None, b""),
        (b"sok_simultaneous", None, b""),
        (b"salive", None, b"\0\x05strue"),
        (b"snok", Some(Refusal::Simultaneous), b""),
        (b"snot_allowed", Some(not_allowed("not_allowed")), b""),
        (b"s\x1b[2J", Some(not_allowed("\\u{1b}[2J")), b""),
        (b"ok", Some(Refusal::Protocol("the status is malformed")), b""),
    ];
    for (status, refusal, answer) in rows {
        let mut handshake = Handshake::dial(local("a@h", "c"), name("b@h"), 6, random(THEIRS), NOW);
        drain(&mut handshake);
        handshake.handle_input(&frame(status));
        let (sent, end) = drain(&mut handshake);
        assert_eq!((sent.as_slice(), end.map(|end| refused(Some(end)))), (answer, refusal));
    }
}

#[test]
fn another_node_than_the_one_meant_is_refused() {
    let mut dialling = Handshake::dial(local("a@h", "c"), name("b@h"), 6, random(THEIRS), NOW);
    let mut accepting = Handshake::accept(local("x@h", "c"), &[], random(OURS), NOW);
    let [there, _] = talk(&mut dialling, &mut accepting, 1000);
    assert_eq!(refused(there), Refusal::WrongPeer(name("x@h")));
    let mut dialling = Handshake::dial(local("b@h", "c"), name("b@h"), 6, random(THEIRS), NOW);
    let mut accepting = Handshake::accept(local("b@h", "c"), &[], random(OURS), NOW);
    let [_, here] = talk(&mut dialling, &mut accepting, 1000);
    assert_eq!(refused(here), Refusal::WrongPeer(name("b@h")));
}

#[test]
fn the_cookie_is_never_shown() {
    assert!(!format!("{:?}", local("a@h", "SECRET")).contains("SECRET"));
    assert!(!format!("{:?}", accepting()).contains("SECRET"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_refused_or_wait(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let mut handshake = accepting();
        handshake.handle_input(&bytes);
        let established = matches!(drain(&mut handshake).1, Some(Output::Established(_)));
        proptest::prop_assert!(!established);
    }
}
