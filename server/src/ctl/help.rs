//! `help`: lists of commands, their tags, and one command in detail.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nightjar_base::commands::{CommandSpec, Field, Shape};

use super::examples;
use super::render::{Output, SUCCESS, USAGE};

/// Columns of a line of help.
const WIDTH: usize = 78;

/// The tag of commands that no list shows.
const INTERNAL: &str = "internal";

/// Answers `help` and what follows it.
pub(crate) fn help(commands: &[&'static CommandSpec], words: &[String]) -> Output {
    let shown: Vec<_> = commands.iter().copied().filter(|spec| !spec.tags.contains(&INTERNAL)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help"] => Output::new(ABOUT, SUCCESS),
        ["--dual"] => Output::new(usage(&shown, true), USAGE),
        ["--long"] => Output::new(usage(&shown, false), USAGE),
        ["tags" | "--tags"] => Output::new(tags(&shown), SUCCESS),
        // For the console, which completes them.
        ["--names"] => Output::new(names(&shown), SUCCESS),
        ["commands"] => Output::new(tags_in_detail(&shown), SUCCESS),
        ["--tags", tag, ..] => Output::new(one_tag(&shown, tag), SUCCESS),
        [word, ..] => Output::new(about(&shown, word), SUCCESS),
    }
}

/// How the program is called, and every command.
pub(crate) fn usage(commands: &[&'static CommandSpec], dual: bool) -> String {
    let shown: Vec<_> = commands.iter().copied().filter(|spec| !spec.tags.contains(&INTERNAL)).collect();
    let mut text = String::from(
        "Usage: nightjar ctl [--home DIR] [--no-timeout] [--json] [--version APIV] [--auth USER HOST PASSWORD] \
         COMMAND [ARGUMENT…]\n\nCommands of this node:\n",
    );
    text.push_str(&listing(&shown, dual));
    text
}

const ABOUT: &str = "\
help tells about the commands of this node.

  help                this text
  help tags           tags, with the commands of each
  help commands       the same, with arguments
  help TAG            the commands of a tag
  help COMMAND        one command in detail
  help 'COM?*'        commands whose names match: ? is one character, * any number

Examples:
  nightjar ctl help accounts
  nightjar ctl help register
  nightjar ctl help 'regist*'

Arguments that are lists have a comma between their elements, arguments that are tuples a colon.
In results, a list has its elements on lines of their own (inside a tuple: with commas), a tuple has tabs.
";

fn about(commands: &[&'static CommandSpec], word: &str) -> String {
    let mut text = String::new();
    if commands.iter().any(|spec| spec.tags.contains(&word)) {
        text.push_str(&one_tag(commands, word));
    }
    let matching: Vec<_> = match commands.iter().find(|spec| spec.name == word) {
        Some(spec) => vec![*spec],
        None => commands.iter().copied().filter(|spec| glob(word.as_bytes(), spec.name.as_bytes())).collect(),
    };
    match matching.as_slice() {
        [] if text.is_empty() => format!("No tag or command matches '{word}'"),
        [] => text,
        [spec] => text + &detail(spec),
        several => text + &listing(several, false),
    }
}

/// Shell patterns with `?` and `*`.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => glob(rest, name),
        (Some((b'*', rest)), Some((_, tail))) => glob(rest, name) || glob(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((wanted, rest)), Some((found, tail))) => wanted == found && glob(rest, tail),
        _ => false,
    }
}

/// The commands of each tag.
pub(crate) fn by_tag(commands: &[&'static CommandSpec]) -> BTreeMap<&'static str, Vec<&'static CommandSpec>> {
    let mut tags: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for spec in commands {
        for tag in spec.tags {
            tags.entry(*tag).or_default().push(*spec);
        }
    }
    tags
}

fn tags(commands: &[&'static CommandSpec]) -> String {
    let mut text = String::from("Available tags and list of commands:");
    for (tag, of_tag) in by_tag(commands) {
        let names: Vec<_> = of_tag.iter().map(|spec| spec.name).collect();
        let _ = write!(text, "\n\n  {tag}\n     {}", wrapped(&names.join(" "), 5));
    }
    text + "\n"
}

fn tags_in_detail(commands: &[&'static CommandSpec]) -> String {
    let mut text = String::from("Available tags and commands details:\n");
    for (tag, of_tag) in by_tag(commands) {
        let _ = writeln!(text, "\n  {tag}");
        for spec in of_tag {
            let _ = writeln!(text, "    {}", synopsis(spec));
        }
    }
    text
}

fn one_tag(commands: &[&'static CommandSpec], tag: &str) -> String {
    let of_tag = by_tag(commands).remove(tag).unwrap_or_default();
    format!("Available commands with tag {tag}:\n\n{}\n", listing(&of_tag, false))
}

fn names(commands: &[&'static CommandSpec]) -> String {
    let lines: Vec<_> = commands.iter().map(|spec| synopsis(spec)).collect();
    lines.join("\n")
}

/// The name and the names of the arguments.
fn synopsis(spec: &CommandSpec) -> String {
    let mut text = spec.name.to_owned();
    for argument in spec.arguments {
        let _ = write!(text, " {}", argument.name);
    }
    text
}

/// Commands with what they do: beside them if `dual` and there is room, otherwise below.
fn listing(commands: &[&'static CommandSpec], dual: bool) -> String {
    let lines: Vec<_> = commands.iter().map(|spec| (synopsis(spec), spec.doc)).collect();
    let longest = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    let beside = dual && longest + 40 <= WIDTH;
    let mut text = String::new();
    for (line, doc) in lines {
        let _ = if beside {
            writeln!(text, "  {line:longest$} {}", wrapped(doc, longest + 4))
        } else {
            writeln!(text, "  {line}\n            {}", wrapped(doc, 13))
        };
    }
    text
}

/// Breaks a text into lines whose first begins at column `indent`.
fn wrapped(text: &str, indent: usize) -> String {
    let room = WIDTH.saturating_sub(indent);
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        if used > 0 && used + 1 + word.len() >= room {
            let _ = write!(out, "\n{:indent$}", "");
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += word.len();
    }
    out
}

fn detail(spec: &CommandSpec) -> String {
    let mut text = format!("  Command Name: {}\n\n  Arguments: ", spec.name);
    for argument in spec.arguments {
        let about = examples::about(argument.name).map(|about| format!(" : {about}"));
        let _ = write!(text, "{}{}\n{:13}", type_of(argument, 13), about.unwrap_or_default(), "");
    }
    let _ = write!(text, "\n  Result: {}\n\n  Example: ", type_of(&spec.result, 11));
    for line in examples::lines(spec) {
        let _ = write!(text, "{line}\n{:11}", "");
    }
    let _ = write!(text, "\n  Tags: {}\n", spec.tags.join(" "));
    let _ = write!(text, "\n  Description: {}\n", wrapped(spec.doc, 15));
    if spec.arguments.iter().any(|argument| holds(argument, &|shape| matches!(shape, Shape::List(_)))) {
        text.push_str("\n  Note: a list is given with commas: one,two,three; an empty list as \"\".\n");
    }
    if spec.arguments.iter().any(|argument| holds(argument, &|shape| matches!(shape, Shape::Tuple(_)))) {
        text.push_str("\n  Note: a tuple is given with colons: members_only:true\n");
    }
    text
}

fn holds(field: &Field, wanted: &dyn Fn(&Shape) -> bool) -> bool {
    wanted(&field.shape)
        || match field.shape {
            Shape::List(element) => holds(element, wanted),
            Shape::Tuple(elements) => elements.iter().any(|element| holds(element, wanted)),
            _ => false,
        }
}

/// A type as ejabberd writes it: `users::[ username::string ]`.
pub(crate) fn type_of(field: &Field, indent: usize) -> String {
    let name = field.name;
    let inner = indent + name.len() + 4;
    match field.shape {
        Shape::Integer => format!("{name}::integer"),
        Shape::Binary => format!("{name}::binary"),
        Shape::String => format!("{name}::string"),
        Shape::Atom => format!("{name}::atom"),
        Shape::Rescode => format!("{name}::rescode"),
        Shape::Restuple => format!("{name}::restuple"),
        Shape::List(element) => format!("{name}::[ {} ]", type_of(element, inner)),
        Shape::Tuple(elements) => {
            let elements: Vec<_> = elements.iter().map(|element| type_of(element, inner)).collect();
            format!("{name}::{{ {} }}", elements.join(&format!(",\n{:inner$}", "")))
        }
    }
}

#[cfg(test)]
mod tests;
