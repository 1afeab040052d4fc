//! Reading files: the one that is named, and those it includes (`include_config_file`).

use std::io;
use std::path::{Path, PathBuf};

use nightjar_text::Text;

use crate::diagnostic::{Diagnostic, Report};
use crate::environment::Files;
use crate::nearest::nearest;
use crate::node::{Content, Entry, Node, Place, Position};
use crate::yaml;

#[cfg(test)]
mod tests;

/// Most files of one configuration.
const MAX_FILES: usize = 256;

/// The name of the option.
pub(crate) const OPTION: &str = "include_config_file";

/// Which options a file may hold.
#[derive(Default)]
struct Filter {
    disallow: Vec<Text>,
    allow_only: Vec<Text>,
}

/// Reads a file and all it includes, as one map in the order of the files.
pub(crate) fn read(path: &Path, files: &dyn Files, report: &mut Report) -> Option<Node> {
    let mut reader = Reader { files, report, stack: Vec::new(), count: 0 };
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("the file can't be read: {}", explain(&error));
            reader.report.push(Diagnostic::file_error(&path.display().to_string(), message));
            return None;
        }
    };
    reader.parse(path, bytes)
}

struct Reader<'a> {
    files: &'a dyn Files,
    report: &'a mut Report,
    stack: Vec<PathBuf>,
    count: usize,
}

impl Reader<'_> {
    fn parse(&mut self, path: &Path, bytes: Vec<u8>) -> Option<Node> {
        let name = path.display().to_string();
        let source = yaml::source(&name, bytes).map_err(|error| self.report.push(error)).ok()?;
        let tree = match yaml::parse(&source) {
            Ok(tree) => tree,
            Err(error) if name.ends_with(".cfg") => {
                let hint = "this may be the old format in Erlang: `ejabberdctl convert_to_yaml` converts it";
                self.report.push(error.suggest(hint));
                return None;
            }
            Err(error) => {
                self.report.push(error);
                return None;
            }
        };
        let Content::Map(entries) = tree.content else {
            let message = format!("a configuration is a map of options, not {}", tree.describe());
            self.report.push(Diagnostic::error(&tree.at, "", message));
            return None;
        };
        self.stack.push(path.to_owned());
        let entries = entries.into_iter().flat_map(|entry| self.include(entry, path)).collect();
        self.stack.pop();
        Some(Node { content: Content::Map(entries), at: tree.at })
    }

    /// The entry itself, or what the files it names hold.
    fn include(&mut self, entry: Entry, from: &Path) -> Vec<Entry> {
        if entry.key != *OPTION {
            return vec![entry];
        }
        let place = Place::TOP.key(OPTION);
        let mut entries = Vec::new();
        match &entry.value.content {
            Content::Scalar(_) => entries.extend(self.file(&entry.value, &Filter::default(), from)),
            Content::List(items) => {
                for item in items {
                    entries.extend(self.file(item, &Filter::default(), from));
                }
            }
            Content::Map(named) => {
                for one in named {
                    let filter = self.filter(&one.value, &place.key(&one.key));
                    let name = Node::string(one.key.clone(), one.key_at.clone());
                    entries.extend(self.file(&name, &filter, from));
                }
            }
            Content::Null => self.bad(&entry.value, "nothing is named"),
        }
        entries
    }

    fn bad(&mut self, node: &Node, message: &str) {
        let error = Diagnostic::error(&node.at, OPTION, message);
        self.report.push(error.expected("a file, a list of files, or a map of file to options"));
    }

    fn filter(&mut self, node: &Node, place: &Place<'_>) -> Filter {
        let mut filter = Filter::default();
        for entry in node.entries() {
            let list = match &*entry.key {
                "disallow" => &mut filter.disallow,
                "allow_only" => &mut filter.allow_only,
                other => {
                    let known = ["disallow", "allow_only"];
                    let error = Diagnostic::error(&entry.key_at, place, format!("unknown option `{other}`"));
                    let error = error.expected(known.join(", ")).did_you_mean(nearest(other, known));
                    self.report.push(error);
                    continue;
                }
            };
            list.extend(entry.value.items().iter().filter_map(|item| item.as_text().cloned()));
            if !matches!(entry.value.content, Content::List(_)) {
                let here = place.key(&entry.key);
                let error = Diagnostic::error(
                    &entry.value.at,
                    here,
                    format!("{} can't stand here", entry.value.describe()),
                );
                self.report.push(error.expected("a list of option names"));
            }
        }
        filter
    }

    /// What an included file holds, as far as it may.
    fn file(&mut self, name: &Node, filter: &Filter, from: &Path) -> Vec<Entry> {
        let Some(written) = name.as_str().filter(|name| !name.is_empty()) else {
            self.bad(name, "this names no file");
            return Vec::new();
        };
        self.count += 1;
        if self.count > MAX_FILES {
            self.error(&name.at, format!("more than {MAX_FILES} files are included"));
            return Vec::new();
        }
        let beside = from.parent().unwrap_or(Path::new("")).join(written);
        // A relative path is meant from the file that says so, otherwise from the working directory.
        let found = self.files.read(&beside).map(|bytes| (beside.clone(), bytes)).or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound || beside == Path::new(written) {
                return Err(error);
            }
            self.files.read(Path::new(written)).map(|bytes| (PathBuf::from(written), bytes))
        });
        let (path, bytes) = match found {
            Ok(found) => found,
            Err(error) => {
                self.error(&name.at, format!("{} can't be read: {}", beside.display(), explain(&error)));
                return Vec::new();
            }
        };
        if self.stack.contains(&path) {
            self.error(&name.at, format!("{} includes itself", path.display()));
            return Vec::new();
        }
        let tree = self.parse(&path, bytes);
        let Some(Content::Map(entries)) = tree.map(|tree| tree.content) else { return Vec::new() };
        entries.into_iter().filter(|entry| self.permitted(entry, filter)).collect()
    }

    /// ejabberd passes over options that an included file may not hold; so do we, and say so.
    fn permitted(&mut self, entry: &Entry, filter: &Filter) -> bool {
        let permitted = match filter.allow_only.as_slice() {
            [] => !filter.disallow.contains(&entry.key),
            allowed => allowed.contains(&entry.key),
        };
        if !permitted {
            let message = "left out: the file that includes this one does not allow it";
            self.report.push(Diagnostic::warning(&entry.key_at, &entry.key, message));
        }
        permitted
    }

    fn error(&mut self, at: &Position, message: String) {
        self.report.push(Diagnostic::error(at, OPTION, message));
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
