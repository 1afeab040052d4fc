//! mod_mqtt_bridge: a host's broker exchanges messages with other brokers. Each of those has a task with a connection and a
//! part in the local broker, whose bounded inbox is all that waits while the other one is away.

mod backoff;
mod connect;
mod counters;
mod echoes;
mod link;
mod options;
mod websocket;

use std::sync::Arc;

use nightjar_base::mqtt::{MqttAttachment, MqttService};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::Value;
use nightjar_mqtt::Text;

use counters::Counters;
use link::Link;

/// The feature.
pub static BRIDGE: Feature =
    Feature { spec: &options::SPEC, start: |context| Box::pin(async move { start(&context) }) };

/// Messages that wait for one broker.
const INBOX_MAX: usize = 1000;

fn start(context: &FeatureContext) -> Result<Registration, FeatureError> {
    let wrong = |error: String| FeatureError::Other(error);
    let servers = options::servers(context.options.value("servers")).map_err(wrong)?;
    let user = match context.options.typed("replication_user") {
        Value::Jid(jid) if jid.domain() == context.host.name.as_str() => Some(jid),
        _ => None,
    };
    let user = user.and_then(|jid| jid.local().map(ToOwned::to_owned));
    let user = user.ok_or_else(|| wrong("replication_user must be an account of the host".to_owned()))?;
    let service = context.host.get::<MqttService>();
    let service = service.ok_or_else(|| wrong("the host has no mod_mqtt".to_owned()))?;
    let mut registration = context.registration();
    for server in servers {
        let authorities = context.kernel.config().global.opt_text("ca_file").map(|file| file.to_string());
        if server.address.is_tls {
            connect::client_config(&server.authentication, authorities.as_deref()).map_err(wrong)?;
        }
        let local = service.0.attach(MqttAttachment {
            user: user.clone(),
            client_id: Text::new("mod_mqtt_bridge").unwrap_or_default(),
            topics: server.publish.iter().map(|(local, _)| local.clone()).collect(),
            inbox_max: INBOX_MAX,
        });
        let counters = Arc::new(Counters::default());
        let url = server.address.url.clone();
        registration.keep(counters::register(&context.kernel, &context.host.name, url, &counters));
        let kernel = Arc::clone(&context.kernel);
        registration.spawn(Link { kernel, server, local, counters, authorities }.run());
    }
    Ok(registration)
}
