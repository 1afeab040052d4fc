//! `host_config` and `append_host_config`.

use std::collections::HashMap;

use nightjar_text::Text;

use super::{Layer, Loader, host_name};
use crate::diagnostic::Diagnostic;
use crate::node::{Content, Entry, Node, Place};

impl Loader<'_> {
    /// The options of each host that has some of its own, put over the global ones.
    pub(super) fn host_layers(&mut self, global: &Layer) -> HashMap<Text, Layer> {
        let mut layers: HashMap<Text, Layer> = HashMap::new();
        for option in ["host_config", "append_host_config"] {
            let place = Place::TOP.key(option);
            let Some(node) = global.get(option).map(|entry| entry.value.clone()) else { continue };
            if !self.is_map(&node, &place) {
                continue;
            }
            for entry in node.entries() {
                let here = place.key(&entry.key);
                let Some(host) = self.host_of(entry, &here) else { continue };
                if !self.is_map(&entry.value, &here) {
                    continue;
                }
                let layer = layers
                    .entry(host)
                    .or_insert_with(|| Layer { shared: global.shared.clone(), own: Vec::new() });
                for option_entry in entry.value.entries() {
                    if !self.may_stand(option_entry, &here) {
                        continue;
                    }
                    match option {
                        "host_config" => layer.set(option_entry.clone()),
                        _ => self.append(layer, option_entry, &here),
                    }
                }
            }
        }
        layers
    }

    fn host_of(&mut self, entry: &Entry, place: &Place<'_>) -> Option<Text> {
        let host = host_name(&entry.key).filter(|host| self.host_set.contains(host));
        // When `hosts` itself is wrong, each host here would be another mistake.
        if host.is_none() && !self.hosts.is_empty() {
            let message = format!("the host `{}` is not one of `hosts`", entry.key);
            let near = self.report.nearest(&entry.key, self.hosts.iter().map(Text::as_str));
            self.report.push(Diagnostic::error(&entry.key_at, place, message).did_you_mean(near));
        }
        host
    }

    /// Whether an option may differ from host to host. Unknown options are reported where options are checked.
    fn may_stand(&mut self, entry: &Entry, place: &Place<'_>) -> bool {
        let toplevel = self.catalogue.toplevel.clone();
        let may = toplevel.get(&entry.key).is_none_or(|known| known.per_host);
        if !may {
            let message = format!("`{}` can't differ from host to host", entry.key);
            let error = Diagnostic::error(&entry.key_at, place.key(&entry.key), message);
            self.report.push(error.suggest("set it at the top level"));
        } else if entry.key == *crate::include::OPTION {
            let message = "files can't be included for one host; this has no effect";
            let warning = Diagnostic::warning(&entry.key_at, place.key(&entry.key), message);
            self.report.push(warning.suggest("include a file that holds host_config"));
        }
        may
    }

    fn append(&mut self, layer: &mut Layer, entry: &Entry, place: &Place<'_>) {
        let existing = layer.get(&entry.key).map(|known| known.value.content.clone());
        let content = match (existing, entry.value.content.clone()) {
            (None, content @ (Content::List(_) | Content::Map(_))) => content,
            (Some(Content::List(mut items)), Content::List(more)) => {
                items.extend(more);
                Content::List(items)
            }
            (Some(Content::Map(mut entries)), Content::Map(more)) => {
                entries.extend(more);
                Content::Map(entries)
            }
            (Some(Content::List(items)), content) | (Some(content), Content::List(items))
                if items.is_empty() =>
            {
                content
            }
            // One value where a list may stand counts as a list of one.
            (Some(Content::Scalar(one)), Content::List(more)) => {
                let first = Node { content: Content::Scalar(one), at: entry.key_at.clone() };
                Content::List(std::iter::once(first).chain(more).collect())
            }
            _ => {
                let message = "only lists and maps can be appended";
                let error = Diagnostic::error(&entry.value.at, place.key(&entry.key), message);
                self.report.push(error.suggest("set it in host_config"));
                return;
            }
        };
        layer.set(Entry { value: Node { content, at: entry.value.at.clone() }, ..entry.clone() });
    }
}
