use nightjar_xml::Element;

use super::*;

fn read(xml: &str) -> Result<DataForm, StanzaError> {
    DataForm::from_element(Element::parse(&Text::new(xml), ns::CLIENT).unwrap().root())
}

#[test]
fn a_form_reads_as_it_is_written() {
    let mut form = DataForm::typed(FormType::Form, "urn:test:form")
        .with(Field::new(FieldType::TextSingle, "name").with_label("Name & co").with_value("<me>").required())
        .with(Field::boolean("public", true))
        .with(
            Field::new(FieldType::ListSingle, "whois")
                .with_option(Some("Anyone"), "anyone")
                .with_option(None, "x"),
        )
        .with(Field {
            description: Some("why".to_owned()),
            extensions: Some(Text::new("<media xmlns='urn:xmpp:media-element'><uri>cid:1</uri></media>")),
            ..Field::new(FieldType::TextMulti, "lines").with_value("a").with_value("b")
        })
        .with(Field::new(FieldType::Fixed, "").with_value("a heading"));
    form.title = Some("Title".to_owned());
    form.instructions = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(read(&form.to_xml()), Ok(form.clone()));
    assert_eq!(form.form_type(), Some("urn:test:form"));
    assert_eq!(form.value("name"), Some("<me>"));
    assert_eq!(form.values("lines"), ["a", "b"]);
    assert_eq!(form.boolean("public"), Some(true));
    assert_eq!((form.boolean("name"), form.boolean("absent")), (None, None));
    assert!(form.values("absent").is_empty());
}

#[test]
fn results_come_as_tables() {
    let row = |name: &str| vec![Field::plain("name", name)];
    let form = DataForm {
        reported: vec![Field::new(FieldType::TextSingle, "name").with_label("Name")],
        items: vec![row("a"), row("b")],
        ..DataForm::new(FormType::Result)
    };
    assert_eq!(read(&form.to_xml()), Ok(form));
}

#[test]
fn submitted_forms_are_checked() {
    let bad = [
        "<x xmlns='jabber:x:data'/>",
        "<x xmlns='jabber:x:data' type='question'/>",
        "<x xmlns='jabber:x:data' type='submit'><field><value>1</value></field></x>",
    ];
    for xml in bad {
        assert_eq!(read(xml), Err(StanzaError::bad_request()), "{xml}");
    }
    let cancelled = read("<x xmlns='jabber:x:data' type='cancel'/>").unwrap();
    assert_eq!(cancelled, DataForm::new(FormType::Cancel));
    let loose = read("<x xmlns='jabber:x:data' type='submit'><field var='a' type='odd'><value/></field></x>")
        .unwrap();
    assert_eq!((loose.value("a"), loose.field("a").unwrap().kind), (Some(""), None));
}
