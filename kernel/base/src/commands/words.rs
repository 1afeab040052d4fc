//! Words of a command line become the values a command takes, as ejabberdctl reads them.

use super::{Field, Shape, Value};

/// Why the words don't fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// So many words are missing.
    Missing(usize),
    /// So many words are too many.
    Surplus(usize),
    /// A word is not of its argument's type.
    Wrong {
        /// The argument.
        name: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        given: String,
    },
}

/// One value a word, in the order of the declaration.
///
/// # Errors
/// The first [`Misfit`].
pub fn parse(fields: &'static [Field], words: &[String]) -> Result<Vec<Value>, Misfit> {
    if words.len() < fields.len() {
        return Err(Misfit::Missing(fields.len() - words.len()));
    }
    if words.len() > fields.len() {
        return Err(Misfit::Surplus(words.len() - fields.len()));
    }
    fields.iter().zip(words).map(|(field, word)| value(field, word)).collect()
}

fn value(field: &Field, word: &str) -> Result<Value, Misfit> {
    let wrong = |expected| Misfit::Wrong { name: field.name, expected, given: word.to_owned() };
    match field.shape {
        Shape::Integer => word.trim().parse().map(Value::Integer).map_err(|_| wrong("a whole number")),
        Shape::Binary | Shape::String | Shape::Atom => Ok(Value::text(word)),
        Shape::List(element) => {
            let elements = word.split(',').filter(|element| !element.is_empty());
            elements.map(|text| value(element, text.trim())).collect::<Result<_, _>>().map(Value::List)
        }
        Shape::Tuple(elements) => {
            let words: Vec<String> =
                word.split(':').filter(|element| !element.is_empty()).map(str::to_owned).collect();
            parse(elements, &words).map(Value::Tuple)
        }
        Shape::Rescode => match word {
            "true" | "ok" => Ok(Value::Done(true)),
            "false" => Ok(Value::Done(false)),
            _ => Err(wrong("true or false")),
        },
        Shape::Restuple => Err(wrong("nothing that a command line can give")),
    }
}

#[cfg(test)]
mod tests;
