//! The option `vcard` as XML: ejabberd's names of the parts in the file, XEP-0054's on the wire.

use nightjar_config::Value;
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::ns;

/// A vCard as the file describes it.
pub fn of_option(value: &Value) -> Text {
    let mut xml = Writer::new();
    xml.start("vCard").ns(ns::VCARD);
    for (key, value) in value.entries() {
        element(&mut xml, "", key, value);
    }
    xml.end("vCard");
    Text::from(xml.finish())
}

/// A vCard that only names something.
pub fn simple(name: &str, description: &str) -> Text {
    let mut xml = Writer::new();
    xml.start("vCard").ns(ns::VCARD).element("FN", name).element("DESC", description).end("vCard");
    Text::from(xml.finish())
}

/// What a key is called in XML.
fn name(parent: &str, key: &str) -> String {
    match (parent, key) {
        ("org", "name") => "ORGNAME".to_owned(),
        ("org", "units") => "ORGUNIT".to_owned(),
        (_, key) => key.to_uppercase().replace('_', "-"),
    }
}

fn element(xml: &mut Writer, parent: &str, key: &str, value: &Value) {
    let name = name(parent, key);
    match value {
        Value::List(items) if key == "categories" => {
            xml.start(&name);
            items.iter().for_each(|item| element(xml, key, "keyword", item));
            xml.end(&name);
        }
        Value::List(items) => items.iter().for_each(|item| element(xml, parent, key, item)),
        Value::Map(entries) => {
            xml.start(&name);
            entries.iter().for_each(|(inner, value)| element(xml, key, inner, value));
            xml.end(&name);
        }
        Value::Unset => {}
        Value::Bool(is_marked) => mark(xml, &name, *is_marked),
        Value::Int(number) => {
            xml.element(&name, &number.to_string());
        }
        Value::Number(number) => {
            xml.element(&name, &number.to_string());
        }
        Value::Text(text) if !parent.is_empty() && matches!(text.as_str(), "true" | "false") => {
            mark(xml, &name, text.as_str() == "true");
        }
        Value::Text(text) if key == "class" => {
            xml.start(&name);
            mark(xml, &text.to_uppercase(), true);
            xml.end(&name);
        }
        Value::Text(text) => {
            xml.element(&name, text);
        }
        _ => {}
    }
}

/// A part that says something by being there, such as `<HOME/>`.
fn mark(xml: &mut Writer, name: &str, is_marked: bool) {
    if is_marked {
        xml.start(name).end(name);
    }
}

#[cfg(test)]
mod tests {
    use nightjar_config::Value;
    use nightjar_text::Text;

    use super::of_option;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| (Text::new(key), value.clone())).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(Text::new(text))
    }

    #[test]
    fn the_option_becomes_xml() {
        let adr = map(&[("work", text("true")), ("home", text("false")), ("street", text("Elm Street"))]);
        let card = map(&[
            ("fn", text("Conferences")),
            ("adr", Value::List(vec![adr])),
            ("categories", Value::List(vec![text("a"), text("b")])),
            ("org", map(&[("name", text("N")), ("units", Value::List(vec![text("U"), text("V")]))])),
            ("sort_string", text("x")),
            ("class", text("public")),
            ("photo", Value::Unset),
        ]);
        assert_eq!(
            of_option(&card).as_str(),
            "<vCard xmlns='vcard-temp'><FN>Conferences</FN><ADR><WORK/><STREET>Elm Street</STREET></ADR>\
             <CATEGORIES><KEYWORD>a</KEYWORD><KEYWORD>b</KEYWORD></CATEGORIES>\
             <ORG><ORGNAME>N</ORGNAME><ORGUNIT>U</ORGUNIT><ORGUNIT>V</ORGUNIT></ORG>\
             <SORT-STRING>x</SORT-STRING><CLASS><PUBLIC/></CLASS></vCard>"
        );
    }
}
