use nightjar_xml::Element;

use super::*;

fn read(inside: &str) -> Result<Option<Request>, StanzaError> {
    let xml = format!("<query xmlns='u:q'>{inside}</query>");
    Request::of(Element::parse(&Text::new(&xml), ns::CLIENT).unwrap().root())
}

#[test]
fn requests_say_where_the_page_is() {
    use Position::{After, Before, Between, First, Index, Last};
    let id = Text::new;
    let cases = [
        ("<max>10</max>", Some(10), First),
        ("<max>0</max>", Some(0), First),
        ("", None, First),
        ("<max>10</max><after>a&amp;b</after>", Some(10), After(id("a&b"))),
        ("<max>10</max><before>b</before>", Some(10), Before(id("b"))),
        ("<max>10</max><before/>", Some(10), Last),
        ("<after/>", None, First),
        ("<after>a</after><before>b</before>", None, Between { after: id("a"), before: id("b") }),
        ("<after>a</after><before/>", None, After(id("a"))),
        ("<index>371</index><max>10</max>", Some(10), Index(371)),
    ];
    for (inside, max, position) in cases {
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{inside}</set>");
        assert_eq!(read(&set), Ok(Some(Request { max, position })), "{inside}");
    }
    assert_eq!(read("<other/>"), Ok(None));
}

#[test]
fn numbers_that_are_none_are_bad_requests() {
    for inside in ["<max>-1</max>", "<max>ten</max>", "<index>99999999999</index>", "<max/>"] {
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{inside}</set>");
        assert_eq!(read(&set), Err(StanzaError::bad_request()), "{inside}");
    }
}

#[test]
fn answers_are_written_as_in_the_examples() {
    let mut xml = String::new();
    let first = Some((Text::new("stpeter@<x>"), Some(0)));
    Answer { first, last: Some(Text::new("peterpan")), count: Some(800) }.write(&mut xml);
    assert_eq!(
        xml,
        "<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>stpeter@&lt;x&gt;</first>\
         <last>peterpan</last><count>800</count></set>"
    );
    let mut xml = String::new();
    Answer { count: Some(0), ..Answer::default() }.write(&mut xml);
    assert_eq!(xml, "<set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set>");
}
