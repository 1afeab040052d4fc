//! Which test covers an item: one that `docs/parity/covers.tsv` names for it, or one that names the item itself.

use super::{Item, Kind};
use crate::tidy::{File, is_test};

pub(super) struct Covers<'a> {
    tests: Vec<&'a File>,
    listed: Vec<Listed<'a>>,
}

/// A line of covers.tsv: kind, item (one `*` stands for anything), test (`path::name`, or a path alone).
struct Listed<'a> {
    kind: &'a str,
    item: &'a str,
    test: &'a str,
}

impl<'a> Covers<'a> {
    pub(super) fn new(sources: &'a [File], list: &'a str) -> Covers<'a> {
        let tests = sources.iter().filter(|file| is_test(&file.path) || is_script(&file.path)).collect();
        let listed = list.lines().skip(1).filter_map(|line| {
            let mut fields = line.split('\t');
            Some(Listed { kind: fields.next()?, item: fields.next()?, test: fields.next()? })
        });
        Covers { tests, listed: listed.collect() }
    }

    /// Where the test stands.
    pub(super) fn test_of(&self, item: &Item) -> Option<&'a str> {
        let listed = self.listed.iter().find(|line| line.is_for(item)).map(|line| line.test);
        listed.or_else(|| self.tests.iter().find(|test| names(test, item)).map(|test| test.path.as_str()))
    }

    /// The specifications that the list says are built.
    pub(super) fn specifications(&self) -> impl Iterator<Item = Item> {
        self.listed.iter().filter(|line| line.kind == "xep").map(|line| Item::new(Kind::Xep, "", line.item))
    }

    /// Lines whose test is not there.
    pub(super) fn complaints(&self) -> Vec<String> {
        let absent = self.listed.iter().filter(|line| !self.exists(line.test));
        absent
            .map(|line| format!("covers.tsv: {} {}: there is no test {}", line.kind, line.item, line.test))
            .collect()
    }

    fn exists(&self, test: &str) -> bool {
        let (path, name) = test.split_once("::").unwrap_or((test, ""));
        self.tests.iter().any(|file| {
            let found = if path.ends_with(".rs") {
                file.text.contains(&format!("fn {name}("))
            } else {
                file.text.contains(name)
            };
            file.path == path && (found || name.is_empty())
        })
    }
}

impl Listed<'_> {
    fn is_for(&self, item: &Item) -> bool {
        let name = item.to_string();
        self.kind == item.kind.to_string()
            && match self.item.split_once('*') {
                Some((beginning, end)) => name.starts_with(beginning) && name.ends_with(end),
                None => name == self.item,
            }
    }
}

/// A file of tests that is not Rust.
fn is_script(path: &str) -> bool {
    path.starts_with("tests/interop/suites/") || path.starts_with("tests/scenarios/scripts/")
}

/// Does a test name the item? An option's name alone says little: the test must also stand with its module
/// or listener, or name that too.
fn names(test: &File, item: &Item) -> bool {
    let has = |name: &str| has_word(&test.text, name);
    let folder = |scope: &str| {
        let short = scope.strip_prefix("mod_").unwrap_or(scope);
        test.path.contains(&format!("/{short}/")) || test.path.contains(&format!("/{short}."))
    };
    match item.kind {
        Kind::Option | Kind::Xep => has(&item.name),
        Kind::Command => {
            test.text.contains(&format!("\"{}\"", item.name))
                || test.text.contains(&format!("\"{} ", item.name))
        }
        Kind::Module | Kind::Listener => has(&item.name) || folder(&item.name),
        Kind::ModuleOption => has(&item.name) && (folder(&item.scope) || has(&item.scope)),
        Kind::ListenerOption => has(&item.name) && (has(&item.scope) || test.path.starts_with("net/")),
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(place, _)| {
        let after = text.get(place + word.len()..).unwrap_or_default();
        !text.get(..place).unwrap_or_default().ends_with(part) && !after.starts_with(part)
    })
}

#[cfg(test)]
mod tests;
