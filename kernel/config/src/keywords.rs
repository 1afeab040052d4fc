//! `define_keyword` and the predefined keywords: `@HOST@`, `@HOME@`, …

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use nightjar_text::Text;

use crate::environment::Environment;
use crate::macros::replace_marked;
use crate::node::{Content, Entry, Node, Position, Scalar};

#[cfg(test)]
mod tests;

/// Keywords that hold at one place of the configuration. Later definitions win.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keywords {
    values: BTreeMap<Text, Node>,
}

impl Keywords {
    /// The keywords that always hold.
    pub(crate) fn predefined(
        environment: &Environment,
        version: &str,
        file: &Path,
        at: &Position,
    ) -> Keywords {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let values = [
            ("HOME", environment.home.display().to_string()),
            ("CONFIG_PATH", directory.unwrap_or(Path::new(".")).display().to_string()),
            ("DATABASE_PATH", environment.database_path.display().to_string()),
            ("LOG_PATH", environment.log_path.display().to_string()),
            ("SEMVER", version.to_owned()),
            ("VERSION", short_version(version)),
        ];
        let node = |(name, value): (&str, String)| (Text::new(name), Node::string(value, at.clone()));
        Keywords { values: values.into_iter().map(node).collect() }
    }

    /// The same with those that a `define_keyword` defines.
    pub(crate) fn with(mut self, definitions: &Node) -> Keywords {
        for entry in definitions.entries() {
            self.values.insert(entry.key.clone(), entry.value.clone());
        }
        self
    }

    /// The same with the keywords of module options. A definition of the file wins.
    pub(crate) fn with_host(mut self, host: &Text, at: &Position) -> Keywords {
        for (name, value) in [("HOST", host.clone()), ("HOST_URL_ENCODE", url_encode(host).into())] {
            self.values.entry(name.into()).or_insert_with(|| Node::string(value, at.clone()));
        }
        self
    }

    /// The tree with keywords replaced.
    pub(crate) fn apply(&self, node: &Node) -> Node {
        let content = match &node.content {
            Content::Null => Content::Null,
            Content::Scalar(scalar) => return self.scalar(scalar, node),
            Content::List(items) => Content::List(items.iter().map(|item| self.apply(item)).collect()),
            Content::Map(entries) => Content::Map(
                entries
                    .iter()
                    .map(|entry| Entry { value: self.apply(&entry.value), ..entry.clone() })
                    .collect(),
            ),
        };
        Node { content, at: node.at.clone() }
    }

    fn scalar(&self, scalar: &Scalar, node: &Node) -> Node {
        let whole = self.values.get(&scalar.text).filter(|_| !scalar.quoted);
        if let Some(value) = whole {
            return value.clone();
        }
        let replaced = replace_marked(&scalar.text, |name| self.values.get(name)?.as_text().cloned());
        match replaced {
            Some(text) => Node {
                content: Content::Scalar(Scalar { text: text.into(), quoted: scalar.quoted }),
                at: node.at.clone(),
            },
            None => node.clone(),
        }
    }
}

/// Whether the tree may depend on the host: it names HOST, or some other keyword that a host may define.
pub(crate) fn mentions_keyword(node: &Node) -> bool {
    match &node.content {
        Content::Null => false,
        Content::Scalar(scalar) => scalar.text.contains('@') || crate::macros::is_name(&scalar.text),
        Content::List(items) => items.iter().any(mentions_keyword),
        Content::Map(entries) => entries.iter().any(|entry| mentions_keyword(&entry.value)),
    }
}

/// ejabberd's versions are years and months: 26.4.0 is shown as 26.04, 26.4.1 as 26.04.1.
fn short_version(version: &str) -> String {
    let parts: Vec<&str> = version.splitn(3, '.').collect();
    match parts.as_slice() {
        [year, month, "0"] if year.len() == 2 => format!("{year}.{month:0>2}"),
        [year, month, patch] if year.len() == 2 && month.len() == 1 => format!("{year}.0{month}.{patch}"),
        _ => version.to_owned(),
    }
}

fn url_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
