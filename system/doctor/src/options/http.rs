//! What browsers and scripts reach.

use nightjar_config::{Config, ListenerConfig, Node};

use crate::finding::Finding;
use crate::look::{flag, is_public, line, line_or_port, word, words};

/// Handlers that take an administrator's or a user's password.
const LOGINS: [&str; 5] =
    ["ejabberd_web_admin", "mod_http_api", "ejabberd_xmlrpc", "ejabberd_oauth", "mod_register_web"];
/// Handlers that have to be reachable without TLS, or tell nothing.
const HARMLESS: [&str; 3] = ["ejabberd_acme", "mod_host_meta", "ejabberd_captcha"];

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    for listener in config.listeners().iter().filter(|listener| is_public(listener)) {
        match listener.module.as_str() {
            "ejabberd_http" => http(listener, found),
            "ejabberd_xmlrpc" => {
                let what = format!("XML-RPC is served without TLS on {}", listener.endpoint());
                let at = line_or_port(listener, "ip");
                found.push(Finding::new("admin-without-tls", what, "write `ip: 127.0.0.1`").at(at));
            }
            _ => {}
        }
    }
    let global = &config.global;
    if word(global, "trusted_proxies") == Some("all") || words(global, "trusted_proxies") == ["all"] {
        let what = "X-Forwarded-For is believed of everybody";
        let fix = "write the proxy's address: `trusted_proxies: [127.0.0.1]`";
        found.push(Finding::new("trusted-proxies-all", what, fix).at(line(global, "trusted_proxies")));
    }
    if word(global, "websocket_origin") == Some("ignore") {
        let what = "WebSocket connections are taken from any page";
        let fix = "write the pages: `websocket_origin: [\"https://chat.example.org\"]`";
        found.push(Finding::new("websocket-any-origin", what, fix).at(line(global, "websocket_origin")));
    }
    if word(global, "oauth_client_id_check") == Some("allow") {
        let what = "every OAuth client is accepted";
        let fix = "remove `oauth_client_id_check`: clients are then looked up";
        found.push(Finding::new("oauth-any-client", what, fix).at(line(global, "oauth_client_id_check")));
    }
}

fn http(listener: &ListenerConfig, found: &mut Vec<Finding>) {
    let options = &listener.options;
    let handlers = options.setting("request_handlers").map(|setting| setting.node.entries());
    let handlers: Vec<(&str, &Node)> = handlers
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((entry.value.as_str()?, &entry.value)))
        .collect();
    let endpoint = listener.endpoint();
    let first = |wanted: &dyn Fn(&str) -> bool| handlers.iter().find(|(handler, _)| wanted(handler));
    let at = |node: &Node, handler: &str| {
        nightjar_firewall::Line::new(&node.at, format!("listen.ejabberd_http.request_handlers.{handler}"))
    };
    let here = "write `tls: true`, or `ip: 127.0.0.1` behind a proxy that speaks TLS";
    if flag(options, "tls") {
        if let Some((handler, node)) = first(&|handler| handler == "ejabberd_web_admin") {
            let what = format!("the Web Admin is on {endpoint}, for everybody");
            let fix = "serve it on a listener of its own with `ip: 127.0.0.1`";
            found.push(Finding::new("web-admin-public", what, fix).at(at(node, handler)));
        }
    } else if let Some((handler, node)) = first(&|handler| LOGINS.contains(&handler)) {
        let what = format!("{handler} is served without TLS on {endpoint}");
        found.push(Finding::new("admin-without-tls", what, here).at(at(node, handler)));
    } else if let Some((handler, node)) = first(&|handler| !HARMLESS.contains(&handler)) {
        let what = format!("{handler} is served without TLS on {endpoint}");
        found.push(Finding::new("http-without-tls", what, here).at(at(node, handler)));
    }
}
