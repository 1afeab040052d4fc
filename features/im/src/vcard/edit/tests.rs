use nightjar_text::Text;
use nightjar_xml::Element;

use super::{values, with};

const CARD: &str = "<vCard xmlns='vcard-temp'><FN>Peter</FN><N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN></N>\
                    <TEL><WORK/><NUMBER>303-308-3282</NUMBER></TEL><TEL><HOME/><NUMBER>303-555-1212</NUMBER></TEL>\
                    <ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>a</ORGUNIT><ORGUNIT>b</ORGUNIT></ORG></vCard>";

fn parse(xml: &str) -> Element {
    Element::parse(&Text::new(xml), "").unwrap()
}

fn read(card: &str, name: &str, part: Option<&str>) -> Vec<String> {
    values(parse(card).root(), name, part).iter().map(Text::to_string).collect()
}

#[test]
fn fields_are_read() {
    let cases: [(&str, Option<&str>, &[&str]); 7] = [
        ("FN", None, &["Peter"]),
        ("N", Some("FAMILY"), &["Saint-Andre"]),
        ("ORG", Some("ORGUNIT"), &["a", "b"]),
        ("TEL", Some("HOME"), &["303-555-1212"]),
        ("TEL", Some("FAX"), &[]),
        ("BDAY", None, &[]),
        ("N", Some("MIDDLE"), &[]),
    ];
    for (name, part, expected) in cases {
        assert_eq!(read(CARD, name, part), expected, "{name} {part:?}");
    }
}

#[test]
fn fields_are_written_and_the_rest_stays() {
    let write = |name, part, contents: &[&str]| {
        let contents: Vec<Text> = contents.iter().map(|content| Text::new(content)).collect();
        with(Some(parse(CARD).root()), name, part, &contents).to_string()
    };
    let card = write("FN", None, &["<Pete>"]);
    assert_eq!(read(&card, "FN", None), ["<Pete>"]);
    assert_eq!(read(&card, "N", Some("GIVEN")), ["Peter"]);
    let card = write("N", Some("GIVEN"), &["Pete"]);
    assert_eq!(read(&card, "N", Some("GIVEN")), ["Pete"]);
    assert_eq!(read(&card, "N", Some("FAMILY")), ["Saint-Andre"]);
    let card = write("TEL", Some("HOME"), &["1"]);
    assert_eq!(read(&card, "TEL", Some("HOME")), ["1"]);
    assert_eq!(read(&card, "TEL", Some("WORK")), ["303-308-3282"]);
    assert_eq!(card.matches("<TEL>").count(), 2);
    let card = write("ORG", Some("ORGUNIT"), &["x", "y", "z"]);
    assert_eq!(read(&card, "ORG", Some("ORGUNIT")), ["x", "y", "z"]);
    assert_eq!(read(&card, "ORG", Some("ORGNAME")), ["XSF"]);
    assert_eq!(
        with(None, "NICKNAME", None, &[Text::new("stpeter")]).as_str(),
        "<vCard xmlns='vcard-temp'><NICKNAME>stpeter</NICKNAME></vCard>"
    );
}
