//! Files of at most 600 lines, functions of at most 70. `long.tsv` lists what is longer, with its length:
//! the list only shrinks, because a length that is no longer true must be lowered.

use super::File;
use super::source::code;

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// `exceptions` has a line for each: path, function's name or `-` for the file, lines.
pub(crate) fn complaints(files: &[File], exceptions: &str) -> Vec<String> {
    let mut allowed: Vec<(String, usize)> = exceptions
        .lines()
        .skip(1)
        .filter_map(|line| {
            let (what, lines) = line.rsplit_once('\t')?;
            Some((what.to_owned(), lines.parse().ok()?))
        })
        .collect();
    let mut complaints = Vec::new();
    let mut judge = |what: String, place: String, lines: usize, limit: usize| {
        let exception =
            allowed.iter().position(|(name, _)| *name == what).map(|at| allowed.swap_remove(at).1);
        match exception {
            Some(_) if lines <= limit => complaints.push(format!("{place}: short now: take it off long.tsv")),
            Some(known) if lines < known => {
                complaints.push(format!("{place}: {lines} lines now: lower {known} in long.tsv"))
            }
            Some(known) if lines > known => {
                complaints.push(format!("{place}: {lines} lines, long.tsv allows {known}"))
            }
            None if lines > limit => complaints.push(format!("{place}: {lines} lines, at most {limit}")),
            _ => {}
        }
    };
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        judge(format!("{}\t-", file.path), file.path.clone(), file.text.lines().count(), FILE_LINES);
        let code = code(&file.text);
        for function in functions(&code) {
            let place = format!("{}:{}: {}", file.path, function.line, function.name);
            judge(format!("{}\t{}", file.path, function.name), place, function.lines, FUNCTION_LINES);
        }
    }
    complaints.extend(
        allowed
            .iter()
            .map(|(what, _)| format!("{}: is no more: take it off long.tsv", what.replace('\t', " "))),
    );
    complaints
}

/// Functions of code laid out by rustfmt: the body ends at the first line that is a brace alone
/// at the function's own indentation.
fn functions(code: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = line.len() - line.trim_start().len();
        let body = lines.get(start..).unwrap_or_default();
        let ended_at_once = line.trim_end().ends_with(['}', ';']);
        let length = body.iter().position(|line| {
            let end = line.trim_end();
            end.len() == indentation + 1 && end.ends_with('}')
        });
        // A signature without a body ends with a semicolon before any brace at its indentation.
        let bodiless = body.iter().position(|line| line.trim_end().ends_with(';'))
            < body.iter().position(|line| line.trim_end().ends_with('{'));
        if let Some(length) = length.filter(|_| !ended_at_once && !bodiless) {
            found.push(Function { name, line: start + 1, lines: length + 1 });
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    loop {
        match words.next()? {
            "fn" => return words.next()?.split(['(', '<']).next(),
            "pub" | "const" | "async" | "unsafe" | "default" => {}
            word if word.starts_with("pub(") || word.starts_with("extern") || word.ends_with(')') => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
