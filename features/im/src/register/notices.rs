//! Messages about a new account: to the account itself and to `registration_watchers`.

use std::net::IpAddr;
use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::host::Host;
use nightjar_jid::Jid;
use nightjar_xmpp::{MessageType, Stanza, datetime, write};

use super::options::RegisterOptions;

pub(super) async fn send(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    options: &RegisterOptions,
    account: &Jid,
    ip: Option<IpAddr>,
) {
    let (subject, body) = (&options.welcome_subject, &options.welcome_body);
    if !(subject.is_empty() && body.is_empty()) {
        kernel.route_boxed(message(kernel, &host.jid, account, subject, body)).await;
    }
    if options.watchers.is_empty() {
        return;
    }
    let time = datetime::format(kernel.clock.unix_micros());
    let from = match ip {
        _ if kernel.config().global.bool("hide_sensitive_log_data") => "(hidden)".to_owned(),
        Some(ip) => ip.to_string(),
        None => "undefined".to_owned(),
    };
    let body =
        format!("[{time}] The account {account} was registered from IP address {from} using mod_register.");
    for watcher in &options.watchers {
        kernel.route_boxed(message(kernel, &host.jid, watcher, "", &body)).await;
    }
}

fn message(kernel: &Kernel, from: &Jid, to: &Jid, subject: &str, body: &str) -> Stanza {
    let mut stanza =
        Stanza::message(MessageType::Chat).with_from(from).with_to(to).with_id(kernel.random.identifier());
    for (name, text) in [("subject", subject), ("body", body)] {
        if !text.is_empty() {
            let mut xml = String::new();
            write::text_element(&mut xml, name, text);
            stanza.append(xml.into());
        }
    }
    stanza
}
