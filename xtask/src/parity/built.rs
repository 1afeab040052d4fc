//! What the code declares: options, modules, listeners and the specifications they name by the manual that is generated
//! from the declarations, commands by the source text.

use super::{Item, Kind};
use crate::tidy::{File, files, is_test};
use anyhow::Result;
use std::collections::BTreeSet;

/// The files that declare or test something.
pub(super) fn sources() -> Result<Vec<File>> {
    const FOLDERS: [&str; 8] =
        ["wire/", "kernel/", "features/", "backends/", "net/", "server/", "tests/", "fuzz/targets/"];
    let mut sources = files()?;
    sources.retain(|file| FOLDERS.iter().any(|folder| file.path.starts_with(folder)));
    Ok(sources)
}

pub(super) fn all(manual: &str, sources: &[File], known: &BTreeSet<Item>) -> BTreeSet<Item> {
    let mut built = in_manual(manual);
    for file in sources.iter().filter(|file| file.path.ends_with(".rs") && !is_test(&file.path)) {
        built.extend(commands(&file.text).into_iter().filter(|item| known.contains(item)));
    }
    built.extend(specifications(manual).into_iter().filter(|item| known.contains(item)));
    built
}

/// Headings name modules and listeners, bold list items their options.
fn in_manual(manual: &str) -> BTreeSet<Item> {
    let mut built = BTreeSet::new();
    let (mut kinds, mut scope) = ((Kind::Option, Kind::Option), "");
    for line in manual.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            scope = "";
            kinds = match title {
                "Listeners" => (Kind::Listener, Kind::ListenerOption),
                "Modules" => (Kind::Module, Kind::ModuleOption),
                _ => (Kind::Option, Kind::Option),
            };
        } else if let Some(name) = line.strip_prefix("### `").and_then(|line| line.strip_suffix('`')) {
            scope = name;
            built.insert(Item::new(kinds.0, "", name));
        } else if let Some((name, _)) = line.strip_prefix("- **`").and_then(|line| line.split_once('`')) {
            built.insert(Item::new(kinds.1, scope, name));
        }
    }
    built
}

/// Names in `static NAME: CommandSpec = …`, whether by a function or written out.
fn commands(text: &str) -> Vec<Item> {
    text.match_indices("CommandSpec")
        .filter_map(|(place, _)| {
            let (_, value) = text.get(place..)?.split_once('=')?;
            let (before, rest) = value.split_once('"')?;
            // The name is the first text of the declaration; a type's mention elsewhere has a statement's end before it.
            let declares = !before.contains([';', '}']);
            declares.then(|| Item::new(Kind::Command, "", rest.split('"').next().unwrap_or_default()))
        })
        .collect()
}

/// Specifications that the text names.
fn specifications(text: &str) -> Vec<Item> {
    text.match_indices("XEP-")
        .filter_map(|(place, _)| Some(Item::new(Kind::Xep, "", text.get(place..place + 8)?)))
        .collect()
}

#[cfg(test)]
mod tests;
