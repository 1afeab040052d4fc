use super::{attribute_names, difference};
use nightjar_text::Text;
use nightjar_xml::Element;

fn compared(wanted: &str, seen: &str) -> Option<String> {
    let [wanted, seen] =
        [wanted, seen].map(|text| Element::parse(&Text::new(text), "jabber:client").unwrap());
    difference(wanted.root(), seen.root())
}

#[test]
fn what_is_wanted_must_be_there() {
    let seen =
        "<message from='a@b/c' id='1' xml:lang='en'><body>hi</body><x xmlns='urn:x'><y z='1'/></x></message>";
    for (wanted, difference) in [
        ("<message/>", None),
        ("<message from='a@b/c' to='{none}' id='{any}'><body>hi</body></message>", None),
        ("<message><x xmlns='urn:x'>\n<y z='1'/>\n</x><body>{any}</body></message>", None),
        ("<presence/>", Some("<message xmlns='jabber:client'>, not <presence xmlns='jabber:client'>")),
        ("<message from='{none}'/>", Some("<message> has from=Some(\"a@b/c\"), not \"{none}\"")),
        ("<message type='chat'/>", Some("<message> has type=None, not \"chat\"")),
        ("<message><body>ho</body></message>", Some("<body> has the text \"hi\", not \"ho\"")),
        ("<message><x xmlns='urn:x'><y z='2'/></x></message>", Some("<y> has z=Some(\"1\"), not \"2\"")),
        ("<message><body/><body/></message>", Some("no <body xmlns='jabber:client'>")),
    ] {
        assert_eq!(compared(wanted, seen).as_deref(), difference, "{wanted}");
    }
}

#[test]
fn attribute_names_are_found() {
    for (tag, names) in [
        ("<a/>", vec![]),
        ("<a b='=' xmlns='c' d=\"'\"/>", vec!["b", "d"]),
        ("<a b='>'>text e='f'</a>", vec!["b"]),
        ("<a>b='c'</a>", vec![]),
    ] {
        assert_eq!(attribute_names(tag).collect::<Vec<_>>(), names, "{tag}");
    }
}
