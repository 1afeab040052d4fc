//! Connections of clients.

use nightjar_config::{Config, ListenerConfig, Value};

use crate::finding::Finding;
use crate::look::{flag, is_public, line, line_or_port, value};

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    let public = config.listeners().iter().filter(|listener| is_public(listener));
    for listener in public {
        if listener.module == *"ejabberd_c2s" {
            clients(listener, found);
        }
        if flag(&listener.options, "use_proxy_protocol") {
            let what = format!("{} believes the PROXY header on every address", listener.endpoint());
            let fix = "bind it to the address the proxy connects to, with `ip:`";
            found.push(
                Finding::new("proxy-protocol-public", what, fix)
                    .at(line(&listener.options, "use_proxy_protocol")),
            );
        }
    }
}

fn clients(listener: &ListenerConfig, found: &mut Vec<Finding>) {
    let options = &listener.options;
    let endpoint = listener.endpoint();
    let (tls, starttls) = (flag(options, "tls"), flag(options, "starttls"));
    let required = flag(options, "starttls_required");
    if !tls && !starttls && !required {
        let what = format!("clients connect to {endpoint} without encryption");
        let fix = "write `starttls: true` and `starttls_required: true`, or `tls: true`";
        found.push(Finding::new("c2s-unencrypted", what, fix).at(line_or_port(listener, "starttls")));
    } else if !tls && !required {
        let what = format!("clients may stay unencrypted on {endpoint}");
        let at = line_or_port(listener, "starttls_required");
        found.push(Finding::new("starttls-optional", what, "write `starttls_required: true`").at(at));
    }
    if !tls && flag(options, "allow_unencrypted_sasl2") {
        let what = format!("clients may log in by SASL2 without encryption on {endpoint}");
        let at = line(options, "allow_unencrypted_sasl2");
        found.push(Finding::new("sasl2-unencrypted", what, "remove `allow_unencrypted_sasl2`").at(at));
    }
    if *value(options, "max_stanza_size") == Value::Infinity {
        let what = format!("stanzas on {endpoint} may be of any size");
        let at = line_or_port(listener, "max_stanza_size");
        found.push(Finding::new("stanza-size-unlimited", what, "write `max_stanza_size: 262144`").at(at));
    }
}
