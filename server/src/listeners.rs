//! What can speak on a port.

use std::any::Any;
use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_config::{ListenerConfig, ModuleSpec};
use nightjar_net_http::{HTTP_SPEC, HttpListener};
use nightjar_net_listen::Certificates;
use nightjar_net_mqtt::{MQTT_SPEC, MqttListener};
use nightjar_net_stun::{STUN_SPEC, StunListener};
use nightjar_net_xmpp::{
    C2S_SPEC, ClientListener, ComponentListener, S2S_SPEC, SERVICE_SPEC, ServerListener,
};

/// A kind of listener.
pub(crate) struct Kind {
    /// Its name and options.
    pub(crate) spec: &'static ModuleSpec,
    /// Binds and starts to serve.
    pub(crate) listen: fn(&Arc<Kernel>, &ListenerConfig, &Arc<Certificates>) -> anyhow::Result<Listening>,
    /// What the banner says speaks there.
    pub(crate) speaks: fn(&ListenerConfig) -> &'static str,
}

/// A bound listener. Dropping it stops accepting; connections live on.
pub(crate) type Listening = Box<dyn Any + Send + Sync>;

/// All kinds; the order is that of the manual.
pub(crate) static LISTENERS: &[Kind] = &[
    Kind { spec: &C2S_SPEC, listen: c2s, speaks: c2s_speaks },
    Kind { spec: &SERVICE_SPEC, listen: service, speaks: service_speaks },
    Kind { spec: &S2S_SPEC, listen: s2s, speaks: s2s_speaks },
    Kind { spec: &HTTP_SPEC, listen: http, speaks: http_speaks },
    Kind { spec: &STUN_SPEC, listen: stun, speaks: stun_speaks },
    Kind { spec: &MQTT_SPEC, listen: mqtt, speaks: mqtt_speaks },
];

fn c2s(
    kernel: &Arc<Kernel>,
    config: &ListenerConfig,
    certificates: &Arc<Certificates>,
) -> anyhow::Result<Listening> {
    let listener = ClientListener::new(Arc::clone(kernel), config, Arc::clone(certificates));
    let listener = listener.map_err(anyhow::Error::msg)?;
    Ok(Box::new(listener.listen()?))
}

fn c2s_speaks(config: &ListenerConfig) -> &'static str {
    if config.options.bool("tls") { "XMPP clients, direct TLS" } else { "XMPP clients, STARTTLS" }
}

fn service(
    kernel: &Arc<Kernel>,
    config: &ListenerConfig,
    certificates: &Arc<Certificates>,
) -> anyhow::Result<Listening> {
    let listener = ComponentListener::new(Arc::clone(kernel), config, Arc::clone(certificates));
    let listener = listener.map_err(anyhow::Error::msg)?;
    Ok(Box::new(listener.listen()?))
}

fn service_speaks(config: &ListenerConfig) -> &'static str {
    if config.options.bool("tls") { "XMPP components, direct TLS" } else { "XMPP components" }
}

fn s2s(
    kernel: &Arc<Kernel>,
    config: &ListenerConfig,
    certificates: &Arc<Certificates>,
) -> anyhow::Result<Listening> {
    let listener = ServerListener::new(Arc::clone(kernel), config, Arc::clone(certificates));
    Ok(Box::new(listener.map_err(anyhow::Error::msg)?.listen()?))
}

fn s2s_speaks(config: &ListenerConfig) -> &'static str {
    if config.options.bool("tls") { "other XMPP servers, direct TLS" } else { "other XMPP servers, STARTTLS" }
}

fn http(
    kernel: &Arc<Kernel>,
    config: &ListenerConfig,
    certificates: &Arc<Certificates>,
) -> anyhow::Result<Listening> {
    let listener = HttpListener::new(Arc::clone(kernel), config, Arc::clone(certificates));
    let listener = listener.map_err(anyhow::Error::msg)?;
    Ok(Box::new(listener.listen()?))
}

fn http_speaks(config: &ListenerConfig) -> &'static str {
    if config.options.bool("tls") { "HTTP, direct TLS" } else { "HTTP" }
}

fn stun(
    kernel: &Arc<Kernel>,
    config: &ListenerConfig,
    certificates: &Arc<Certificates>,
) -> anyhow::Result<Listening> {
    let listener = StunListener::new(Arc::clone(kernel), config, Arc::clone(certificates));
    Ok(Box::new(listener.map_err(anyhow::Error::msg)?.listen()?))
}

fn stun_speaks(config: &ListenerConfig) -> &'static str {
    match (config.options.bool("use_turn"), config.options.bool("tls")) {
        (true, true) => "STUN and TURN, direct TLS",
        (true, false) => "STUN and TURN",
        (false, true) => "STUN, direct TLS",
        (false, false) => "STUN",
    }
}

fn mqtt(
    kernel: &Arc<Kernel>,
    config: &ListenerConfig,
    certificates: &Arc<Certificates>,
) -> anyhow::Result<Listening> {
    let listener = MqttListener::new(Arc::clone(kernel), config, Arc::clone(certificates));
    Ok(Box::new(listener.map_err(anyhow::Error::msg)?.listen()?))
}

fn mqtt_speaks(config: &ListenerConfig) -> &'static str {
    if config.options.bool("tls") { "MQTT, direct TLS" } else { "MQTT" }
}

/// The kind of this name.
pub(crate) fn find(module: &str) -> Option<&'static Kind> {
    LISTENERS.iter().find(|kind| kind.spec.name == module)
}

/// The names and options of listeners, and of request handlers that are no modules.
pub(crate) fn specs() -> Vec<&'static ModuleSpec> {
    LISTENERS.iter().map(|kind| kind.spec).chain(nightjar_web::HANDLERS.iter().copied()).collect()
}

#[cfg(test)]
mod tests;
