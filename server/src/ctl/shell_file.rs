//! `ejabberdctl.cfg`: a shell file, of which assignments are followed and nothing is run.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// Shell variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// Where variables come from that the file does not set itself.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The assignments of a file, and a sentence for each line that asks for more than assignments.
///
/// Understood are comments, `export`, quotes of both kinds, backslashes, and `$NAME`, `${NAME}`, `${NAME:-VALUE}`
/// and `${NAME:=VALUE}`. What stands between `if` and `fi` and the like is passed over, as its condition can't be
/// known.
pub(crate) fn read(text: &str, outside: Lookup<'_>) -> (Variables, Vec<String>) {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, set: Variables::new(), outside };
    let mut warnings = Vec::new();
    let mut depth = 0_usize;
    while reader.rest.peek().is_some() {
        let line = reader.line;
        let words = reader.statement();
        let Some(words) = words else {
            warnings.push(not_followed(text, line));
            continue;
        };
        let first = words.first().map(String::as_str);
        match first {
            Some("if" | "case" | "for" | "while" | "until" | "{") => {
                if depth == 0 {
                    warnings.push(not_followed(text, line));
                }
                depth += 1;
            }
            Some("fi" | "esac" | "done" | "}") => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if !reader.assign(&words) => warnings.push(not_followed(text, line)),
            _ => {}
        }
    }
    (reader.set, warnings)
}

fn not_followed(text: &str, line: usize) -> String {
    let shown = text.lines().nth(line - 1).unwrap_or_default().trim();
    format!("line {line}: `{shown}` is not followed: only NAME=VALUE is")
}

/// Whether this can be the name of a variable.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    set: Variables,
    outside: Lookup<'a>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    /// The words up to the end of a line or a semicolon; nothing if they are more than words.
    fn statement(&mut self) -> Option<Vec<String>> {
        let mut words = Vec::new();
        loop {
            match self.rest.peek() {
                None => return Some(words),
                Some('\n' | ';') => {
                    self.next();
                    return Some(words);
                }
                Some(blank) if blank.is_whitespace() => {
                    self.next();
                }
                Some('#') => self.skip_line(),
                Some(_) => match self.word() {
                    Some(word) => words.push(word),
                    None => {
                        self.skip_line();
                        return None;
                    }
                },
            }
        }
    }

    fn skip_line(&mut self) {
        while self.rest.peek().is_some_and(|next| *next != '\n') {
            self.next();
        }
    }

    fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        while let Some(&next) = self.rest.peek() {
            match next {
                '&' | '|' | '<' | '>' | '(' | ')' | '`' => return None,
                ';' => break,
                blank if blank.is_whitespace() => break,
                _ => {}
            }
            self.next();
            match next {
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word)?,
                '$' => self.variable(&mut word)?,
                '\\' => word.extend(self.next().filter(|escaped| *escaped != '\n')),
                plain => word.push(plain),
            }
        }
        Some(word)
    }

    fn single_quoted(&mut self, word: &mut String) -> Option<()> {
        loop {
            match self.next()? {
                '\'' => return Some(()),
                other => word.push(other),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut String) -> Option<()> {
        loop {
            match self.next()? {
                '"' => return Some(()),
                '`' => return None,
                '$' => self.variable(word)?,
                '\\' => match self.next()? {
                    '\n' => {}
                    escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                    other => word.extend(['\\', other]),
                },
                other => word.push(other),
            }
        }
    }

    /// What stands behind a dollar sign.
    fn variable(&mut self, word: &mut String) -> Option<()> {
        if self.rest.peek() == Some(&'(') {
            return None;
        }
        if self.rest.next_if_eq(&'{').is_none() {
            let name = self.name();
            word.push_str(if name.is_empty() { "$".to_owned() } else { self.value(&name) }.as_str());
            return Some(());
        }
        let name = self.name();
        let value = self.value(&name);
        match self.next()? {
            '}' if is_name(&name) => word.push_str(&value),
            ':' => {
                let sets = match self.next()? {
                    '-' => false,
                    '=' => true,
                    _ => return None,
                };
                let usual = self.until_brace()?;
                let value = if value.is_empty() { usual } else { value };
                word.push_str(&value);
                if sets {
                    self.set.insert(name, value);
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn until_brace(&mut self) -> Option<String> {
        let mut usual = String::new();
        loop {
            match self.next()? {
                '}' => return Some(usual),
                '$' => self.variable(&mut usual)?,
                '"' => self.double_quoted(&mut usual)?,
                other => usual.push(other),
            }
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(next) = self.rest.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
            name.push(next);
        }
        name
    }

    fn value(&self, name: &str) -> String {
        self.set.get(name).cloned().or_else(|| (self.outside)(name)).unwrap_or_default()
    }

    /// Follows a statement. Answers no if it is none that can be followed.
    fn assign(&mut self, words: &[String]) -> bool {
        let (exported, words) = match words.split_first() {
            Some((first, rest)) if first == "export" => (true, rest),
            // `: "${NAME:=VALUE}"` has done its work already.
            Some((first, _)) if first == ":" => return true,
            _ => (false, words),
        };
        let assignment = |word: &String| {
            let (name, value) = word.split_once('=')?;
            is_name(name).then(|| (name.to_owned(), value.to_owned()))
        };
        if !words.iter().all(|word| assignment(word).is_some() || (exported && is_name(word))) {
            return false;
        }
        self.set.extend(words.iter().filter_map(assignment));
        true
    }
}

#[cfg(test)]
mod tests;
