//! `listen`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::{Layer, Loader};
use crate::config::{Endpoint, ListenerConfig, Transport};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::node::{Content, Node, Place, Position};
use crate::options::Options;
use crate::value::Value;

/// Options that only streams have.
const TCP_ONLY: [&str; 3] = ["backlog", "use_proxy_protocol", "accept_interval"];

impl Loader<'_> {
    /// The listeners of modules that this server has. They stand outside every host, so their options take
    /// the global defaults.
    pub(super) fn listeners(&mut self, global: &Layer, toplevel: &Options) -> Vec<ListenerConfig> {
        let Some(node) = global.get("listen").map(|entry| entry.value.clone()) else { return Vec::new() };
        let place = Place::TOP.key("listen");
        let empty = matches!(&node.content, Content::Map(entries) if entries.is_empty());
        if !matches!(node.content, Content::List(_)) && !empty {
            let error = Diagnostic::error(&node.at, place, format!("{} can't stand here", node.describe()));
            self.report.push(error.expected("a list of listeners, each a map with port and module"));
        }
        let mut bound: Vec<(Endpoint, Position)> = Vec::new();
        let mut listeners = Vec::new();
        for (index, item) in node.items().iter().enumerate() {
            let here = place.index(index);
            let Some((listener, built)) = self.listener(item, toplevel, &here) else { continue };
            self.check_overlap(&listener, item, &here, &mut bound);
            if built {
                listeners.push(listener);
            }
        }
        listeners
    }

    fn listener(
        &mut self,
        node: &Node,
        toplevel: &Options,
        place: &Place<'_>,
    ) -> Option<(ListenerConfig, bool)> {
        if !self.is_map(node, place) {
            return None;
        }
        let Some(module) = node.get("module") else {
            let error = Diagnostic::error(&node.at, place, "the required option `module` is missing");
            let known: Vec<&str> = self.catalogue.listeners.keys().copied().collect();
            self.report.push(error.expected(format!("module: one of {}", known.join(", "))));
            return None;
        };
        let here = place.key("module");
        let name = module.as_str().unwrap_or_default();
        let Some(known) = self.catalogue.listeners.get(name).cloned() else {
            let message = format!("there is no listener `{name}`");
            let near = nearest(name, self.catalogue.listeners.keys().copied());
            let listeners: Vec<&str> = self.catalogue.listeners.keys().copied().collect();
            let error = Diagnostic::error(&module.at, here, message).did_you_mean(near);
            self.report.push(error.expected(format!("one of {}", listeners.join(", "))));
            return None;
        };
        if !known.built {
            let what = format!("the listener `{name}`");
            self.report.unsupported(&module.at, here, &what, "; nothing listens here");
            self.missing.push(name.into());
        }
        let before = self.report.errors();
        let options = self.scoped(name, &known, node, &self.keywords.clone(), toplevel, place);
        if self.report.errors() > before {
            return None;
        }
        self.check_transport(&options, node, place);
        self.check_handlers(&options, known.built, place);
        Some((listener_config(options), known.built))
    }

    fn check_transport(&mut self, options: &Options, node: &Node, place: &Place<'_>) {
        if options.opt_text("transport").as_deref() != Some("udp") {
            return;
        }
        for entry in node.entries().iter().filter(|entry| TCP_ONLY.contains(&&*entry.key)) {
            let message = format!("`{}` can't stand with `transport: udp`", entry.key);
            self.error(&entry.key_at, &place.key(&entry.key), message);
        }
    }

    fn check_handlers(&mut self, options: &Options, built: bool, place: &Place<'_>) {
        let Some(setting) = options.setting("request_handlers") else { return };
        let place = place.key("request_handlers");
        for entry in setting.node.entries() {
            let name = entry.value.as_str().unwrap_or_default();
            let here = place.key(&entry.key);
            match self.catalogue.handlers.get(name) {
                // The listener as a whole was remarked on if it is not there.
                Some(supported) if *supported || !built => {}
                Some(_) => {
                    let what = format!("the request handler `{name}`");
                    self.report.unsupported(&entry.value.at, here, &what, "");
                }
                None => {
                    let known: Vec<&str> = self.catalogue.handlers.keys().copied().collect();
                    let message = format!("there is no request handler `{name}`");
                    let error = Diagnostic::error(&entry.value.at, here, message);
                    let error = error.expected(format!("one of {}", known.join(", ")));
                    self.report.push(error.did_you_mean(nearest(name, known)));
                }
            }
        }
    }

    /// Two listeners on one port, or one on all addresses and another on one of them.
    fn check_overlap(
        &mut self,
        listener: &ListenerConfig,
        node: &Node,
        place: &Place<'_>,
        bound: &mut Vec<(Endpoint, Position)>,
    ) {
        let endpoint = listener.endpoint();
        let clash = bound.iter().find(|(other, _)| *other == endpoint || covers(other, &endpoint));
        if let Some((other, at)) = clash {
            let message = format!("{endpoint} overlaps with the listener on {other} in line {}", at.line);
            let at = node.get("port").map_or(&node.at, |port| &port.at).clone();
            self.error(&at, &place.key("port"), message);
        }
        bound.push((endpoint, node.at.clone()));
    }
}

/// Whether the first is bound to all addresses of the second's family and to its port.
fn covers(all: &Endpoint, one: &Endpoint) -> bool {
    let (
        Endpoint::Port { ip, port, transport },
        Endpoint::Port { ip: other_ip, port: other_port, transport: other_transport },
    ) = (all, one)
    else {
        return false;
    };
    // Port 0 is any free one.
    *port != 0
        && ip.is_unspecified()
        && ip.is_ipv4() == other_ip.is_ipv4()
        && (port, transport) == (other_port, other_transport)
}

fn listener_config(options: Options) -> ListenerConfig {
    let (port, unix) = match options.typed("port") {
        Value::Int(port) => (u16::try_from(*port).unwrap_or_default(), None),
        Value::Text(path) => (0, path.strip_prefix("unix:").map(PathBuf::from)),
        _ => (0, None),
    };
    let transport = match options.opt_text("transport").as_deref() {
        Some("udp") => Transport::Udp,
        _ => Transport::Tcp,
    };
    let ip = options.ip("ip").unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    ListenerConfig { module: options.text("module"), port, ip, transport, unix, options }
}
