//! What comes from other servers and from components.

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_xmpp::Stanza;
use parking_lot::Mutex;

use crate::delivery::settle;
use crate::hooks::{
    ComponentConnected, ComponentDisconnected, ComponentSend, Flow, S2sAllow, S2sReceive, S2sSend,
};
use crate::host::Host;
use crate::kernel::Kernel;

/// The domains of connected components, each once for every connection that serves it.
#[derive(Default)]
pub struct Components {
    connected: Mutex<Vec<Jid>>,
}

impl Kernel {
    /// Whether stanzas may pass between a host of ours and another server (`s2s_allow_host`). Access rules are the
    /// caller's business; this asks the features.
    pub async fn may_federate(&self, host: &Arc<Host>, remote: &Jid) -> bool {
        let mut event = S2sAllow { host: Arc::clone(host), remote: remote.clone() };
        matches!(host.hooks.s2s_allow.run(&mut event).await, Flow::Continue)
    }

    /// Passes a stanza that leaves for another server through the listeners of its sender's host. `None` if a listener
    /// kept it; its sender has been told if he is to be.
    pub async fn remote_send(self: &Arc<Self>, stanza: Stanza) -> Option<Stanza> {
        let host = stanza.from.as_ref().and_then(|from| self.host(from.domain()));
        let Some(host) = host.filter(|host| !host.hooks.s2s_send.is_empty()) else { return Some(stanza) };
        let mut event = S2sSend { host: Arc::clone(&host), stanza };
        match host.hooks.s2s_send.run(&mut event).await {
            Flow::Continue => Some(event.stanza),
            flow => {
                settle(self, flow, &event.stanza).await;
                None
            }
        }
    }

    /// Takes a stanza from another server that has proved to be `remote`, the domain of the stanza's `from`.
    pub async fn remote_receive(self: &Arc<Self>, remote: &Jid, stanza: Stanza) {
        let host = stanza.to.as_ref().and_then(|to| self.host(to.domain()));
        let Some(host) = host.filter(|host| !host.hooks.s2s_receive.is_empty()) else {
            return self.route(stanza).await;
        };
        let mut event = S2sReceive { host: Arc::clone(&host), remote: remote.clone(), stanza };
        match host.hooks.s2s_receive.run(&mut event).await {
            Flow::Continue => self.route(event.stanza).await,
            flow => settle(self, flow, &event.stanza).await,
        }
    }

    /// The domains of connected components, in order of their connection.
    pub fn components(&self) -> Vec<Jid> {
        let mut all: Vec<Jid> = Vec::new();
        for component in self.components.connected.lock().iter() {
            if !all.contains(component) {
                all.push(component.clone());
            }
        }
        all
    }

    /// Takes a stanza from a component that may send in the name of its `from`.
    pub async fn component_send(self: &Arc<Self>, component: &Jid, stanza: Stanza) {
        let host = stanza.to.as_ref().and_then(|to| self.host(to.domain()));
        let Some(host) = host.filter(|host| !host.hooks.component_send.is_empty()) else {
            return self.route(stanza).await;
        };
        let mut event = ComponentSend { host: Arc::clone(&host), component: component.clone(), stanza };
        match host.hooks.component_send.run(&mut event).await {
            Flow::Continue => self.route(event.stanza).await,
            flow => settle(self, flow, &event.stanza).await,
        }
    }

    /// Notes that a connection serves a component's domain and tells the features of every host.
    pub async fn component_connected(self: &Arc<Self>, component: &Jid) {
        self.components.connected.lock().push(component.clone());
        for host in self.hosts() {
            let mut event = ComponentConnected { component: component.clone() };
            host.hooks.component_connected.run(&mut event).await;
        }
    }

    /// Notes that a connection that served a component's domain is gone; features hear of the last one only.
    pub async fn component_disconnected(self: &Arc<Self>, component: &Jid) {
        let is_last = {
            let mut connected = self.components.connected.lock();
            if let Some(at) = connected.iter().position(|other| other == component) {
                connected.remove(at);
            }
            !connected.contains(component)
        };
        if !is_last {
            return;
        }
        for host in self.hosts() {
            let mut event = ComponentDisconnected { component: component.clone() };
            host.hooks.component_disconnected.run(&mut event).await;
        }
    }
}
