//! A command's result as JSON.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::super::{CommandSpec, Field, Shape, Value};

/// What `mod_http_api` answers with a result, except that [`Value::Told`] is up to the caller. In API version 0, a
/// result that is neither list nor tuple stands under its name.
pub fn result_to_json(spec: &CommandSpec, version: u32, value: &Value) -> Json {
    match (spec.result.shape, value) {
        (_, Value::Done(done)) => json!(i32::from(!done)),
        (_, Value::Told(_, text)) => json!(text.as_str()),
        (Shape::List(_), _) => to_json(&spec.result, value),
        // The name of a pair is lost, as in ejabberd.
        (Shape::Tuple([first, second]), Value::Tuple(parts)) if is_key(first, second) => {
            parts.get(1).map_or(Json::Null, |value| to_json(second, value))
        }
        (Shape::Tuple(_), _) => to_json(&spec.result, value),
        _ if version == 0 => json!({ spec.result.name: to_json(&spec.result, value) }),
        _ => to_json(&spec.result, value),
    }
}

/// A value of this type as JSON. Lists are sorted, as ejabberd's are.
pub fn to_json(field: &Field, value: &Value) -> Json {
    match (field.shape, value) {
        (Shape::List(element), Value::List(values)) => list(element, values),
        (Shape::Tuple(fields), Value::Tuple(values)) => {
            Json::Object(fields.iter().zip(values).map(|(field, value)| member(field, value)).collect())
        }
        (_, Value::Integer(number)) => json!(number),
        (_, Value::Text(text)) => json!(text.as_str()),
        (_, Value::Done(done)) => json!(done),
        (_, Value::Told(done, text)) => json!({"res": done, "text": text.as_str()}),
        (_, Value::List(values) | Value::Tuple(values)) => {
            values.iter().map(|value| to_json(&Field { name: "", shape: Shape::String }, value)).collect()
        }
    }
}

fn member(field: &Field, value: &Value) -> (String, Json) {
    pair(field, value).unwrap_or_else(|| (field.name.to_owned(), to_json(field, value)))
}

/// Whether the first part of a pair is the name of the second.
fn is_key(first: &Field, second: &Field) -> bool {
    first.shape == Shape::Atom || (first.name, first.shape, second.name) == ("name", Shape::String, "value")
}

fn pair(field: &Field, value: &Value) -> Option<(String, Json)> {
    match (field.shape, value) {
        (Shape::Tuple([first, second]), Value::Tuple(parts)) if is_key(first, second) => {
            match parts.as_slice() {
                [Value::Text(key), value] => Some((key.to_string(), to_json(second, value))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A list of pairs whose first part is a name becomes an object, any other list an array.
fn list(element: &Field, values: &[Value]) -> Json {
    let mut sorted: Vec<&Value> = values.iter().collect();
    sorted.sort_by(|one, other| compare(one, other));
    match element.shape {
        Shape::Tuple([first, second]) if is_key(first, second) => {
            Json::Object(sorted.into_iter().filter_map(|value| pair(element, value)).collect::<Map<_, _>>())
        }
        _ => sorted.into_iter().map(|value| to_json(element, value)).collect(),
    }
}

/// Erlang's order of terms, between values of one shape.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.as_str().cmp(other.as_str()),
        (Value::List(one), Value::List(other)) | (Value::Tuple(one), Value::Tuple(other)) => {
            let parts = one.iter().zip(other).map(|(one, other)| compare(one, other));
            parts.fold(Ordering::Equal, Ordering::then).then(one.len().cmp(&other.len()))
        }
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests;
