//! Words that stand for work put off, and `unsafe` outside the files that are listed with their invariant.

use super::File;
use super::source::code;

/// In two halves, so that this list does not find itself.
const PUT_OFF: [[&str; 2]; 5] = [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["for ", "now"], ["HACK", ":"]];

const TEXT: [&str; 8] = [".rs", ".toml", ".md", ".py", ".mjs", ".sh", ".yml", ".in"];

pub(crate) fn complaints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| TEXT.iter().any(|end| file.path.ends_with(end))) {
        for (number, line) in file.text.lines().enumerate() {
            let found = PUT_OFF.iter().map(|halves| halves.concat()).find(|word| has_word(line, word));
            if let Some(word) = found {
                complaints.push(format!("{}:{}: `{word}` puts work off", file.path, number + 1));
            }
        }
    }
    complaints
}

/// `listed` has a line for each file that may contain `unsafe`: path, the invariant it relies on.
pub(crate) fn unsafe_complaints(files: &[File], listed: &str) -> Vec<String> {
    let listed: Vec<&str> =
        listed.lines().skip(1).filter_map(|line| line.split_once('\t')).map(|(path, _)| path).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let line = code(&file.text).lines().position(|line| has_word(line, "unsafe"));
        match line {
            Some(line) if !listed.contains(&file.path.as_str()) => {
                complaints.push(format!(
                    "{}:{}: `unsafe` outside the files of unsafe.tsv",
                    file.path,
                    line + 1
                ));
            }
            None if listed.contains(&file.path.as_str()) => {
                complaints.push(format!("{}: no `unsafe` any more: take it off unsafe.tsv", file.path));
            }
            _ => {}
        }
    }
    complaints.extend(
        listed
            .iter()
            .filter(|path| !files.iter().any(|file| file.path == **path))
            .map(|path| format!("{path}: is no more: take it off unsafe.tsv")),
    );
    complaints
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(place, _)| {
        let after = &line[place + word.len()..];
        !line[..place].ends_with(part_of_name) && !after.starts_with(part_of_name)
    })
}

#[cfg(test)]
mod tests;
