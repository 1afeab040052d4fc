use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::ns;

use super::{Described, Doubt};

fn described(children: &str) -> Described {
    let query = format!("<query xmlns='{}'>{children}</query>", ns::DISCO_INFO);
    let query = Element::parse(&Text::from(query), ns::CLIENT).unwrap();
    Described::read(query.root()).unwrap()
}

/// XEP-0115 §5.2
const SIMPLE: &str = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
    <feature var='http://jabber.org/protocol/disco#info'/>\
    <feature var='http://jabber.org/protocol/disco#items'/>\
    <feature var='http://jabber.org/protocol/muc'/>\
    <feature var='http://jabber.org/protocol/caps'/>";
const SIMPLE_VER: &str = "QgayPKawpkPSDYmwT/WM94uAlu0=";

/// XEP-0115 §5.3
const COMPLEX: &str = "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>\
    <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>\
    <feature var='http://jabber.org/protocol/caps'/>\
    <feature var='http://jabber.org/protocol/disco#info'/>\
    <feature var='http://jabber.org/protocol/disco#items'/>\
    <feature var='http://jabber.org/protocol/muc'/>\
    <x xmlns='jabber:x:data' type='result'>\
    <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>\
    <field var='ip_version'><value>ipv4</value><value>ipv6</value></field>\
    <field var='os'><value>Mac</value></field>\
    <field var='os_version'><value>10.5.1</value></field>\
    <field var='software'><value>Psi</value></field>\
    <field var='software_version'><value>0.11</value></field>\
    </x>";
const COMPLEX_VER: &str = "q07IKJEyjvHSyhy//CH0CxmKi8w=";

#[test]
fn the_examples_of_the_specification_verify() {
    for (children, ver) in [(SIMPLE, SIMPLE_VER), (COMPLEX, COMPLEX_VER)] {
        let described = described(children);
        assert_eq!(described.hash("sha-1").as_deref(), Some(ver));
        assert_eq!(described.verify("sha-1", ver), Ok(()));
        assert_eq!(described.verify("sha-1", "QgayPKawpkPSDYmwT/WM94uAlu1="), Err(Doubt::WrongHash));
        assert_eq!(described.verify("md5", ver), Err(Doubt::UnknownHash));
        assert_eq!(described.verify("", ver), Err(Doubt::UnknownHash));
    }
}

#[test]
fn stronger_hashes_verify_too() {
    for (function, length) in [("sha-224", 40), ("sha-256", 44), ("sha-384", 64), ("sha-512", 88)] {
        let described = described(SIMPLE);
        let ver = described.hash(function).unwrap();
        assert_eq!(ver.len(), length, "{function}");
        assert_eq!(described.verify(function, &ver), Ok(()), "{function}");
        assert_eq!(described.verify("sha-1", &ver), Err(Doubt::WrongHash), "{function}");
    }
}

#[test]
fn a_form_without_hidden_form_type_is_ignored() {
    for form in [
        "<x xmlns='jabber:x:data' type='result'><field var='os'><value>Mac</value></field></x>",
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='text-single'><value>urn:x</value>\
         </field><field var='os'><value>Mac</value></field></x>",
    ] {
        assert_eq!(described(&format!("{SIMPLE}{form}")).verify("sha-1", SIMPLE_VER), Ok(()), "{form}");
    }
}

#[test]
fn duplicates_are_ill_formed() {
    let form = "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>\
                <value>urn:a</value></field><field var='os'><value>Mac</value></field></x>";
    let two_types = "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>\
                     <value>urn:a</value><value>urn:b</value></field></x>";
    for extra in [
        "<identity category='client' type='pc' name='Exodus 0.9.1'/>",
        "<feature var='http://jabber.org/protocol/muc'/>",
        &format!("{form}{form}"),
        two_types,
    ] {
        let described = described(&format!("{SIMPLE}{extra}"));
        let ver = described.hash("sha-1").unwrap();
        assert_eq!(described.verify("sha-1", &ver), Err(Doubt::Duplicate), "{extra}");
    }
}

/// Answers that lie: each has the hash of an example, although it says something else.
#[test]
fn another_answer_with_the_same_hash_is_not_believed() {
    let features_joined = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
        <feature var='http://jabber.org/protocol/caps&lt;http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>";
    let feature_in_name = "<identity category='client' type='pc' \
        name='Exodus 0.9.1&lt;http://jabber.org/protocol/caps'/>\
        <feature var='http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>";
    let feature_as_identity = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
        <identity category='http:' type='' xml:lang='jabber.org' name='protocol/caps'/>\
        <feature var='http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>";
    let feature_as_form = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
        <feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/disco#items'/>\
        <x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>\
        <value>http://jabber.org/protocol/muc</value></field></x>";
    let features_as_field = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
        <feature var='http://jabber.org/protocol/caps'/>\
        <x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>\
        <value>http://jabber.org/protocol/disco#info</value></field>\
        <field var='http://jabber.org/protocol/disco#items'><value>http://jabber.org/protocol/muc</value></field></x>";
    for lie in [features_joined, feature_in_name, feature_as_identity, feature_as_form, features_as_field] {
        let described = described(lie);
        assert_eq!(described.hash("sha-1").as_deref(), Some(SIMPLE_VER), "{lie}");
        assert_eq!(described.verify("sha-1", SIMPLE_VER), Err(Doubt::Ambiguous), "{lie}");
    }
}
