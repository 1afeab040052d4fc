use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::forms::{DataForm, FormType};

use super::{Action, Status, read, write};

const NS: &str = "http://jabber.org/protocol/commands";

fn check(attributes: &str, inner: &str) -> Result<(Action, bool), String> {
    let xml = Text::from(format!("<command xmlns='{NS}' {attributes}>{inner}</command>"));
    let element = Element::parse(&xml, "jabber:client").unwrap();
    match read(element.root()) {
        Ok(request) => Ok((request.action, request.form.is_some())),
        Err(error) => Err(error.application.map(|xml| xml.to_string()).unwrap_or_default()),
    }
}

#[test]
fn requests_of_the_specification_are_read() {
    let form = "<x xmlns='jabber:x:data' type='submit'><field var='a'><value>b</value></field></x>";
    let cancel = "<x xmlns='jabber:x:data' type='cancel'/>";
    let special = |condition: &str| Err(format!("<{condition} xmlns='{NS}'/>"));
    let cases = [
        ("node='list' action='execute'", "", Ok((Action::Execute, false))),
        ("node='list'", "", Ok((Action::Execute, false))),
        ("node='config' sessionid='a'", form, Ok((Action::Execute, true))),
        ("node='config' sessionid='a' action='next'", form, Ok((Action::Execute, true))),
        ("node='config' sessionid='a' action='complete'", form, Ok((Action::Execute, true))),
        ("node='config' sessionid='a' action='cancel'", "", Ok((Action::Cancel, false))),
        ("node='config' sessionid='a'", cancel, Ok((Action::Cancel, false))),
        ("node='config' action='prev'", "", special("bad-action")),
        ("node='config' action='complete'", "", special("bad-action")),
        ("node='config' action='explode'", "", special("malformed-action")),
        ("action='execute'", "", Err(String::new())),
        ("node=''", "", Err(String::new())),
    ];
    for (attributes, inner, expected) in cases {
        assert_eq!(check(attributes, inner), expected, "{attributes}");
    }
    let long = format!("node='x' sessionid='{}'", "s".repeat(1000));
    assert_eq!(check(&long, ""), special("bad-sessionid"));
}

#[test]
fn answers_are_written_as_specified() {
    let form = DataForm::new(FormType::Form);
    let head = |status| format!("<command xmlns='{NS}' sessionid='s' node='n' status='{status}'");
    assert_eq!(
        write("n", "s", &Status::Executing(&form)).as_str(),
        format!(
            "{}><actions execute='complete'><complete/></actions><x xmlns='jabber:x:data' type='form'></x></command>",
            head("executing")
        )
    );
    assert_eq!(
        write("n", "s", &Status::Completed { note: "Pong", form: None }).as_str(),
        format!("{}><note type='info'>Pong</note></command>", head("completed"))
    );
    assert_eq!(write("n", "s", &Status::Canceled).as_str(), format!("{}/>", head("canceled")));
}
