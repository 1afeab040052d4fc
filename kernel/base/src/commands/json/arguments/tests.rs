use serde_json::Value as Json;

use super::arguments_from_json;
use crate::commands::{CommandError, CommandSpec, Field, Policy, Shape};

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

static GROUP: Field = field("group", Shape::Binary);
static OPTION: Field =
    field("option", Shape::Tuple(&[field("name", Shape::Binary), field("value", Shape::Binary)]));
static USER: Field =
    field("user", Shape::Tuple(&[field("jid", Shape::Binary), field("age", Shape::Integer)]));

const fn spec(name: &'static str, arguments: &'static [Field]) -> CommandSpec {
    let result = field("res", Shape::Rescode);
    CommandSpec { name, tags: &[], doc: "", arguments, result, policy: Policy::Restricted, version: 0 }
}

static ACCOUNT: CommandSpec =
    spec("get_roster", &[field("user", Shape::Binary), field("host", Shape::Binary)]);
static NUMBER: CommandSpec = spec("number", &[field("num", Shape::Integer)]);
static NICK: CommandSpec =
    spec("muc_register_nick", &[field("host", Shape::Binary), field("service", Shape::Binary)]);
static GROUPS: CommandSpec = spec("groups", &[field("groups", Shape::List(&GROUP))]);
static OPTIONS: CommandSpec = spec("options", &[field("options", Shape::List(&OPTION))]);
static USERS: CommandSpec = spec("users", &[field("users", Shape::List(&USER))]);
static WORDS: CommandSpec = spec("words", &[field("word", Shape::Atom), field("done", Shape::Rescode)]);

/// What the JSON becomes, in Rust's notation without names of types; or the error.
fn check(spec: &CommandSpec, json: &str, wanted: &str) {
    let json: Json = serde_json::from_str(json).unwrap();
    let got = match arguments_from_json(spec, &json) {
        Ok(values) => format!("{values:?}").replace("Text(", "(").replace("Integer(", "("),
        Err(CommandError::Arguments(why)) => why,
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(got, wanted, "{} {json}", spec.name);
}

#[test]
fn arguments_are_taken_by_name() {
    check(&ACCOUNT, r#"{"host":"h","user":"u"}"#, r#"[("u"), ("h")]"#);
    check(&ACCOUNT, r#"{"server":"h","user":"u"}"#, r#"[("u"), ("h")]"#);
    // Here `host` is an argument of its own, not the old name of `service`.
    check(&NICK, r#"{"host":"h","service":"s"}"#, r#"[("h"), ("s")]"#);
    check(&NUMBER, r#"{"num":"-12"}"#, "[(-12)]");
    check(&NUMBER, r#"{"num":9223372036854775807}"#, "[(9223372036854775807)]");
    check(&NUMBER, r#"{"num":-3.0}"#, "[(-3)]");
    check(&WORDS, r#"{"word":"x","done":false}"#, r#"[("x"), Done(false)]"#);
    check(&WORDS, r#"{"word":true,"done":true}"#, r#"[("true"), Done(true)]"#);
}

#[test]
fn lists_and_tuples_have_short_forms() {
    check(&GROUPS, r#"{"groups":["a","b"]}"#, r#"[List([("a"), ("b")])]"#);
    check(&GROUPS, r#"{"groups":"a"}"#, r#"[List([("a")])]"#);
    check(&GROUPS, "{}", "[List([])]");
    let pair = r#"[List([Tuple([("a"), ("1")])])]"#;
    check(&OPTIONS, r#"{"options":{"a":"1"}}"#, pair);
    check(&OPTIONS, r#"{"options":[{"a":"1"}]}"#, pair);
    check(&OPTIONS, r#"{"options":[{"name":"a","value":"1"}]}"#, pair);
    check(&OPTIONS, r#"{"options":{"value":"1","name":"a"}}"#, pair);
    check(&USERS, r#"{"users":[{"jid":"a","age":1}]}"#, r#"[List([Tuple([("a"), (1)])])]"#);
    check(&USERS, r#"{"users":{"a":"1"}}"#, r#"[List([Tuple([("a"), (1)])])]"#);
}

#[test]
fn what_does_not_fit_is_said() {
    check(&ACCOUNT, r#"{"user":"u"}"#, "Request have missing argument: host");
    check(
        &ACCOUNT,
        r#"{"user":"u","hsot":"h"}"#,
        "Request have missing argument: host. Did you mean host by hsot?",
    );
    check(&ACCOUNT, r#"{"user":"u","host":"h","zzz":1,"a":2}"#, "Request have unknown arguments: [a,zzz]");
    check(&ACCOUNT, r#"{"user":"u","host":"h","server":"h"}"#, "Request have unknown arguments: [server]");
    check(&ACCOUNT, r#"{"user":7,"host":"h"}"#, "Arg of digits is not in format binary (argument user)");
    check(&ACCOUNT, r#"{"user":null,"host":"h"}"#, "Arg null is not in format binary (argument user)");
    check(&ACCOUNT, r#"["user"]"#, "Arg of a list is not an object of arguments");
    check(&GROUPS, "[]", "Arg of a list is not an object of arguments");
    check(&ACCOUNT, "7", "Arg of digits is not an object of arguments");
    for text in ["", "-", "+1", " 1", "1 ", "0x1", "1234567890123456789", "١"] {
        let json = format!(r#"{{"num":"{text}"}}"#);
        check(&NUMBER, &json, "Arg of text is not in format integer (argument num)");
    }
    check(&NUMBER, r#"{"num":1e300}"#, "Arg with a fraction is not in format integer (argument num)");
    check(&NUMBER, r#"{"num":1.5}"#, "Arg with a fraction is not in format integer (argument num)");
    check(&NUMBER, r#"{"num":"x"}"#, "Arg of text is not in format integer (argument num)");
    check(
        &NUMBER,
        r#"{"num":18446744073709551615}"#,
        "Arg of digits is not in format integer (argument num)",
    );
    check(&WORDS, r#"{"word":1,"done":true}"#, "Arg of digits is not in format atom (argument word)");
    check(&WORDS, r#"{"word":"x","done":0}"#, "Arg of digits is not in format rescode (argument done)");
    check(&GROUPS, r#"{"groups":[["a"]]}"#, "Arg of a list is not in format binary (argument group)");
    check(&OPTIONS, r#"{"options":["a"]}"#, "Arg of text is not in format tuple (argument option)");
    check(&OPTIONS, r#"{"options":[{"name":"a"}]}"#, "Missing field value in tuple option");
    check(
        &USERS,
        r#"{"users":[{"jdi":"a","age":1}]}"#,
        "Request have unknown arguments: [jdi]. Did you mean jid by jdi?",
    );
}
