//! Holds the habits that a compiler does not: layers, lengths, forbidden words and calls.

mod layers;
mod lengths;
mod source;
mod words;

pub(crate) use layers::is_test;

use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result};
use std::fs;

/// A file of the repository, its path from the top with `/` between folders.
pub(crate) struct File {
    pub path: String,
    pub text: String,
}

pub(crate) fn command(_: &[String]) -> Result<bool> {
    let tally = check()?;
    println!("tidy: {tally}");
    Ok(tally.failed == 0)
}

/// One check for each habit; complaints are printed as `path:line: what is wrong`.
pub(crate) fn check() -> Result<Tally> {
    let files = files()?;
    let list = |name: &str| files.iter().find(|file| file.path == name).map_or("", |file| file.text.as_str());
    let mut tally = Tally::default();
    for complaints in [
        layers::complaints(&files),
        lengths::complaints(&files, list("xtask/data/long.tsv")),
        words::unsafe_complaints(&files, list("xtask/data/unsafe.tsv")),
        words::complaints(&files),
    ] {
        tally += Tally::of(complaints.is_empty());
        for complaint in complaints {
            println!("{complaint}");
        }
    }
    Ok(tally)
}

/// Text files that git knows or would add.
pub(crate) fn files() -> Result<Vec<File>> {
    let mut command = std::process::Command::new("git");
    command.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(shell::root());
    let output = command.output().context("cannot run git")?;
    anyhow::ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout)?;
    let mut files = Vec::new();
    for path in names.split('\0').filter(|name| !name.is_empty()) {
        // A file removed from the work tree and not yet from the index, or one that is no text, is none of ours.
        if let Ok(text) = fs::read_to_string(shell::root().join(path)) {
            files.push(File { path: path.to_owned(), text });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}
