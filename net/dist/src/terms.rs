//! Values of commands as Erlang terms, in the shapes that a command declares: what `ejabberd_commands` takes and gives.

use nightjar_base::commands::{CommandError, CommandSpec, Field, Shape, Value};
use nightjar_erldist::term::Term;
use nightjar_text::Text;

/// Arguments of a command.
///
/// # Errors
/// [`CommandError::Arguments`] if they don't fit.
pub fn arguments(spec: &CommandSpec, terms: &[Term]) -> Result<Vec<Value>, CommandError> {
    if spec.arguments.len() != terms.len() {
        let wanted = spec.arguments.len();
        return Err(CommandError::Arguments(format!("{wanted} arguments are wanted, not {}", terms.len())));
    }
    spec.arguments.iter().zip(terms).map(|(field, term)| value(field, term)).collect()
}

/// A term as a value of this type.
///
/// # Errors
/// [`CommandError::Arguments`] if it is none.
pub fn value(field: &Field, term: &Term) -> Result<Value, CommandError> {
    let wrong = |wanted: &str| CommandError::Arguments(format!("{} must be {wanted}", field.name));
    match field.shape {
        Shape::Integer => term.as_integer().map(Value::Integer).ok_or_else(|| wrong("an integer")),
        Shape::Binary | Shape::String => {
            text(term).map(|text| Value::Text(Text::from(text))).ok_or_else(|| wrong("text"))
        }
        Shape::Atom => {
            let word = term.as_atom().map(str::to_owned).or_else(|| text(term));
            word.map(|word| Value::Text(Text::from(word))).ok_or_else(|| wrong("an atom"))
        }
        Shape::List(element) => {
            let terms = term.as_list().ok_or_else(|| wrong("a list"))?;
            terms.iter().map(|term| value(element, term)).collect::<Result<_, _>>().map(Value::List)
        }
        Shape::Tuple(fields) => {
            let terms = term.as_tuple().filter(|terms| terms.len() == fields.len());
            let terms = terms.ok_or_else(|| wrong(&format!("a tuple of {}", fields.len())))?;
            let values = fields.iter().zip(terms).map(|(field, term)| value(field, term));
            values.collect::<Result<_, _>>().map(Value::Tuple)
        }
        Shape::Rescode | Shape::Restuple => match term.as_atom() {
            Some("ok" | "true") => Ok(Value::Done(true)),
            Some("error" | "false") => Ok(Value::Done(false)),
            _ => Err(wrong("ok or error")),
        },
    }
}

/// Text in either of Erlang's forms: a binary of UTF-8, or a list of code points, or of the bytes of UTF-8.
pub fn text(term: &Term) -> Option<String> {
    if let Some(bytes) = term.as_binary() {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let points: Vec<u32> = term
        .as_list()?
        .iter()
        .map(|point| point.as_integer().and_then(|point| u32::try_from(point).ok()))
        .collect::<Option<_>>()?;
    // ejabberd's own lists hold bytes; text that is no UTF-8 read as bytes holds code points.
    let bytes: Option<Vec<u8>> = points.iter().map(|point| u8::try_from(*point).ok()).collect();
    let encoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    encoded.or_else(|| points.iter().map(|point| char::from_u32(*point)).collect())
}

/// A command's result as a term. A text alone is a list of characters, texts within lists and tuples are binaries: so
/// ejabberd's own functions have it.
pub fn term(field: &Field, value: &Value) -> Term {
    match (field.shape, value) {
        (Shape::String, Value::Text(text)) => Term::charlist(text.as_str()),
        _ => element(field, value),
    }
}

fn element(field: &Field, value: &Value) -> Term {
    match (field.shape, value) {
        (Shape::List(field), Value::List(values)) => {
            Term::list(values.iter().map(|value| element(field, value)))
        }
        (Shape::Tuple(fields), Value::Tuple(values)) => {
            Term::tuple(fields.iter().zip(values).map(|(field, value)| element(field, value)))
        }
        (Shape::Atom, Value::Text(text)) => Term::atom(text.as_str()),
        (Shape::Restuple, Value::Done(done)) => Term::tuple([code(*done), Term::NIL]),
        (Shape::Rescode, Value::Told(done, _)) => code(*done),
        (_, Value::Integer(number)) => Term::Integer(*number),
        (_, Value::Text(text)) => Term::text(text.as_str()),
        (_, Value::Done(done)) => code(*done),
        (_, Value::Told(done, text)) => Term::tuple([code(*done), Term::charlist(text.as_str())]),
        (_, Value::List(values)) => Term::list(values.iter().map(|value| element(&ANY, value))),
        (_, Value::Tuple(values)) => Term::tuple(values.iter().map(|value| element(&ANY, value))),
    }
}

/// For values that a command gives beyond its declaration.
const ANY: Field = Field { name: "", shape: Shape::String };

fn code(done: bool) -> Term {
    Term::atom(if done { "ok" } else { "error" })
}

/// What ejabberd throws where a command fails.
pub fn failure(error: &CommandError) -> Term {
    let pair = |word: &str, text: &str| Term::tuple([Term::atom(word), Term::charlist(text)]);
    let reason = match error {
        CommandError::Unknown(_) => Term::atom("unknown_command"),
        CommandError::NotAllowed(why) => Term::atom(why),
        CommandError::Arguments(why) => pair("bad_argument", why),
        CommandError::Conflict(why) => pair("conflict", why),
        CommandError::NotFound(what) => pair("not_found", what),
        CommandError::Coded { word, number, text } => {
            Term::tuple([Term::atom(word), Term::Integer(i64::from(*number)), Term::charlist(text)])
        }
        CommandError::Failed(why) | CommandError::Internal(why) => Term::charlist(why),
    };
    Term::tuple([Term::atom("error"), reason])
}

#[cfg(test)]
mod tests;
