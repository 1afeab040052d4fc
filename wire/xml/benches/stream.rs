//! How many bytes of a usual stream one core checks and frames in a second.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nightjar_xml::{Event, Limits, StreamParser};

const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
                    xmlns:stream='http://etherx.jabber.org/streams' to='capulet.lit' version='1.0'>";

fn chat(n: usize) -> String {
    format!(
        "<message to='juliet@capulet.lit/balcony' from='romeo@montague.lit/orchard' type='chat' \
         id='5f3c{n:04x}-77aa-4b1e-9d0c-2f1b7c0e9a11' xml:lang='en'><body>Neither, fair saint, if either thee \
         dislike; she speaks, yet she says nothing: what of that?</body><thread>e0ffe42b28561960c6b12b944a092794\
         b9683a38</thread><active xmlns='http://jabber.org/protocol/chatstates'/><request \
         xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><origin-id xmlns='urn:xmpp:sid:0' \
         id='5f3c{n:04x}-77aa-4b1e-9d0c-2f1b7c0e9a11'/></message>"
    )
}

fn presence(n: usize) -> String {
    format!(
        "<presence from='nurse{n}@capulet.lit/hall'><show>away</show><priority>5</priority><c \
         xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' \
         ver='QgayPKawpkPSDYmwT/WM94uAlu0='/><x xmlns='vcard-temp:x:update'><photo>\
         01b87fcd030b72895ff8e88db57ec525450f000d</photo></x></presence>"
    )
}

fn ping(n: usize) -> String {
    format!("<iq type='get' id='ping{n}' to='capulet.lit'><ping xmlns='urn:xmpp:ping'/></iq>")
}

fn roster(n: usize) -> String {
    let mut xml = format!(
        "<iq type='result' id='roster{n}' to='juliet@capulet.lit/balcony'><query xmlns='jabber:iq:roster' ver='ver{n}'>"
    );
    for contact in 0..20 {
        let _ = write!(
            xml,
            "<item jid='contact{contact}@montague.lit' name='Contact {contact}' subscription='both'>\
             <group>Friends</group></item>"
        );
    }
    xml + "</query></iq>"
}

fn archived(n: usize) -> String {
    format!(
        "<message to='juliet@capulet.lit/chamber' from='juliet@capulet.lit'><result xmlns='urn:xmpp:mam:2' \
         queryid='f27' id='28482-98726-{n}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' \
         stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' to='juliet@capulet.lit/balcony' \
         from='romeo@montague.lit/orchard' type='chat'><body>Call me but love, and I&apos;ll be new baptized; \
         Henceforth I never will be Romeo.</body></message></forwarded></result></message>"
    )
}

fn encrypted(n: usize) -> String {
    let key = "MwohBfRqBm0QFUQpK1ATIhX3cVgQnPVRwmTpLmyMFcbwaylqUiBiCgjCWhwHFGZgQMXIMhACGAAiMFmjqZ".repeat(2);
    let mut xml = format!(
        "<iq type='set' id='omemo{n}' from='juliet@capulet.lit/balcony'><pubsub \
         xmlns='http://jabber.org/protocol/pubsub'><publish node='eu.siacs.conversations.axolotl.bundles:{n}'>\
         <item id='current'><bundle xmlns='eu.siacs.conversations.axolotl'><identityKey>{key}</identityKey><prekeys>"
    );
    for id in 0..10 {
        let _ = write!(xml, "<preKeyPublic preKeyId='{id}'>{}</preKeyPublic>", &key[..88]);
    }
    xml + "</prekeys></bundle></item></publish></pubsub></iq>"
}

/// About 1 MB, shared out as on a server: mostly chats and presences.
fn stream() -> (String, usize) {
    let mut xml = OPEN.to_owned();
    let mut stanzas = 0;
    for n in 0..100 {
        let mut add = |stanza: String| {
            xml.push_str(&stanza);
            stanzas += 1;
        };
        (0..6).for_each(|m| add(chat(n * 6 + m)));
        (0..4).for_each(|m| add(presence(n * 4 + m)));
        (0..2).for_each(|m| add(archived(n * 2 + m)));
        (0..2).for_each(|_| add("<r xmlns='urn:xmpp:sm:3'/>".to_owned()));
        add(ping(n));
        add(roster(n));
        add(encrypted(n));
    }
    (xml, stanzas)
}

/// Frames the whole stream; gives the number of frames.
fn frames(input: &[u8], piece: usize) -> usize {
    let mut parser = StreamParser::new(Limits::default());
    let mut frames = 0;
    for mut bytes in input.chunks(piece) {
        while let Ok((used, Some(event))) = parser.feed(bytes) {
            bytes = bytes.get(used..).unwrap_or_default();
            if let Event::Frame(frame) = black_box(event) {
                frames += 1;
                drop(frame);
            }
        }
    }
    frames
}

fn bench(criterion: &mut Criterion) {
    let (xml, stanzas) = stream();
    assert_eq!(frames(xml.as_bytes(), usize::MAX), stanzas);
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Bytes(xml.len() as u64));
    for (name, piece) in [("whole", usize::MAX), ("16 KiB", 16 << 10), ("1 KiB", 1 << 10), ("1 byte", 1)] {
        group.bench_function(name, |bencher| bencher.iter(|| frames(black_box(xml.as_bytes()), piece)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
