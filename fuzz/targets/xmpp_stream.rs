//! The client stream's machine, driven by arbitrary bytes in arbitrary pieces; stanzas written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::Stanza;

fuzz_target!(|input: &[u8]| {
    nightjar_xmpp::fuzz::fuzz_c2s(input);
    if let Ok(text) = std::str::from_utf8(input) {
        round_trip(text);
    }
});

/// What is written is read as what it was.
fn round_trip(text: &str) {
    let limits = Limits {
        stanza_bytes: 1 << 16,
        elements: 2000,
        depth: 64,
        attributes: 64,
        bindings: 64,
        name_bytes: 1024,
    };
    let Ok(frame) = parse_document(&Text::new(text), &limits, "jabber:client") else { return };
    let Ok(stanza) = Stanza::from_frame(&frame) else { return };
    let mut written = String::new();
    stanza.write(&mut written, Some("jabber:client"));
    let wide = Limits {
        stanza_bytes: 1 << 20,
        depth: 128,
        attributes: 128,
        bindings: 128,
        name_bytes: 4096,
        ..Limits::default()
    };
    let again = parse_document(&Text::new(&written), &wide, "jabber:client").expect("what is written is XML");
    let again = Stanza::from_frame(&again).expect("what is written is a stanza");
    assert_eq!(
        (&again.kind, &again.to, &again.from, &again.id),
        (&stanza.kind, &stanza.to, &stanza.from, &stanza.id)
    );
    assert_eq!(again.body(), stanza.body());
}
