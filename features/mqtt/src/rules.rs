//! Who may publish and subscribe to what.

use nightjar_base::Host;
use nightjar_config::access::{AccessRef, Who};
use nightjar_jid::Jid;
use nightjar_mqtt::topic::{self, Shared};

use crate::client::Client;
use crate::options::{BrokerOptions, Rule};
use crate::sys;

/// Who wants to publish or subscribe, or has done so.
pub(crate) struct Asker<'a> {
    pub(crate) user: &'a str,
    pub(crate) client_id: &'a str,
    /// Its address, if it can have one.
    pub(crate) jid: Option<&'a Jid>,
}

impl<'a> Asker<'a> {
    pub(crate) fn of(client: &'a Client) -> Self {
        Self { user: client.user.as_str(), client_id: client.client_id.as_str(), jid: client.jid.as_ref() }
    }
}

fn allows(host: &Host, rule: &AccessRef, asker: &Asker<'_>) -> bool {
    host.config().access.allows(rule, &asker.jid.map_or(Who::anyone(), Who::jid))
}

/// Whether a rule that covers the topic or filter allows it; without rules all is allowed, as in ejabberd.
fn may(host: &Host, rules: &[Rule], asker: &Asker<'_>, topic: &[u8]) -> bool {
    if rules.is_empty() {
        return true;
    }
    let topic = Shared::parse(topic).map_or(topic, |shared| shared.filter);
    // Groups of shared rosters are told by whoever keeps them; there is none yet.
    let in_group = |_: &str| false;
    let Asker { user, client_id, .. } = *asker;
    let who = topic::Who { user, domain: &host.name, client_id, in_group: &in_group };
    rules.iter().any(|(pattern, rule)| pattern.covers(topic, &who) && allows(host, rule, asker))
}

/// Whether somebody may subscribe; to what is told of everybody, only if `access_sys` allows it too.
pub(crate) fn may_subscribe(host: &Host, options: &BrokerOptions, asker: &Asker<'_>, filter: &[u8]) -> bool {
    (!sys::is_asked(filter) || allows(host, &options.sys_access, asker))
        && may(host, &options.subscribe, asker, filter)
}

/// Whether somebody may publish. What begins with `$` is the server's (§4.7.2), whatever the rules say, as in ejabberd.
pub(crate) fn may_publish(host: &Host, rules: &[Rule], asker: &Asker<'_>, topic: &[u8]) -> bool {
    topic.first() != Some(&b'$') && may(host, rules, asker, topic)
}
