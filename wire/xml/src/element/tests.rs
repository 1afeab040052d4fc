use super::*;

fn parse(xml: &str) -> Element {
    Element::parse(&Text::new(xml), "jabber:client").unwrap()
}

const FORM: &str = "<query xmlns='urn:q' node='a&#10;b'>x<form xmlns='jabber:x:data'><field var='1'><value>v&amp;1\
                    </value><value/></field><field var='2'/></form>y<![CDATA[<z>]]><e:end xmlns:e='urn:e' e:f='g'/></query>";

#[test]
fn walks_the_tree() {
    let query = parse(FORM);
    assert!(query.is("query", "urn:q") && !query.is("query", "jabber:client"));
    assert_eq!((query.attr("node").as_deref(), query.attr("none")), (Some("a\nb"), None));
    assert_eq!(query.text(), "xy<z>");
    let form = query.child("form", "jabber:x:data").unwrap();
    let fields: Vec<ElementRef<'_>> = form.children().collect();
    assert_eq!(fields.iter().map(|field| field.attr("var").unwrap()).collect::<Vec<_>>(), ["1", "2"]);
    let values: Vec<Cow<'_, str>> = fields[0].children().map(ElementRef::text).collect();
    assert_eq!(values, ["v&1", ""]);
    assert_eq!((fields[1].children().count(), fields[1].raw().as_str()), (0, "<field var='2'/>"));
    assert_eq!(fields[0].children().next().unwrap().inner_raw(), "v&amp;1");
    let end = query.children().last().unwrap();
    assert_eq!((end.name(), end.ns(), end.attr("e:f").as_deref()), ("end", "urn:e", Some("g")));
    assert_eq!(end.attrs().collect::<Vec<_>>(), [("e:f", Cow::Borrowed("g"))]);
    assert!(query.child("end", "urn:q").is_none());
}

#[test]
fn shares_the_text() {
    let text = Text::new(FORM);
    let query = Element::parse(&text, "jabber:client").unwrap();
    assert!(query.raw().shares_buffer(&text));
    assert!(query.child("form", "jabber:x:data").unwrap().raw().shares_buffer(&text));
    assert_eq!(query.clone().raw(), FORM);
}

#[test]
fn reads_what_leans_on_something() {
    let query = parse("<c:a xmlns:c='jabber:client' xmlns:d='urn:d'><c:b/><d:e/></c:a>");
    let children: Vec<(&str, &str)> = query.children().map(|child| (child.name(), child.ns())).collect();
    assert_eq!(children, [("b", "jabber:client"), ("e", "urn:d")]);
    assert_eq!(query.children().last().unwrap().raw(), "<d:e xmlns:d='urn:d'/>");
}

#[test]
fn refuses_what_is_no_element() {
    for xml in ["", "a", "<a>", "<a/><b/>", "<a>\u{1}</a>", "<b:a/>", "<a><!-- --></a>"] {
        assert!(Element::parse(&Text::new(xml), "").is_err(), "{xml}");
    }
}

#[test]
fn depth_costs_no_stack() {
    let depth = 60_000;
    let tree = parse(&format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth)));
    let mut element = tree.root();
    let mut levels = 1;
    while let Some(child) = element.children().next() {
        element = child;
        levels += 1;
    }
    assert_eq!(levels, depth);
}
