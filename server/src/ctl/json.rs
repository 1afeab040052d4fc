//! Results as JSON, in the shapes of ejabberd's `mod_http_api`.

use nightjar_base::commands::{CommandError, CommandResult, CommandSpec, Field, Shape, Value};
use serde_json::{Map, Value as Json, json};

use super::render::{FAILURE, Output, SUCCESS};

/// A command's result as one line of JSON, and the exit code.
pub(crate) fn render(spec: &CommandSpec, result: &CommandResult) -> Output {
    match result {
        Ok(Value::Done(done)) => {
            let code = if *done { SUCCESS } else { FAILURE };
            Output::new(json!(code).to_string(), code)
        }
        Ok(Value::Told(true, text)) => Output::new(json!(text.as_str()).to_string(), SUCCESS),
        Ok(Value::Told(false, text)) => problem(0, text),
        Ok(value) => Output::new(to_json(&spec.result, value).to_string(), SUCCESS),
        Err(CommandError::Conflict(text)) => problem(10090, text),
        Err(error) => problem(0, &error.to_string()),
    }
}

/// `{"status":"error",…}` with ejabberd's number of the error.
pub(crate) fn problem(number: u32, message: &str) -> Output {
    Output::new(json!({"status": "error", "code": number, "message": message}).to_string(), FAILURE)
}

fn to_json(field: &Field, value: &Value) -> Json {
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

#[cfg(test)]
mod tests;
