//! Words as Erlang prints them with `~p`, because that is what scripts around ejabberdctl have learnt to read.

/// An atom: bare where Erlang would not quote it.
pub(crate) fn atom(text: &str) -> String {
    if is_plain_atom(text) { text.to_owned() } else { quoted(text, '\'') }
}

/// A string in double quotes.
pub(crate) fn string(text: &str) -> String {
    quoted(text, '"')
}

/// What stands behind `Error: ` for a reason: ejabberd's reasons are atoms (one word) or strings (sentences).
pub(crate) fn reason(text: &str) -> String {
    if is_plain_atom(text) { text.to_owned() } else { string(text) }
}

fn is_plain_atom(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_' || other == '@')
}

fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            other if other == quote => out.extend(['\\', other]),
            other => out.push(other),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests;
