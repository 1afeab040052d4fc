//! Connections of servers, components, and services beside XMPP.

use nightjar_config::access::Who;
use nightjar_config::{Config, ListenerConfig, Value};

use crate::finding::Finding;
use crate::look::{flag, is_public, line, line_or_port, value, word};

/// Fewer characters than this can be guessed.
const SHORTEST_SECRET: usize = 16;

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    for listener in config.listeners() {
        match listener.module.as_str() {
            "ejabberd_service" => component(listener, found),
            "mod_mqtt" if is_public(listener) && !flag(&listener.options, "tls") => {
                let what = format!("MQTT clients connect to {} without encryption", listener.endpoint());
                let at = line_or_port(listener, "tls");
                found.push(Finding::new("mqtt-without-tls", what, "write `tls: true`").at(at));
            }
            "ejabberd_stun" if is_public(listener) => turn(listener, found),
            _ => {}
        }
    }
    servers(config, found);
    proxies(config, found);
}

fn servers(config: &Config, found: &mut Vec<Finding>) {
    let served = config.listeners().iter().any(|one| one.module == *"ejabberd_s2s_in" && is_public(one));
    for host in config.hosts() {
        let options = &config.host(host).options;
        if !served && !options.is_set("s2s_use_starttls") {
            continue;
        }
        let at = line(options, "s2s_use_starttls");
        let fix = "write `s2s_use_starttls: required`";
        match word(options, "s2s_use_starttls") {
            Some("false") => {
                let what = "connections of servers are not encrypted";
                found.push(Finding::new("s2s-unencrypted", what, fix).at(at));
            }
            Some("true" | "optional") => {
                let what = "connections of servers may stay unencrypted";
                found.push(Finding::new("s2s-starttls-optional", what, fix).at(at));
            }
            _ => {}
        }
    }
}

fn component(listener: &ListenerConfig, found: &mut Vec<Finding>) {
    let options = &listener.options;
    let endpoint = listener.endpoint();
    if is_public(listener) && !flag(options, "tls") {
        let what = format!("components connect to {endpoint} without encryption");
        let fix = "write `ip: 127.0.0.1`, or `tls: true`";
        found.push(Finding::new("component-without-tls", what, fix).at(line_or_port(listener, "tls")));
    }
    if *value(options, "check_from") == Value::Bool(false) {
        let what = format!("components on {endpoint} may send in any name");
        let at = line(options, "check_from");
        found.push(Finding::new("component-any-sender", what, "remove `check_from: false`").at(at));
    }
    let secrets = value(options, "hosts").entries().iter().map(|(_, host)| host.get("password"));
    let weak = |secret: Option<&Value>| {
        secret.and_then(Value::as_str).is_some_and(|secret| secret.chars().count() < SHORTEST_SECRET)
    };
    if weak(Some(value(options, "password"))) || secrets.into_iter().any(weak) {
        let what = format!("a component's secret on {endpoint} has fewer than {SHORTEST_SECRET} characters");
        let at = line(options, "password").or_else(|| line_or_port(listener, "hosts"));
        let fix = "write a long one, such as `openssl rand -hex 24` prints, here and in the component";
        found.push(Finding::new("component-password-weak", what, fix).at(at));
    }
}

fn turn(listener: &ListenerConfig, found: &mut Vec<Finding>) {
    let options = &listener.options;
    if flag(options, "use_turn") && word(options, "auth_type") == Some("anonymous") {
        let what = format!("everybody may relay through {}", listener.endpoint());
        let at = line(options, "auth_type");
        found.push(Finding::new("turn-open-relay", what, "write `auth_type: user`").at(at));
    }
}

fn proxies(config: &Config, found: &mut Vec<Finding>) {
    let Ok(stranger) = "somebody@elsewhere.invalid".parse() else { return };
    for host in config.hosts() {
        let of_host = config.host(host);
        let Some(options) = of_host.module("mod_proxy65") else { continue };
        let open = match value(options, "access") {
            Value::Access(rule) => of_host.access.allows(rule, &Who::jid(&stranger)),
            _ => false,
        };
        if open {
            let what = "users of other servers may send files through mod_proxy65";
            let fix = "write `access: local` under mod_proxy65";
            found.push(Finding::new("proxy65-open", what, fix).at(line(options, "access")));
        }
    }
}
