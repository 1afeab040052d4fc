//! Both machines joined in memory: whole negotiations, with a third machine where a key is verified.

use super::*;
use crate::fuzz::s2s::Script;
use crate::{MessageType, Stanza};

/// Two servers and what lies between them.
struct Pair {
    out: Driven<OutgoingStream>,
    into: Driven<IncomingStream>,
    /// Keys were verified on streams of their own.
    verified: usize,
}

impl Pair {
    fn new(settings: Settings, secured: bool, offer: HostOffer) -> Pair {
        Pair::between(ORIGINATING, RECEIVING, settings, secured, offer)
    }

    fn between(from: &str, to: &str, settings: Settings, secured: bool, offer: HostOffer) -> Pair {
        let mut into = incoming(Settings::default(), secured, offer);
        into.script.keys = Some(Vec::new());
        Pair { out: s2s::outgoing(settings, secured, from, to), into, verified: 0 }
    }

    /// Until nobody has anything to say.
    fn run(&mut self) -> &mut Pair {
        for _ in 0..100 {
            let mut moved = false;
            for _ in 0..2 {
                let bytes = std::mem::take(&mut self.out.bytes);
                moved |= !bytes.is_empty();
                self.into.feed(&bytes);
                let bytes = std::mem::take(&mut self.into.bytes);
                moved |= !bytes.is_empty();
                self.out.feed(&bytes);
            }
            if self.out.tls_wanted && self.into.tls_wanted {
                moved |= self.out.handshake() & self.into.handshake();
            }
            moved |= verify_keys(&mut self.into.script, &mut self.verified, &mut self.into.stream);
            self.into.drain();
            if !moved {
                return self;
            }
        }
        panic!("they never stop talking");
    }

    #[track_caller]
    fn expect(&mut self, out: &[&str], into: &[&str]) -> &mut Pair {
        for (name, said, expected) in [("calling", self.out.said(), out), ("called", self.into.said(), into)]
        {
            assert_eq!(notes(&said), expected, "{name}: {said}");
        }
        self
    }
}

/// The events of a transcript.
fn notes(said: &str) -> Vec<&str> {
    said.split('[').skip(1).filter_map(|part| part.split_once(']')).map(|(note, _)| note).collect()
}

/// The receiving server asks the authoritative one on a stream in the clear.
fn verify_keys(script: &mut Script, verified: &mut usize, stream: &mut IncomingStream) -> bool {
    let keys = script.keys.as_mut().map(std::mem::take).unwrap_or_default();
    let any = !keys.is_empty();
    for (from, to, id, key) in keys {
        let offer = s2s::offer(StartTls::Optional);
        let mut pair = Pair::between(to.as_str(), from.as_str(), settings(StartTls::Never), false, offer);
        pair.out.script.plan = Some(Plan::VerifyOnly);
        pair.run();
        assert!(pair.out.stream.verify(&to, &from, &id, &key));
        pair.out.drain();
        pair.run();
        let Some((asked, authoritative, verified_id, verdict)) = pair.out.script.verified.pop() else {
            panic!("no verdict: {}", pair.out.transcript);
        };
        assert_eq!((&asked, &authoritative, &verified_id), (&to, &from, &id));
        assert!(stream.dialback_result(&from, &to, verdict));
        *verified += 1;
    }
    any
}

fn message(from: &str, to: &str) -> Stanza {
    Stanza::message(MessageType::Chat)
        .with_from(&domain(from))
        .with_to(&domain(to))
        .with_child("<body>Hi</body>")
}

#[test]
fn tls_and_a_certificate() {
    let mut pair = Pair::new(settings(StartTls::Required), false, s2s::offer(StartTls::Required));
    pair.run().expect(
        &["starttls", "External", "pair capulet.example montague.example valid", "sm"],
        &["opened", "starttls", "opened", "external capulet.example", "opened"],
    );
    assert!(pair.out.stream.is_secured() && pair.into.stream.is_secured());
    assert!(pair.out.send(message("a@capulet.example", "b@montague.example")));
    pair.run().expect(&[], &["stanza message/chat"]);
    assert!(pair.out.stream.take_unacked().is_empty(), "it was acknowledged");
    pair.out.stream.finish();
    pair.out.drain();
    pair.run().expect(&["finished"], &["closed"]);
}

#[test]
fn tls_and_dialback() {
    let offer = HostOffer { external: false, ..s2s::offer(StartTls::Required) };
    let mut pair = Pair::new(settings(StartTls::Required), false, offer);
    pair.run().expect(
        &["starttls", "Dialback", "pair capulet.example montague.example valid", "sm"],
        &["opened", "starttls", "opened", "key capulet.example montague.example"],
    );
    assert_eq!(pair.verified, 1);
    assert!(pair.out.send(message("a@capulet.example", "b@montague.example")));
    pair.run().expect(&[], &["stanza message/chat"]);
}

