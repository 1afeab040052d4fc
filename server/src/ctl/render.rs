//! Results as ejabberdctl prints them, and the exit codes that go with them.

use nightjar_base::commands::{CommandError, CommandResult, CommandSpec, Field, Shape, Value};

use super::erlang;

/// Exit code: it worked.
pub(crate) const SUCCESS: u8 = 0;
/// Exit code: it did not work, or the answer is no.
pub(crate) const FAILURE: u8 = 1;
/// Exit code: wrong usage or arguments.
pub(crate) const USAGE: u8 = 2;
/// Exit code: the node can't be reached.
pub(crate) const UNREACHABLE: u8 = 3;

/// What is printed, without the last line's end, and the exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) text: String,
    pub(crate) code: u8,
}

impl Output {
    pub(crate) fn new(text: impl Into<String>, code: u8) -> Self {
        Self { text: text.into(), code }
    }
}

/// A command's result in words.
pub(crate) fn render(spec: &CommandSpec, version: u32, result: &CommandResult) -> Output {
    match result {
        Err(error) => Output::new(failure(error), FAILURE),
        Ok(Value::Done(true)) => Output::new("", SUCCESS),
        Ok(Value::Done(false)) => Output::new("Error: false", FAILURE),
        Ok(Value::Told(true, text)) => Output::new(text.as_str(), SUCCESS),
        Ok(Value::Told(false, text)) => Output::new(not_ok(text), FAILURE),
        Ok(value) => {
            let mut text = String::new();
            let separators = Separators { list: if version == 0 { ";" } else { "," } };
            match (spec.result.shape, value) {
                // Only the outermost list has a line for each element.
                (Shape::List(element), Value::List(values)) => {
                    separators.join(&mut text, "\n", values.iter().map(|value| (element, value)));
                }
                _ => separators.write(&mut text, &spec.result, value),
            }
            Output::new(text, SUCCESS)
        }
    }
}

/// The line for a command that failed.
pub(crate) fn failure(error: &CommandError) -> String {
    match error {
        CommandError::Unknown(what) => format!("Error: unknown command '{what}'."),
        CommandError::Arguments(why) => format!("{{bad_argument,{}}}", erlang::string(why)),
        CommandError::NotAllowed(why) => format!("{{error,{}}}", erlang::reason(why)),
        CommandError::Conflict(why) => format!("Error: conflict: {why}"),
        CommandError::NotFound(what) => format!("{{not_found,{}}}", erlang::string(what)),
        CommandError::Coded { word, text, .. } => format!("Error: {word}: {text}"),
        // Many lines are for a person: the mistakes of a configuration.
        CommandError::Failed(why) if why.contains('\n') => format!("Error: {why}"),
        CommandError::Failed(why) | CommandError::Internal(why) => not_ok(why),
    }
}

/// A result code other than ok, as ejabberdctl prints it: one line for a word; two for an error with a sentence.
fn not_ok(why: &str) -> String {
    if erlang::atom(why) == why {
        return format!("Error: {why}");
    }
    format!("Error: error\nError: {}", erlang::string(why))
}

struct Separators {
    list: &'static str,
}

impl Separators {
    fn join<'a>(
        &self,
        out: &mut String,
        separator: &str,
        values: impl Iterator<Item = (&'a Field, &'a Value)>,
    ) {
        for (at, (field, value)) in values.enumerate() {
            if at > 0 {
                out.push_str(separator);
            }
            self.write(out, field, value);
        }
    }

    fn write(&self, out: &mut String, field: &Field, value: &Value) {
        match (field.shape, value) {
            (Shape::Atom, Value::Text(text)) => out.push_str(&erlang::atom(text)),
            (_, Value::Text(text) | Value::Told(_, text)) => out.push_str(text),
            (_, Value::Integer(number)) => out.push_str(&number.to_string()),
            (_, Value::Done(done)) => out.push_str(if *done { "0" } else { "1" }),
            (Shape::List(element), Value::List(values)) => {
                self.join(out, self.list, values.iter().map(|value| (element, value)));
            }
            (Shape::Tuple(elements), Value::Tuple(values)) => {
                self.join(out, "\t", elements.iter().zip(values));
            }
            // A command that breaks its own declaration; its test shows it.
            (shape, value) => tracing::error!(?shape, ?value, "a command's result has the wrong shape"),
        }
    }
}

#[cfg(test)]
mod tests;
