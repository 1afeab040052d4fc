use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{PresenceType, Stanza};

use super::{Picture, put, says_empty};

fn picture(inner: &str) -> Picture {
    let xml = Text::from(format!("<vCard xmlns='vcard-temp'>{inner}</vCard>"));
    Picture::of(Element::parse(&xml, "").unwrap().root())
}

#[test]
fn the_hash_is_that_of_the_image() {
    // SHA-1 of "abc", FIPS 180-2 A.1; base64 may be broken into lines.
    let hash = Picture::Hash(Text::new("a9993e364706816aba3e25717850c26c9cd0d89d"));
    assert_eq!(picture("<PHOTO><TYPE>image/png</TYPE><BINVAL>YW\n Jj</BINVAL></PHOTO>"), hash);
    assert_eq!(picture("<FN>x</FN>"), Picture::Absent);
    assert_eq!(picture("<PHOTO><BINVAL/></PHOTO>"), Picture::Absent);
    assert_eq!(picture("<PHOTO><BINVAL>?</BINVAL></PHOTO>"), Picture::Absent);
    assert_eq!(picture("<PHOTO><EXTVAL>http://x</EXTVAL></PHOTO>"), Picture::Elsewhere);
}

#[test]
fn presence_says_what_is_known() {
    let told = |picture: &Picture, before: &str| {
        let mut presence = Stanza::presence(PresenceType::Available).with_child(before.to_owned());
        put(&mut presence, picture);
        presence.to_xml()
    };
    let status = "<status>hi</status>";
    let old = "<x xmlns='vcard-temp:x:update'><photo>old</photo></x>";
    let with = |inner: &str| format!("<presence xmlns='jabber:client'>{inner}</presence>");
    let hash = Picture::Hash(Text::new("abc"));
    let new = "<x xmlns='vcard-temp:x:update'><photo>abc</photo></x>";
    assert_eq!(told(&hash, status), with(&format!("{status}{new}")));
    assert_eq!(told(&hash, old), with(new));
    assert_eq!(
        told(&Picture::Absent, status),
        with(&format!("{status}<x xmlns='vcard-temp:x:update'><photo/></x>"))
    );
    assert_eq!(told(&Picture::Unknown, status), with(&format!("{status}<x xmlns='vcard-temp:x:update'/>")));
    assert_eq!(told(&Picture::Elsewhere, old), "<presence xmlns='jabber:client'/>");
}

#[test]
fn a_client_that_says_it_has_no_picture_is_left_alone() {
    let says =
        |child: &str| says_empty(&Stanza::presence(PresenceType::Available).with_child(child.to_owned()));
    assert!(says("<x xmlns='vcard-temp:x:update'><photo/></x>"));
    assert!(!says("<x xmlns='vcard-temp:x:update'/>"));
    assert!(!says("<x xmlns='vcard-temp:x:update'><photo>abc</photo></x>"));
    assert!(!says("<status>x</status>"));
}
