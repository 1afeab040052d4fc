use nightjar_base::commands::{CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_text::Text;

use super::render;

static NAME: Field = Field { name: "user", shape: Shape::String };
static DETAIL: Field = Field {
    name: "detail",
    shape: Shape::Tuple(&[
        Field { name: "name", shape: Shape::String },
        Field { name: "value", shape: Shape::String },
    ]),
};
static ROW: Field = Field {
    name: "row",
    shape: Shape::Tuple(&[
        Field { name: "jid", shape: Shape::String },
        Field { name: "priority", shape: Shape::Integer },
    ]),
};

fn check(shape: Shape, result: CommandResult, wanted: &str, code: u8) {
    let spec = CommandSpec {
        name: "command",
        tags: &[],
        doc: "",
        arguments: &[],
        result: Field { name: "res", shape },
        policy: Policy::Restricted,
        version: 0,
    };
    let output = render(&spec, &result);
    assert_eq!((output.text.as_str(), output.code), (wanted, code), "{result:?}");
}

#[test]
fn shapes_are_mod_http_apis() {
    check(Shape::Rescode, Ok(Value::Done(true)), "0", 0);
    check(Shape::Rescode, Ok(Value::Done(false)), "1", 1);
    check(Shape::Restuple, Ok(Value::Told(true, Text::new("x"))), "\"x\"", 0);
    check(Shape::List(&NAME), Ok(Value::List(vec![Value::text("a")])), "[\"a\"]", 0);
    let pair = |one, other| Value::Tuple(vec![Value::text(one), Value::text(other)]);
    check(Shape::List(&DETAIL), Ok(Value::List(vec![pair("reason", "spam")])), "{\"reason\":\"spam\"}", 0);
    let row = Value::Tuple(vec![Value::text("a@b"), Value::Integer(3)]);
    check(Shape::List(&ROW), Ok(Value::List(vec![row])), "[{\"jid\":\"a@b\",\"priority\":3}]", 0);
    check(
        Shape::Rescode,
        Err(CommandError::Conflict("taken".into())),
        "{\"code\":10090,\"message\":\"taken\",\"status\":\"error\"}",
        1,
    );
}
