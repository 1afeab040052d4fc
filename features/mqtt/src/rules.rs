//! Who may publish and subscribe to what.

use nightjar_base::Host;
use nightjar_config::access::Who;
use nightjar_mqtt::topic::{self, Shared};

use crate::client::Client;
use crate::options::Rule;

/// Whether a rule that covers the topic or filter allows it; without rules all is allowed, as in ejabberd.
pub(crate) fn may(host: &Host, rules: &[Rule], client: &Client, topic: &[u8]) -> bool {
    if rules.is_empty() {
        return true;
    }
    let topic = Shared::parse(topic).map_or(topic, |shared| shared.filter);
    // Groups of shared rosters are told by whoever keeps them; there is none yet.
    let in_group = |_: &str| false;
    let who = topic::Who {
        user: client.user.as_str(),
        domain: &host.name,
        client_id: client.client_id.as_str(),
        in_group: &in_group,
    };
    let config = host.config();
    let is_allowed = |(pattern, rule): &Rule| {
        pattern.covers(topic, &who)
            && config.access.allows(rule, &client.jid.as_ref().map_or(Who::anyone(), Who::jid))
    };
    rules.iter().any(is_allowed)
}

/// As [`may`], for a topic name. What begins with `$` is the server's (§4.7.2), whatever the rules say, as in ejabberd.
pub(crate) fn may_publish(host: &Host, rules: &[Rule], client: &Client, topic: &[u8]) -> bool {
    topic.first() != Some(&b'$') && may(host, rules, client, topic)
}
