//! The io protocol between a process and its group leader: texts to show.

use crate::{Pid, Reference, Term};

/// Bytes of text in one request.
const PIECE_BYTES: usize = 16 * 1024;

/// A text in pieces of at most [`PIECE_BYTES`], cut between characters.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A request to show a text. As ejabberd has it, the characters are the bytes of its UTF-8: the standard output of
/// `erl -noinput`, which knows ISO 8859-1 only, then writes the UTF-8 as it was.
pub(super) fn put_chars(from: &Pid, reference: Reference, text: &str) -> Term {
    let put = [Term::atom("put_chars"), Term::atom("unicode"), Term::byte_list(text.as_bytes())];
    Term::tuple([Term::atom("io_request"), from.clone().into(), reference.into(), Term::tuple(put)])
}

/// Answers a request as a group leader: the reply, and what there is to show.
pub(super) fn on_request(request: &Term) -> (Term, String) {
    match show(request) {
        Some(text) => (Term::atom("ok"), text),
        None => (Term::tuple([Term::atom("error"), Term::atom("enotsup")]), String::new()),
    }
}

fn show(request: &Term) -> Option<String> {
    let parts = request.as_tuple()?;
    let (tag, rest) = parts.split_first()?;
    match (tag.as_atom()?, rest) {
        ("put_chars", [chars] | [_, chars]) => Some(utf8(chars.to_text()?)),
        (
            "put_chars",
            [module, function, Term::List(arguments)] | [_, module, function, Term::List(arguments)],
        ) => {
            let is_format = module.is_atom("io_lib") && function.is_atom("format");
            match arguments.as_slice() {
                [format, Term::List(values)] if is_format => {
                    Some(utf8(format_text(&format.to_text()?, values)))
                }
                _ => None,
            }
        }
        // Requests within requests would nest without bound.
        ("requests", [Term::List(requests)]) => {
            let is_plain = |request: &Term| {
                !request.as_tuple().is_some_and(|it| it.first().is_some_and(|tag| tag.is_atom("requests")))
            };
            requests.iter().map(|request| if is_plain(request) { show(request) } else { None }).collect()
        }
        _ => None,
    }
}

/// Text whose characters are the bytes of UTF-8 is that UTF-8.
fn utf8(text: String) -> String {
    let bytes: Option<Vec<u8>> =
        text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}

/// `io_lib:format/2` as far as commands print with it: `~n`, `~~`, texts (`~s`, `~ts`), terms (`~p`, `~w` and numbers).
/// Widths and precisions are passed over.
fn format_text(format: &str, values: &[Term]) -> String {
    let nothing = Term::NIL;
    let mut text = String::new();
    let mut values = values.iter();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '~' {
            text.push(character);
            continue;
        }
        match rest.find(|character| !matches!(character, '0'..='9' | '.' | '-' | 't' | 'l')) {
            Some('n') => text.push('\n'),
            Some('~') => text.push('~'),
            Some('s') => {
                let value = values.next().unwrap_or(&nothing);
                text.push_str(
                    &value.to_text().or_else(|| value.as_atom().map(str::to_owned)).unwrap_or_default(),
                );
            }
            Some('c') => {
                let point =
                    values.next().and_then(Term::as_integer).and_then(|point| u32::try_from(point).ok());
                text.extend(point.and_then(char::from_u32));
            }
            Some('i') => drop(values.next()),
            Some(_) => text.push_str(&values.next().unwrap_or(&nothing).to_string()),
            None => {}
        }
    }
    text
}
