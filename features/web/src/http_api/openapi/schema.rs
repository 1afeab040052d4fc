//! JSON schemas of arguments and results: what `arguments_from_json` takes and `result_to_json` makes.

use nightjar_base::commands::{CommandSpec, Field, Shape};
use serde_json::{Map, Value as Json, json};

/// An argument in a body.
pub(super) fn argument(field: &Field) -> Json {
    match field.shape {
        Shape::Integer => json!({"anyOf": [
            {"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX},
            {"type": "string", "pattern": "^-?[0-9]{1,18}$"},
        ]}),
        Shape::Binary | Shape::String => json!({"type": "string"}),
        Shape::Atom => json!({"type": ["string", "boolean"]}),
        Shape::Rescode => json!({"type": "boolean"}),
        // No command takes one.
        Shape::Restuple => json!(false),
        Shape::List(element) => list_argument(element),
        Shape::Tuple(fields) => tuple_argument(fields),
    }
}

/// An array, one element alone, or an object in place of a list of pairs.
fn list_argument(element: &Field) -> Json {
    let one = argument(element);
    let mut ways = vec![json!({"type": "array", "items": one}), one.clone()];
    if let Some(value) = value_of_pair(element) {
        ways.push(json!({"type": "object", "additionalProperties": argument(value)}));
    }
    json!({"anyOf": ways})
}

fn value_of_pair(field: &Field) -> Option<&'static Field> {
    match field.shape {
        Shape::Tuple([name, value]) if matches!(name.shape, Shape::Binary | Shape::String) => Some(value),
        _ => None,
    }
}

fn tuple_argument(fields: &'static [Field]) -> Json {
    let whole = object(fields, argument);
    let pair = Field { name: "", shape: Shape::Tuple(fields) };
    match (value_of_pair(&pair), fields) {
        (Some(value), [first, second]) => json!({"anyOf": [whole, {
            "type": "object",
            "additionalProperties": argument(value),
            "propertyNames": {"not": {"enum": [first.name, second.name]}},
            "minProperties": 1,
            "maxProperties": 1,
        }]}),
        _ => whole,
    }
}

fn object(fields: &[Field], schema: impl Fn(&Field) -> Json) -> Json {
    let properties: Map<String, Json> =
        fields.iter().map(|field| (field.name.to_owned(), schema(field))).collect();
    let required: Vec<&str> = fields.iter().map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// An argument in a query, where everything is text; none if text can't say it.
pub(super) fn query_argument(field: &Field) -> Option<Json> {
    let (element, required) = match field.shape {
        Shape::List(element) => (element.shape, false),
        shape => (shape, true),
    };
    let schema = match element {
        Shape::Integer => json!({"type": "string", "pattern": "^-?[0-9]{1,18}$"}),
        Shape::Binary | Shape::String | Shape::Atom => json!({"type": "string"}),
        _ => return None,
    };
    Some(json!({"name": field.name, "in": "query", "required": required, "schema": schema}))
}

/// A result, in an API version.
pub(super) fn result(spec: &CommandSpec, version: u32) -> Json {
    match spec.result.shape {
        Shape::Rescode => json!({"enum": [0, 1], "description": "0 is yes, 1 is no."}),
        Shape::Restuple => json!({"type": "string"}),
        Shape::Tuple([first, second]) if is_key(first, second) => told(second),
        Shape::List(_) | Shape::Tuple(_) => told(&spec.result),
        _ if version == 0 => object(&[spec.result], told),
        _ => told(&spec.result),
    }
}

fn is_key(first: &Field, second: &Field) -> bool {
    first.shape == Shape::Atom || (first.name, first.shape, second.name) == ("name", Shape::String, "value")
}

fn told(field: &Field) -> Json {
    match field.shape {
        Shape::Integer => json!({"type": "integer"}),
        Shape::Binary | Shape::String | Shape::Atom => json!({"type": "string"}),
        Shape::Rescode => json!({"type": "boolean"}),
        Shape::Restuple => object(
            &[Field { name: "res", shape: Shape::Rescode }, Field { name: "text", shape: Shape::String }],
            told,
        ),
        Shape::List(Field { shape: Shape::Tuple([first, second]), .. }) if is_key(first, second) => {
            json!({"type": "object", "additionalProperties": told(second)})
        }
        Shape::List(element) => json!({"type": "array", "items": told(element)}),
        // Pairs of a word and its value may stand in place of their fields' names.
        Shape::Tuple(fields) if fields.iter().any(is_pair) => json!({"type": "object"}),
        Shape::Tuple(fields) => object(fields, told),
    }
}

fn is_pair(field: &Field) -> bool {
    matches!(field.shape, Shape::Tuple([first, second]) if is_key(first, second))
}
