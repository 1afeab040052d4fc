//! An object of named arguments becomes the values a command takes.

use nightjar_config::nearest::nearest;
use serde_json::{Map, Number, Value as Json};

use super::super::{CommandError, CommandSpec, Field, Shape, Value};
use super::renames::old_name;

/// The arguments of a command, by their names.
///
/// As ejabberd does, it takes a number as text of digits, one element in place of a list, nothing in place of an empty
/// list, and `{"name": "value"}` for a list of pairs.
///
/// # Errors
/// [`CommandError::Arguments`] says which argument is missing, too many, or of which type it must be. What was given
/// isn't repeated: it may be a password.
pub fn arguments_from_json(spec: &CommandSpec, json: &Json) -> Result<Vec<Value>, CommandError> {
    let Json::Object(given) = json else {
        return Err(wrong(&format!("Arg {} is not an object of arguments", kind(json))));
    };
    let mut used = Vec::with_capacity(given.len());
    let mut values = Vec::with_capacity(spec.arguments.len());
    for field in spec.arguments {
        let Some((name, value)) = find(spec, given, field.name) else {
            if let Shape::List(_) = field.shape {
                values.push(Value::List(Vec::new()));
                continue;
            }
            let strange = given.keys().map(String::as_str).filter(|name| !is_known(spec, name));
            return Err(wrong(&format!(
                "Request have missing argument: {}{}",
                field.name,
                hint(spec.arguments, strange)
            )));
        };
        used.push(name);
        values.push(convert(field, value)?);
    }
    let surplus: Vec<&str> = given.keys().map(String::as_str).filter(|name| !used.contains(name)).collect();
    if surplus.is_empty() { Ok(values) } else { Err(unknown(spec.arguments, &surplus)) }
}

/// An argument by its name of today, or else by its earlier name.
fn find<'a>(spec: &CommandSpec, given: &'a Map<String, Json>, name: &'a str) -> Option<(&'a str, &'a Json)> {
    if let Some(value) = given.get(name) {
        return Some((name, value));
    }
    let old =
        old_name(spec.name, name).filter(|old| spec.arguments.iter().all(|field| field.name != *old))?;
    given.get(old).map(|value| (old, value))
}

fn is_known(spec: &CommandSpec, name: &str) -> bool {
    spec.arguments.iter().any(|field| field.name == name || old_name(spec.name, field.name) == Some(name))
}

fn wrong(why: &str) -> CommandError {
    CommandError::Arguments(why.to_owned())
}

fn unknown(fields: &[Field], names: &[&str]) -> CommandError {
    let shown: Vec<String> = names.iter().take(8).map(|name| shortened(name)).collect();
    let hint = hint(fields, names.iter().copied());
    wrong(&format!("Request have unknown arguments: [{}]{hint}", shown.join(",")))
}

/// The first name that is nearly one of the fields.
fn hint<'a>(fields: &[Field], names: impl Iterator<Item = &'a str>) -> String {
    let mut near = names.take(8).filter(|name| name.len() <= 64).filter_map(|name| {
        let near = nearest(name, fields.iter().map(|field| field.name))?;
        Some(format!(". Did you mean {near} by {name}?"))
    });
    near.next().unwrap_or_default()
}

fn shortened(name: &str) -> String {
    let mut short: String = name.chars().take(64).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

/// A value's type in words.
fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "of true or false",
        Json::Number(number) if number.is_f64() => "with a fraction",
        Json::Number(_) => "of digits",
        Json::String(_) => "of text",
        Json::Array(_) => "of a list",
        Json::Object(_) => "of an object",
    }
}

fn misfit(field: &Field, json: &Json, format: &str) -> CommandError {
    wrong(&format!("Arg {} is not in format {format} (argument {})", kind(json), field.name))
}

fn convert(field: &Field, json: &Json) -> Result<Value, CommandError> {
    match (field.shape, json) {
        (Shape::Integer, Json::Number(number)) => {
            whole(number).map(Value::Integer).ok_or_else(|| misfit(field, json, "integer"))
        }
        (Shape::Integer, Json::String(text)) => {
            digits(text).map(Value::Integer).ok_or_else(|| misfit(field, json, "integer"))
        }
        (Shape::Integer, _) => Err(misfit(field, json, "integer")),
        (Shape::Binary | Shape::String | Shape::Atom, Json::String(text)) => Ok(Value::text(text)),
        (Shape::Atom, Json::Bool(word)) => Ok(Value::text(if *word { "true" } else { "false" })),
        (Shape::Binary, _) => Err(misfit(field, json, "binary")),
        (Shape::String, _) => Err(misfit(field, json, "string")),
        (Shape::Atom, _) => Err(misfit(field, json, "atom")),
        (Shape::List(element), _) => list(element, json).map(Value::List),
        (Shape::Tuple(fields), _) => tuple(field, fields, json),
        (Shape::Rescode, Json::Bool(done)) => Ok(Value::Done(*done)),
        (Shape::Rescode, _) => Err(misfit(field, json, "rescode")),
        (Shape::Restuple, _) => Err(misfit(field, json, "restuple")),
    }
}

/// To JSON, `1.0` is a whole number too. Beyond 2⁵³ a fraction might have been lost.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        let is_whole = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
        // Exact: the value is whole and small enough.
        (is_whole && number.is_f64()).then_some(float as i64)
    })
}

fn digits(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_number = (1..=18).contains(&unsigned.len()) && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn list(element: &Field, json: &Json) -> Result<Vec<Value>, CommandError> {
    match (element.shape, json) {
        (_, Json::Array(items)) => items.iter().map(|item| convert(element, item)).collect(),
        (Shape::Tuple([name, value]), Json::Object(entries))
            if is_text(name) && !is_tuple(&[*name, *value], entries) =>
        {
            let pair = |(key, json): (&String, &Json)| {
                Ok(Value::Tuple(vec![Value::text(key), convert(value, json)?]))
            };
            entries.iter().map(pair).collect()
        }
        _ => convert(element, json).map(|value| vec![value]),
    }
}

fn is_text(field: &Field) -> bool {
    matches!(field.shape, Shape::Binary | Shape::String)
}

/// Whether the object names the tuple's parts, rather than being a pair itself.
fn is_tuple(fields: &[Field], entries: &Map<String, Json>) -> bool {
    entries.len() == fields.len() && fields.iter().all(|field| entries.contains_key(field.name))
}

fn tuple(whole: &Field, fields: &'static [Field], json: &Json) -> Result<Value, CommandError> {
    let Json::Object(entries) = json else { return Err(misfit(whole, json, "tuple")) };
    if let ([name, value], Some((key, json)), 1) = (fields, entries.iter().next(), entries.len())
        && is_text(name)
        && *key != name.name
        && *key != value.name
    {
        return Ok(Value::Tuple(vec![Value::text(key), convert(value, json)?]));
    }
    let strange: Vec<&str> = entries.keys().map(String::as_str).collect();
    let strange: Vec<&str> =
        strange.into_iter().filter(|name| fields.iter().all(|field| field.name != *name)).collect();
    if !strange.is_empty() {
        return Err(unknown(fields, &strange));
    }
    let parts = fields.iter().map(|field| match entries.get(field.name) {
        Some(json) => convert(field, json),
        None => Err(wrong(&format!("Missing field {} in tuple {}", field.name, whole.name))),
    });
    parts.collect::<Result<_, _>>().map(Value::Tuple)
}

#[cfg(test)]
mod tests;
