//! Regular expressions and shell globs of access lists and options.

use std::fmt;

use nightjar_text::Text;
use regex::{Regex, RegexBuilder};

#[cfg(test)]
mod tests;

/// Largest compiled form of one pattern, in bytes. Matching takes time linear in the text whatever the pattern.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A compiled pattern. Two are equal when they were written alike.
#[derive(Clone)]
pub struct Pattern {
    source: Text,
    regex: Regex,
}

impl Pattern {
    /// A regular expression that matches anywhere in the text.
    /// Look-around and back-references, which take exponential time, are refused.
    pub fn regexp(source: &str) -> Result<Pattern, String> {
        compile(source, source)
    }

    /// A shell glob that matches the whole text: `*`, `?`, `[abc]`, `[!a-z]`; a backslash quotes.
    pub fn glob(source: &str) -> Result<Pattern, String> {
        compile(source, &glob_to_regexp(source))
    }

    /// Whether the pattern matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The pattern as written.
    pub fn source(&self) -> &Text {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

fn compile(source: &str, regexp: &str) -> Result<Pattern, String> {
    let regex = RegexBuilder::new(regexp).size_limit(MAX_COMPILED_BYTES).build().map_err(reason)?;
    Ok(Pattern { source: Text::new(source), regex })
}

/// The last line of the parser's report says what is wrong; the others draw the pattern.
fn reason(error: regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn glob_to_regexp(glob: &str) -> String {
    let mut regexp = String::from("^(?s:");
    let mut rest = glob.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '*' => regexp.push_str(".*"),
            '?' => regexp.push('.'),
            '\\' => push_literal(&mut regexp, rest.next().unwrap_or('\\')),
            '[' => match class(rest.as_str()) {
                Some((class, after)) => {
                    regexp.push_str(&class);
                    rest = after.chars();
                }
                None => push_literal(&mut regexp, '['),
            },
            other => push_literal(&mut regexp, other),
        }
    }
    regexp.push_str(")$");
    regexp
}

/// A character class after its opening bracket: its regular expression and what follows it.
fn class(text: &str) -> Option<(String, &str)> {
    let (negated, body) = match text.strip_prefix(['!', '^']) {
        Some(body) => (true, body),
        None => (false, text),
    };
    // A bracket right at the start is a member, not the end.
    let first = body.chars().next()?.len_utf8();
    let end = first + body.get(first..)?.find(']')?;
    let members = body.get(..end)?;
    let mut class = String::from(if negated { "[^" } else { "[" });
    for letter in members.chars() {
        if matches!(letter, '\\' | '[' | ']' | '^' | '&' | '~') {
            class.push('\\');
        }
        class.push(letter);
    }
    class.push(']');
    Some((class, body.get(end + 1..)?))
}

fn push_literal(regexp: &mut String, letter: char) {
    regexp.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
}
