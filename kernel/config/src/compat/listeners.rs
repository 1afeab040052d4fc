//! Listener options of old.

use super::{ADJUST, Rewriter};
use crate::diagnostic::Diagnostic;
use crate::node::{Content, Entry, Node, Place};

/// Switches of ejabberd_http that became request handlers.
const HANDLERS: [(&str, &str, &str); 5] = [
    ("captcha", "/captcha", "ejabberd_captcha"),
    ("register", "/register", "mod_register_web"),
    ("web_admin", "/admin", "ejabberd_web_admin"),
    ("http_bind", "/bosh", "mod_bosh"),
    ("xmlrpc", "/", "ejabberd_xmlrpc"),
];

impl Rewriter<'_> {
    pub(super) fn listen(&mut self, node: Node) -> Node {
        let Content::List(items) = node.content else { return node };
        let place = Place::TOP.key("listen");
        let listeners = items.into_iter().enumerate().map(|(index, listener)| {
            let place = place.index(index);
            match listener.content {
                Content::Map(entries) => {
                    Node { content: Content::Map(self.listener(entries, &place)), at: listener.at }
                }
                _ => listener,
            }
        });
        Node { content: Content::List(listeners.collect()), at: node.at }
    }

    fn listener(&mut self, entries: Vec<Entry>, place: &Place<'_>) -> Vec<Entry> {
        let module = entries.iter().find(|entry| &*entry.key == "module");
        let module = module.and_then(|entry| entry.value.as_text()).cloned().unwrap_or_default();
        let mut handlers = Vec::new();
        let mut kept: Vec<Entry> = Vec::new();
        for entry in entries {
            let name = entry.key.clone();
            let here = place.key(&name);
            match (module.as_str(), name.as_str()) {
                (_, "inet" | "inet6") => self.removed(&entry, Some("ip"), &here),
                ("ejabberd_http", "http_poll") => self.removed(&entry, None, &here),
                ("ejabberd_http", name) if HANDLERS.iter().any(|(old, _, _)| *old == name) => {
                    handlers.extend(self.handler(&entry, &here));
                }
                ("ejabberd_http", "request_handlers") => kept.push(self.request_handlers(entry, &here)),
                ("ejabberd_xmlrpc", "access_commands") => {
                    self.removed(&entry, Some("api_permissions"), &here);
                }
                ("ejabberd_stun", "turn_ip") => kept.push(self.renamed(entry, "turn_ipv4_address", &here)),
                ("ejabberd_service", "shaper_rule") => kept.push(self.renamed(entry, "shaper", &here)),
                (
                    "ejabberd_http" | "ejabberd_c2s" | "ejabberd_s2s_in" | "ejabberd_service"
                    | "ejabberd_stun",
                    "certfile",
                ) => {
                    let message = "`certfile` of a listener is now the top-level option `certfiles`";
                    self.report.push(Diagnostic::warning(&entry.key_at, here, message).suggest(ADJUST));
                    self.certfiles.push(entry.value);
                }
                _ => kept.push(entry),
            }
        }
        add_handlers(&mut kept, handlers);
        kept
    }

    /// The request handler that a switch stands for, when it is on.
    fn handler(&mut self, entry: &Entry, place: &Place<'_>) -> Option<Entry> {
        let (_, path, module) = HANDLERS.iter().find(|(old, _, _)| entry.key == **old)?;
        let message = format!("`{}` is now the request handler `{path}: {module}`", entry.key);
        self.report.push(Diagnostic::warning(&entry.key_at, place, message).suggest(ADJUST));
        let on = entry.value.as_bool().unwrap_or(true);
        on.then(|| Entry {
            key: (*path).into(),
            key_at: entry.key_at.clone(),
            value: Node::word(*module, entry.value.at.clone()),
        })
    }

    fn request_handlers(&mut self, mut entry: Entry, place: &Place<'_>) -> Entry {
        if let Content::Map(handlers) = &mut entry.value.content {
            for handler in handlers {
                if handler.value.as_str() == Some("mod_http_bind") {
                    let message = "`mod_http_bind` is now called `mod_bosh`";
                    let warning = Diagnostic::warning(&handler.value.at, place.key(&handler.key), message);
                    self.report.push(warning.suggest(ADJUST));
                    handler.value = Node::word("mod_bosh", handler.value.at.clone());
                }
            }
        }
        entry
    }
}

fn add_handlers(entries: &mut Vec<Entry>, handlers: Vec<Entry>) {
    let Some(first) = handlers.first() else { return };
    let at = first.key_at.clone();
    let known = entries.iter_mut().find(|entry| &*entry.key == "request_handlers");
    match known.map(|entry| &mut entry.value.content) {
        Some(Content::Map(known)) => known.extend(handlers),
        Some(_) => {}
        None => {
            let value = Node { content: Content::Map(handlers), at: at.clone() };
            entries.push(Entry { key: "request_handlers".into(), key_at: at, value });
        }
    }
}
