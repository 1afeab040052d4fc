use super::{Format, Record};
use crate::logs::Level;

fn record(message: &str, fields: &[(&'static str, &str)]) -> Record {
    Record {
        time: "2026-11-23 21:25:34.123456+00:00".to_owned(),
        level: Level::Warning,
        target: "nightjar::boot".to_owned(),
        message: message.to_owned(),
        fields: fields.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
    }
}

#[test]
fn each_format_has_its_look() {
    let record = record("it is full", &[("path", "/a b"), ("count", "3")]);
    assert_eq!(
        record.render(Format::Human, false),
        "2026-11-23 21:25:34.123456+00:00 [warning] it is full path=\"/a b\" count=3\n"
    );
    assert_eq!(
        record.render(Format::Human, true),
        "2026-11-23 21:25:34.123456+00:00 \x1b[33m[warning]\x1b[0m it is full path=\"/a b\" count=3\n"
    );
    assert_eq!(
        record.render(Format::Logfmt, true),
        "time=2026-11-23T21:25:34.123456+00:00 level=warning target=nightjar::boot msg=\"it is full\" \
         path=\"/a b\" count=3\n"
    );
    assert_eq!(record.render(Format::Journal, true), "<4>it is full path=\"/a b\" count=3\n");
    let json: serde_json::Value = serde_json::from_str(&record.render(Format::Json, false)).unwrap();
    assert_eq!((json["message"].as_str(), json["count"].as_str()), (Some("it is full"), Some("3")));
}

#[test]
fn nobody_forges_a_line() {
    let record = record("hello\n2026 [info] \x1b[31mforged", &[("jid", "a\nb\"c")]);
    for format in [Format::Human, Format::Json, Format::Logfmt, Format::Journal] {
        let line = record.render(format, false);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(!line.contains('\x1b'), "{line}");
    }
}
