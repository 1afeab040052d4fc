//! Arguments of the HTTP API: whatever the body is, values of the declared shapes or an error that doesn't repeat it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_base::commands::json::{arguments_from_json, parse, result_to_json};
use nightjar_base::commands::{CommandError, CommandSpec, Field, Policy, Shape, Value};

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

const fn spec(name: &'static str, arguments: &'static [Field], shape: Shape) -> CommandSpec {
    let result = field("res", shape);
    CommandSpec { name, tags: &[], doc: "", arguments, result, policy: Policy::Restricted, version: 0 }
}

static TEXT: Field = field("text", Shape::Binary);
static PAIR: Field =
    field("pair", Shape::Tuple(&[field("name", Shape::String), field("value", Shape::Integer)]));
static LISTS: Field = field("texts", Shape::List(&TEXT));

static SPECS: [CommandSpec; 3] = [
    spec("get_roster", &[field("user", Shape::Binary), field("host", Shape::Binary)], Shape::Rescode),
    spec(
        "numbers",
        &[field("n", Shape::Integer), field("a", Shape::Atom), field("d", Shape::Rescode)],
        Shape::Rescode,
    ),
    spec(
        "lists",
        &[field("pairs", Shape::List(&PAIR)), field("lists", Shape::List(&LISTS))],
        Shape::List(&PAIR),
    ),
];

fn fits(field: &Field, value: &Value) -> bool {
    match (field.shape, value) {
        (Shape::Integer, Value::Integer(_)) | (Shape::Rescode, Value::Done(_)) => true,
        (Shape::Binary | Shape::String | Shape::Atom, Value::Text(_)) => true,
        (Shape::List(element), Value::List(values)) => values.iter().all(|value| fits(element, value)),
        (Shape::Tuple(fields), Value::Tuple(values)) => {
            fields.len() == values.len() && fields.iter().zip(values).all(|(field, value)| fits(field, value))
        }
        _ => false,
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(json) = parse(input) else { return };
    for spec in &SPECS {
        match arguments_from_json(spec, &json) {
            Ok(values) => {
                assert_eq!(values.len(), spec.arguments.len());
                assert!(spec.arguments.iter().zip(&values).all(|(field, value)| fits(field, value)));
                if spec.name == "lists" {
                    let _ = result_to_json(spec, 0, &values[0]);
                }
            }
            Err(CommandError::Arguments(why)) => assert!(why.len() < 4096),
            Err(other) => panic!("{other:?}"),
        }
    }
});
