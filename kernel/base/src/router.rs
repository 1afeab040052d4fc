//! Where a stanza goes: one lookup by its domain.

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_xmpp::{Stanza, StanzaError};

use crate::delivery;
use crate::hooks::BoxFuture;
use crate::host::Host;
use crate::kernel::Kernel;

/// A domain served by a feature or a component.
pub trait Service: Send + Sync {
    /// Takes a stanza whose `to` is in the domain and whose `from` is set.
    fn route<'a>(&'a self, kernel: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()>;
}

/// Other servers.
pub trait Remote: Send + Sync {
    /// Takes a stanza for a domain that isn't local; it comes back with an error if it can't be sent.
    fn route<'a>(&'a self, kernel: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()>;
}

/// What a domain leads to.
#[derive(Clone)]
pub enum Route {
    /// A virtual host.
    Host(Arc<Host>),
    /// A service.
    Service(Arc<dyn Service>),
}

impl Kernel {
    /// Sends a stanza to its `to`. Both addresses must be set; a stanza without them is dropped.
    pub async fn route(self: &Arc<Self>, stanza: Stanza) {
        let Some(to) = &stanza.to else {
            tracing::debug!("a stanza without addressee was dropped");
            return;
        };
        match self.find_route(to.domain()) {
            Some(Route::Host(host)) => delivery::deliver(self, &host, stanza).await,
            Some(Route::Service(service)) => service.route(self, stanza).await,
            None => self.route_remote(stanza).await,
        }
    }

    /// As [`Kernel::route`], for callers that a route led to: the future is boxed, so that it may be recursive.
    pub fn route_boxed(self: &Arc<Self>, stanza: Stanza) -> BoxFuture<'static, ()> {
        let kernel = Arc::clone(self);
        Box::pin(async move { kernel.route(stanza).await })
    }

    /// Sends the error back to the stanza's sender, unless the stanza is one that must not be answered.
    pub async fn bounce(self: &Arc<Self>, stanza: &Stanza, error: &StanzaError) {
        if let Some(reply) = stanza.error_reply(error) {
            self.route_boxed(reply).await;
        }
    }

    async fn route_remote(self: &Arc<Self>, stanza: Stanza) {
        match self.remote() {
            Some(remote) => remote.route(self, stanza).await,
            None => self.bounce(&stanza, &StanzaError::remote_server_not_found()).await,
        }
    }

    /// Whether the domain is served here.
    pub fn is_local(&self, jid: &Jid) -> bool {
        self.find_route(jid.domain()).is_some()
    }
}
