use std::collections::BTreeMap;
use std::sync::Arc;

use nightjar_text::Text;
use nightjar_xml::Element;

use super::{Change, contents, names, push, read_get, read_set};
use crate::privacy::list::Lists;

fn element(inner: &str) -> Element {
    Element::parse(&Text::from(format!("<query xmlns='jabber:iq:privacy'>{inner}</query>")), "").unwrap()
}

#[track_caller]
fn change(inner: &str) -> Change {
    read_set(element(inner).root()).unwrap()
}

#[test]
fn gets_of_the_specification_are_read() {
    assert_eq!(read_get(element("").root()), Ok(None));
    assert_eq!(read_get(element("<list name='public'/>").root()), Ok(Some(Text::new("public"))));
    for wrong in ["<list name='public'/><list name='private'/>", "<active/>", "<list/>", "<list name=''/>"] {
        let error = read_get(element(wrong).root()).unwrap_err();
        assert_eq!(error.condition.as_str(), "bad-request", "{wrong}");
    }
}

#[test]
fn sets_of_the_specification_are_read() {
    let name = |text| Some(Text::new(text));
    assert_eq!(change("<active name='special'/>"), Change::Active(name("special")));
    assert_eq!(change("<active/>"), Change::Active(None));
    assert_eq!(change("<default name='special'/>"), Change::Default(name("special")));
    assert_eq!(change("<default/>"), Change::Default(None));
    assert_eq!(change("<list name='private'/>"), Change::Remove(Text::new("private")));
}

#[test]
fn lists_come_back_as_they_were_sent() {
    let lists = [
        "<list name='public'><item type='jid' value='tybalt@example.com' action='deny' order='3'/>\
         <item type='jid' value='paris@example.org' action='deny' order='5'/>\
         <item action='allow' order='68'/></list>",
        "<list name='private'><item type='subscription' value='both' action='allow' order='10'/>\
         <item action='deny' order='15'/></list>",
        "<list name='x'><item type='group' value='Enemies' action='deny' order='4'><message/></item></list>",
        "<list name='x'><item type='jid' value='a@b' action='deny' order='7'><message/><iq/><presence-in/>\
         <presence-out/></item></list>",
    ];
    for xml in lists {
        let Change::Put(name, list) = change(xml) else { panic!("{xml}") };
        let expected = format!("<query xmlns='jabber:iq:privacy'>{xml}</query>");
        assert_eq!(contents(&name, &list).as_str(), expected);
    }
}

#[test]
fn wrong_sets_are_bad_requests() {
    let wrong = [
        "",
        "<active/><default/>",
        "<list name='a'/><list name='b'/>",
        "<list><item action='deny' order='1'/></list>",
        "<list name='a'><item action='deny'/></list>",
        "<list name='a'><item order='1'/></list>",
        "<list name='a'><item action='deny' order='-1'/></list>",
        "<list name='a'><item action='perhaps' order='1'/></list>",
        "<list name='a'><item type='jid' value='@' action='deny' order='1'/></list>",
        "<list name='a'><item type='group' action='deny' order='1'/></list>",
        "<list name='a'><item type='subscription' value='all' action='deny' order='1'/></list>",
        "<list name='a'><item type='other' value='all' action='deny' order='1'/></list>",
        "<list name='a'><item action='deny' order='1'/><item action='allow' order='1'/></list>",
        "<other xmlns='urn:x'/>",
    ];
    for inner in wrong {
        let error = read_set(element(inner).root()).unwrap_err();
        assert_eq!(error.condition.as_str(), "bad-request", "{inner}");
    }
}

#[test]
fn names_begin_with_the_lists_in_force() {
    let Change::Put(_, list) = change("<list name='x'><item action='deny' order='1'/></list>") else {
        panic!()
    };
    let list = Arc::new(list);
    let lists = ["private", "public", "special"].map(|name| (Text::new(name), Arc::clone(&list)));
    let lists = Lists { default: Some(Text::new("public")), lists: BTreeMap::from(lists) };
    assert_eq!(
        names(&lists, Some(&Text::new("private"))).as_str(),
        "<query xmlns='jabber:iq:privacy'><active name='private'/><default name='public'/><list name='private'/>\
         <list name='public'/><list name='special'/></query>"
    );
    assert_eq!(names(&Lists::default(), None).as_str(), "<query xmlns='jabber:iq:privacy'/>");
    assert_eq!(push("public").as_str(), "<query xmlns='jabber:iq:privacy'><list name='public'/></query>");
}
