//! Arguments and results as JSON, in the shapes of ejabberd's `mod_http_api`.

use serde_json::{Map, Value as Json, json};

use super::{Field, Shape, Value};

/// A value of this type as JSON.
pub fn to_json(field: &Field, value: &Value) -> Json {
    match (field.shape, value) {
        (Shape::List(element), Value::List(values)) => list(element, values),
        (Shape::Tuple(fields), Value::Tuple(values)) => fields
            .iter()
            .zip(values)
            .map(|(field, value)| (field.name.to_owned(), to_json(field, value)))
            .collect(),
        (_, Value::Integer(number)) => json!(number),
        (_, Value::Text(text)) => json!(text.as_str()),
        (_, Value::Done(done)) => json!(done),
        (_, Value::Told(done, text)) => json!({"res": done, "text": text.as_str()}),
        (_, Value::List(values) | Value::Tuple(values)) => {
            values.iter().map(|value| to_json(&Field { name: "", shape: Shape::String }, value)).collect()
        }
    }
}

/// A list of pairs whose first part is a name becomes an object, any other list an array.
fn list(element: &Field, values: &[Value]) -> Json {
    let Shape::Tuple([name, second]) = element.shape else { return array(element, values) };
    let is_key =
        name.shape == Shape::Atom || (name.name, name.shape, second.name) == ("name", Shape::String, "value");
    if !is_key {
        return array(element, values);
    }
    let pairs = values.iter().filter_map(|value| match value {
        Value::Tuple(pair) => match pair.as_slice() {
            [Value::Text(key), value] => Some((key.to_string(), to_json(second, value))),
            _ => None,
        },
        _ => None,
    });
    Json::Object(pairs.collect::<Map<_, _>>())
}

fn array(element: &Field, values: &[Value]) -> Json {
    values.iter().map(|value| to_json(element, value)).collect()
}