#[test]
fn dialback_in_the_clear() {
    let mut pair = Pair::new(settings(StartTls::Never), false, s2s::offer(StartTls::Optional));
    pair.run().expect(
        &["Dialback", "pair capulet.example montague.example valid", "sm"],
        &["opened", "key capulet.example montague.example"],
    );
    assert!(!pair.out.stream.is_secured());
}

/// Another secret: somebody else answers for the domain.
#[test]
fn a_key_of_nobody_is_refused() {
    let settings = Settings { dialback_secret: Some(Secret::from("stolen")), ..settings(StartTls::Never) };
    let mut pair = Pair::new(settings, false, s2s::offer(StartTls::Optional));
    pair.run().expect(
        &["Dialback", "pair capulet.example montague.example invalid", "closed"],
        &["opened", "key capulet.example montague.example", "dialback invalid"],
    );
}

#[test]
fn a_refused_certificate_and_dialback() {
    let mut pair = Pair::between(
        "liar.example",
        RECEIVING,
        settings(StartTls::Required),
        true,
        s2s::offer(StartTls::Required),
    );
    pair.run().expect(
        &["External", "Dialback refused not-authorized", "pair liar.example montague.example valid", "sm"],
        &["opened", "external liar.example", "key liar.example montague.example"],
    );
}

#[test]
fn many_pairs_on_one_stream() {
    let mut pair = Pair::new(settings(StartTls::Required), false, s2s::offer(StartTls::Required));
    pair.run();
    pair.out.said();
    pair.into.said();
    let (rooms, chat) = (domain("rooms.capulet.example"), domain("chat.montague.example"));
    let (here, there) = (domain(ORIGINATING), domain(RECEIVING));
    assert!(!pair.out.send(message("x@rooms.capulet.example", "b@chat.montague.example")));
    for (from, to) in [(&rooms, &there), (&here, &chat), (&rooms, &chat)] {
        assert!(pair.out.stream.authorize(from, to));
    }
    pair.out.drain();
    pair.run().expect(
        &[
            "pair rooms.capulet.example montague.example valid",
            "pair capulet.example chat.montague.example valid",
            "pair rooms.capulet.example chat.montague.example valid",
        ],
        &[
            "key rooms.capulet.example montague.example",
            "key capulet.example chat.montague.example",
            "key rooms.capulet.example chat.montague.example",
        ],
    );
    assert!(pair.out.send(message("x@rooms.capulet.example", "b@chat.montague.example")));
    pair.run().expect(&[], &["stanza message/chat"]);
    assert_eq!(pair.into.stream.pairs().count(), 4);
}

/// XEP-0288 §3, both examples: what comes back goes through the same stream.
#[test]
fn both_directions_on_one_stream() {
    for external in [true, false] {
        let settings = Settings { bidi: true, ..settings(StartTls::Required) };
        let offer = HostOffer { external, ..s2s::offer(StartTls::Required) };
        let mut pair = Pair::new(settings, true, offer);
        pair.run();
        assert!(pair.into.said().contains("[bidi]") && pair.out.stream.is_bidi());
        pair.out.said();
        assert!(pair.into.send(message("b@montague.example", "a@capulet.example")));
        let back = message("b@montague.example", "a@other.example");
        assert!(!pair.into.send(back), "not to a domain that did not prove itself");
        // The drivers send back what they get, once and again.
        for _ in 0..3 {
            let bytes = std::mem::take(&mut pair.into.bytes);
            pair.out.feed(&bytes);
            let bytes = std::mem::take(&mut pair.out.bytes);
            pair.into.feed(&bytes);
        }
        assert!(notes(&pair.out.said()).contains(&"stanza message/chat"));
        assert!(notes(&pair.into.said()).contains(&"stanza message/chat"));
    }
}

#[test]
fn both_ends_shorten_what_is_lost_to_what_is_not_acknowledged() {
    let mut pair = Pair::new(settings(StartTls::Required), true, s2s::offer(StartTls::Required));
    pair.run();
    for count in 0..3 {
        let mut out = Vec::new();
        let stanza = message(ORIGINATING, RECEIVING).with_id(count.to_string());
        assert!(pair.out.stream.send(pair.out.now, stanza, &mut out).is_none());
        if count < 2 {
            pair.into.feed(&out);
        }
    }
    let mut request = Vec::new();
    assert!(pair.out.stream.request_ack(pair.out.now, &mut request));
    pair.into.feed(&request);
    let answer = std::mem::take(&mut pair.into.bytes);
    pair.out.feed(&answer);
    let unacked = pair.out.stream.take_unacked();
    let ids: Vec<_> = unacked.iter().filter_map(|unacked| unacked.stanza.id.as_deref()).collect();
    assert_eq!(ids, ["2"]);
}
