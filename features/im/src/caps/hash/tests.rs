use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{PresenceType, Stanza};

use super::{Algorithm, Claim, Info};

fn info(inner: &str) -> Info {
    let xml = Text::from(format!("<query xmlns='http://jabber.org/protocol/disco#info'>{inner}</query>"));
    Info::read(Element::parse(&xml, "jabber:client").unwrap().root())
}

const FEATURES: &str = "<feature var='http://jabber.org/protocol/caps'/>\
                        <feature var='http://jabber.org/protocol/disco#info'/>\
                        <feature var='http://jabber.org/protocol/disco#items'/>\
                        <feature var='http://jabber.org/protocol/muc'/>";
const FORM: &str = "<x xmlns='jabber:x:data' type='result'>\
                    <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>\
                    <field var='ip_version'><value>ipv4</value><value>ipv6</value></field>\
                    <field var='os'><value>Mac</value></field><field var='os_version'><value>10.5.1</value></field>\
                    <field var='software'><value>Psi</value></field>\
                    <field var='software_version'><value>0.11</value></field></x>";

fn simple() -> String {
    format!("<identity category='client' name='Exodus 0.9.1' type='pc'/>{FEATURES}")
}

fn complex() -> String {
    format!(
        "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>\
         <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>{FEATURES}{FORM}"
    )
}

fn claim(version: &str) -> Claim {
    Claim { node: Text::new("n"), version: Text::new(version), algorithm: Algorithm::Sha1 }
}

#[test]
fn strings_are_those_of_the_specification() {
    // §5.2 and §5.3.
    assert_eq!(info(&simple()).verification(Algorithm::Sha1), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    assert_eq!(info(&complex()).verification(Algorithm::Sha1), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
    assert!(info(&simple()).proves(&claim("QgayPKawpkPSDYmwT/WM94uAlu0=")));
    assert!(info(&complex()).proves(&claim("q07IKJEyjvHSyhy//CH0CxmKi8w=")));
}

/// An answer that gives the right string, but must not be believed.
#[track_caller]
fn refused(inner: &str) {
    let info = info(inner);
    let version = info.verification(Algorithm::Sha1);
    assert!(!info.proves(&claim(&version)), "{inner}");
}

#[test]
fn a_wrong_answer_proves_nothing() {
    let more = format!("{}<feature var='urn:xmpp:evil'/>", simple());
    assert!(!info(&more).proves(&claim("QgayPKawpkPSDYmwT/WM94uAlu0=")));
    assert!(!info("").proves(&claim("QgayPKawpkPSDYmwT/WM94uAlu0=")));
}

#[test]
fn answers_that_could_be_read_in_two_ways_prove_nothing() {
    // The same text as the simple one, put together from other parts.
    refused(&format!(
        "<identity category='client' name='Exodus 0.9.1&lt;http://jabber.org/protocol/caps' type='pc'/>{FEATURES}"
    ));
    refused("<identity category='client' type='pc'/><feature var='a&lt;b'/>");
    refused("<identity category='client/pc' type='x'/>");
    refused("<identity category='client' type='pc/' name='x'/>");
    // A namespace read as an identity, and an identity read as a feature.
    let rest = FEATURES.replace("<feature var='http://jabber.org/protocol/caps'/>", "");
    let lie = format!(
        "<identity category='client' name='Exodus 0.9.1' type='pc'/>\
         <identity category='http:' type='' xml:lang='jabber.org' name='protocol/caps'/>{rest}"
    );
    assert_eq!(info(&lie).verification(Algorithm::Sha1), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    refused(&lie);
    refused(&format!("<feature var='client/pc//Exodus 0.9.1'/>{FEATURES}"));
    // §5.4, rules 3.3 to 3.5.
    refused("<identity category='client' type='pc'/><identity category='client' type='pc'/>");
    refused("<identity category='client' type='pc'/><feature var='a'/><feature var='a'/>");
    refused(&format!("{}{FORM}", complex()));
    refused(
        "<identity category='client' type='pc'/><x xmlns='jabber:x:data' type='result'>\
         <field var='FORM_TYPE' type='hidden'><value>a</value>\
         <value>b</value></field></x>",
    );
    refused(
        "<identity category='client' type='pc'/><x xmlns='jabber:x:data' type='result'>\
         <field var='FORM_TYPE' type='hidden'><value>a</value></field>\
         <field var='b'/></x>",
    );
}

#[test]
fn a_form_of_unsure_type_is_passed_over() {
    let form = "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>a</value></field></x>";
    assert!(info(&format!("{}{form}", simple())).proves(&claim("QgayPKawpkPSDYmwT/WM94uAlu0=")));
}

#[test]
fn only_claims_that_can_be_verified_are_read() {
    let read = |attributes: &str| {
        let c = format!("<c xmlns='http://jabber.org/protocol/caps' {attributes}/>");
        Claim::of(&Stanza::presence(PresenceType::Available).with_child(c)).map(|claim| claim.key())
    };
    let long = "v".repeat(300);
    let cases = [
        (
            "hash='sha-1' node='http://code.google.com/p/exodus' ver='Qgay'",
            Some("http://code.google.com/p/exodus#Qgay"),
        ),
        ("hash='sha-256' node='n' ver='v'", Some("n#v")),
        ("hash='md5' node='n' ver='v'", None),
        ("hash='sha-0' node='n' ver='v'", None),
        // §8.1: the legacy format.
        ("node='http://exodus.jabberstudio.org/#0.9.1' ver='0.9.1' ext='a b'", None),
        ("hash='sha-1' node='' ver='v'", None),
        ("hash='sha-1' ver='v'", None),
        (&format!("hash='sha-1' node='n' ver='{long}'"), None),
    ];
    for (attributes, expected) in cases {
        assert_eq!(read(attributes).as_deref(), expected, "{attributes}");
    }
}
