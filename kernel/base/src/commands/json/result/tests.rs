use super::result_to_json;
use crate::commands::{CommandSpec, Field, Policy, Shape, Value};

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

static NAME: Field = field("user", Shape::String);
static DETAIL: Field =
    field("detail", Shape::Tuple(&[field("name", Shape::String), field("value", Shape::Integer)]));
static ROW: Field =
    field("row", Shape::Tuple(&[field("jid", Shape::String), field("groups", Shape::List(&NAME))]));
const PAIR: Shape = Shape::Tuple(&[field("word", Shape::Atom), field("value", Shape::Integer)]);

fn check(shape: Shape, version: u32, value: Value, wanted: &str) {
    let result = field("res", shape);
    let spec = CommandSpec {
        name: "x",
        tags: &[],
        doc: "",
        arguments: &[],
        result,
        policy: Policy::Open,
        version: 0,
    };
    assert_eq!(result_to_json(&spec, version, &value).to_string(), wanted, "{value:?}");
}

#[test]
fn results_have_ejabberds_shapes() {
    let pair = |name: &str, number| Value::Tuple(vec![Value::text(name), Value::Integer(number)]);
    let row = |name: &str, groups: &[&str]| {
        Value::Tuple(vec![Value::text(name), Value::List(groups.iter().map(Value::text).collect())])
    };
    check(Shape::Rescode, 2, Value::Done(true), "0");
    check(Shape::Rescode, 2, Value::Done(false), "1");
    check(Shape::Restuple, 2, Value::Told(true, "done".into()), "\"done\"");
    check(Shape::Integer, 2, Value::Integer(7), "7");
    check(Shape::Integer, 0, Value::Integer(7), "{\"res\":7}");
    check(Shape::Atom, 0, Value::text("info"), "{\"res\":\"info\"}");
    let names = Value::List(vec![Value::text("b"), Value::text("a")]);
    check(Shape::List(&NAME), 0, names, "[\"a\",\"b\"]");
    check(Shape::List(&DETAIL), 2, Value::List(vec![pair("b", 1), pair("a", 2)]), "{\"a\":2,\"b\":1}");
    check(
        Shape::List(&ROW),
        2,
        Value::List(vec![row("b", &[]), row("a", &["z", "y"]), row("a", &["z"])]),
        "[{\"groups\":[\"z\"],\"jid\":\"a\"},{\"groups\":[\"y\",\"z\"],\"jid\":\"a\"},\
         {\"groups\":[],\"jid\":\"b\"}]",
    );
    check(PAIR, 2, pair("a", 3), "3");
    const TWO: &[Field] = &[field("nested", PAIR), field("count", Shape::Integer)];
    check(
        Shape::Tuple(TWO),
        2,
        Value::Tuple(vec![pair("word", 1), Value::Integer(2)]),
        "{\"count\":2,\"word\":1}",
    );
}
