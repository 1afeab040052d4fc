//! Old names and values, rewritten as ejabberd does when it loads a file (parity/config_compat.tsv).

mod listeners;
mod modules;
mod toplevel;

use nightjar_text::Text;

use crate::diagnostic::{Diagnostic, Report};
use crate::node::{Content, Entry, Node, Place};

pub(crate) use toplevel::REMOVED;

#[cfg(test)]
mod tests;

const ADJUST: &str = "adjust the file; `dump_config` shows the configuration as it is used";

/// Rewrites the whole tree.
pub(crate) fn rewrite(tree: Node, report: &mut Report) -> Node {
    let Content::Map(entries) = tree.content else { return tree };
    let mut rewriter = Rewriter { report, certfiles: Vec::new(), without_dialback: Vec::new() };
    let mut entries = rewriter.toplevel(entries, None);
    rewriter.add_certfiles(&mut entries);
    rewriter.remove_dialback(&mut entries);
    Node { content: Content::Map(entries), at: tree.at }
}

/// What one rewrite finds in one place and another place needs.
pub(crate) struct Rewriter<'a> {
    report: &'a mut Report,
    /// Certificates named by options that no longer exist.
    certfiles: Vec<Node>,
    /// Hosts (none for all) that said `s2s_use_starttls: required_trusted`.
    without_dialback: Vec<Option<Text>>,
}

impl Rewriter<'_> {
    fn renamed(&mut self, entry: Entry, new: &str, place: &Place<'_>) -> Entry {
        let message = format!("`{}` is now called `{new}`", entry.key);
        self.report.push(Diagnostic::warning(&entry.key_at, place, message).suggest(ADJUST));
        Entry { key: new.into(), ..entry }
    }

    fn removed(&mut self, entry: &Entry, instead: Option<&str>, place: &Place<'_>) {
        let message = format!("`{}` no longer exists and has no effect", entry.key);
        let warning = Diagnostic::warning(&entry.key_at, place, message);
        self.report.push(match instead {
            Some(instead) => warning.suggest(format!("use `{instead}`")),
            None => warning.suggest("remove it"),
        });
    }

    fn add_certfiles(&mut self, entries: &mut Vec<Entry>) {
        let Some(first) = self.certfiles.first() else { return };
        let at = first.at.clone();
        match entries.iter_mut().find(|entry| &*entry.key == "certfiles") {
            Some(Entry { value: Node { content: Content::List(items), .. }, .. }) => {
                items.append(&mut self.certfiles);
            }
            // Whatever stands there is a mistake that its own check reports.
            Some(_) => {}
            None => {
                let value =
                    Node { content: Content::List(std::mem::take(&mut self.certfiles)), at: at.clone() };
                entries.push(Entry { key: "certfiles".into(), key_at: at, value });
            }
        }
    }
}

/// `mnesia` for its old name `internal`, `sql` for `odbc`.
fn rewrite_database(node: &mut Node) {
    match &mut node.content {
        Content::Scalar(scalar) => match scalar.text.as_str() {
            "internal" => scalar.text = "mnesia".into(),
            "odbc" => scalar.text = "sql".into(),
            _ => {}
        },
        Content::List(items) => items.iter_mut().for_each(rewrite_database),
        _ => {}
    }
}

/// Applies a change to the entries of a map; any other node is left to its own check.
fn change_entries(node: Node, change: impl FnOnce(Vec<Entry>) -> Vec<Entry>) -> Node {
    match node.content {
        Content::Map(entries) => Node { content: Content::Map(change(entries)), at: node.at },
        _ => node,
    }
}
