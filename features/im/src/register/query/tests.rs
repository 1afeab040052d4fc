use nightjar_text::Text;
use nightjar_xml::Element;

use super::{Submission, fields, read, redirect};

fn check(xml: &str) -> String {
    let element = Element::parse(&Text::new(xml), "jabber:client").unwrap();
    match read(element.root()) {
        Ok(Submission::Remove { user }) => format!("remove {:?}", user.as_deref()),
        Ok(Submission::Credentials { user, password }) => {
            format!("{user} {}", password.expose_text().unwrap())
        }
        Err(error) => error.condition.as_str().to_owned(),
    }
}

#[test]
fn submissions_are_those_of_the_specification() {
    let form = |kind: &str, fields: &str| {
        format!(
            "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='{kind}'>{fields}</x></query>"
        )
    };
    let user = "<field var='username'><value>bill</value></field>";
    let password = "<field var='password'><value>Calliope</value></field>";
    let typed = |kind: &str| format!("<field type='hidden' var='FORM_TYPE'><value>{kind}</value></field>");
    let cases = [
        // Example 4, 12, 20.
        (
            "<query xmlns='jabber:iq:register'><username>bill</username><password>Calliope</password>\
             <email>bard@shakespeare.lit</email></query>"
                .to_owned(),
            "bill Calliope",
        ),
        ("<query xmlns='jabber:iq:register'><remove/></query>".to_owned(), "remove None"),
        (
            "<query xmlns='jabber:iq:register'><remove/><username>bill</username><password>x</password></query>"
                .to_owned(),
            "remove Some(\"bill\")",
        ),
        // Example 7: some required information is not provided.
        ("<query xmlns='jabber:iq:register'><username>bill</username></query>".to_owned(), "not-acceptable"),
        ("<query xmlns='jabber:iq:register'/>".to_owned(), "bad-request"),
        // Example 10.
        (form("submit", &format!("{}{user}{password}", typed("jabber:iq:register"))), "bill Calliope"),
        (form("submit", &format!("{user}{password}")), "bill Calliope"),
        (form("submit", user), "not-acceptable"),
        (form("submit", &format!("{}{user}{password}", typed("urn:xmpp:captcha"))), "bad-request"),
        (form("form", &format!("{user}{password}")), "bad-request"),
    ];
    for (xml, expected) in cases {
        assert_eq!(check(&xml), expected, "{xml}");
    }
}

#[test]
fn answers_are_those_of_the_specification() {
    assert_eq!(
        fields(None).as_str(),
        "<query xmlns='jabber:iq:register'><instructions>Choose a username and password to register with this \
         server</instructions><username/><password/></query>"
    );
    assert_eq!(
        fields(Some("bill")).as_str(),
        "<query xmlns='jabber:iq:register'><registered/><username>bill</username><password/></query>"
    );
    assert_eq!(
        redirect("http://www.shakespeare.lit/register").as_str(),
        "<query xmlns='jabber:iq:register'><instructions>To register, visit \
         http://www.shakespeare.lit/register</instructions><x xmlns='jabber:x:oob'>\
         <url>http://www.shakespeare.lit/register</url></x></query>"
    );
}
