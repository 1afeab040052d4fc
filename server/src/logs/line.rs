//! One line of the log.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::level::Level;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: ejabberd's time and level, then words.
    #[default]
    Human,
    /// An object a line.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// For systemd's journal on standard error: a priority, no time.
    Journal,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Local time with its offset, to the microsecond.
    pub(crate) time: String,
    pub(crate) level: Level,
    pub(crate) target: String,
    pub(crate) message: String,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Record {
    /// The line, with its end. What others wrote can't begin a line of its own or change the terminal.
    pub(crate) fn render(&self, format: Format, colour: bool) -> String {
        match format {
            Format::Human => self.human(colour),
            Format::Json => self.json(),
            Format::Logfmt => self.logfmt(),
            Format::Journal => self.journal(),
        }
    }

    fn human(&self, colour: bool) -> String {
        let name = self.level.name();
        let mut line = self.time.clone();
        let _ = match colour_of(self.level).filter(|_| colour) {
            Some(code) => write!(line, " \x1b[{code}m[{name}]\x1b[0m "),
            None => write!(line, " [{name}] "),
        };
        self.words(&mut line);
        line
    }

    fn journal(&self) -> String {
        let mut line = format!("<{}>", priority(self.level));
        self.words(&mut line);
        line
    }

    fn words(&self, line: &mut String) {
        escape(line, &self.message);
        for (key, value) in &self.fields {
            let _ = write!(line, " {key}=");
            quote(line, value);
        }
        line.push('\n');
    }

    fn logfmt(&self) -> String {
        let mut line = format!(
            "time={} level={} target={} msg=",
            self.time.replace(' ', "T"),
            self.level.name(),
            self.target
        );
        quote(&mut line, &self.message);
        for (key, value) in &self.fields {
            let _ = write!(line, " {key}=");
            quote(&mut line, value);
        }
        line.push('\n');
        line
    }

    fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("time".to_owned(), Value::from(self.time.replace(' ', "T")));
        object.insert("level".to_owned(), Value::from(self.level.name()));
        object.insert("target".to_owned(), Value::from(self.target.as_str()));
        object.insert("message".to_owned(), Value::from(self.message.as_str()));
        for (key, value) in &self.fields {
            object.insert((*key).to_owned(), Value::from(value.as_str()));
        }
        let mut line = Value::Object(object).to_string();
        line.push('\n');
        line
    }
}

fn colour_of(level: Level) -> Option<u8> {
    match level {
        Level::Warning | Level::Notice => Some(33),
        Level::Info => None,
        Level::Debug => Some(2),
        _ => Some(31),
    }
}

/// Syslog's number of a level (RFC 5424 §6.2.1).
fn priority(level: Level) -> u8 {
    match level {
        Level::None | Level::Emergency => 0,
        Level::Alert => 1,
        Level::Critical => 2,
        Level::Error => 3,
        Level::Warning => 4,
        Level::Notice => 5,
        Level::Info => 6,
        Level::Debug => 7,
    }
}

/// A text without characters that control a terminal or end a line.
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
}

/// A value; in quotes unless it is one word.
fn quote(out: &mut String, value: &str) {
    let is_word = |character: char| {
        !character.is_whitespace() && !character.is_control() && character != '"' && character != '='
    };
    if !value.is_empty() && value.chars().all(is_word) {
        out.push_str(value);
        return;
    }
    out.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            other if other.is_control() => out.extend(other.escape_default()),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
