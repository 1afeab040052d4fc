//! Sending clients to another server (RFC 8489 §10, RFC 8656 §7.2).

use core::net::SocketAddr;

use super::{Server, Who};
use crate::attribute::{ErrorCode, kind};
use crate::message::Message;
use crate::server::Transport;

/// Where clients are sent that can't get a relay here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternate {
    /// For clients that come by IPv4.
    pub v4: Option<SocketAddr>,
    /// For clients that come by IPv6.
    pub v6: Option<SocketAddr>,
    /// The name in the other server's certificate, for clients that come by TLS or DTLS.
    pub domain: Option<String>,
}

impl Alternate {
    /// The address for a client, of its family, and the one of the other family: never the one that it came to, as it would
    /// come back and be sent away again.
    fn servers(&self, local: SocketAddr, remote: SocketAddr) -> Option<(SocketAddr, Option<SocketAddr>)> {
        let (own, other) = if remote.is_ipv4() { (self.v4, self.v6) } else { (self.v6, self.v4) };
        own.filter(|own| *own != local).map(|own| (own, other))
    }
}

impl Server {
    /// Refuses a relay that isn't to be had here, by telling where there may be one if there is such a place. Only who has
    /// shown that it knows the key is told: to others it would be a longer answer to a request that may be forged.
    pub(super) fn refuse_or_redirect(
        &mut self,
        now: u64,
        who: &Who,
        request: &Message<'_>,
        error: ErrorCode,
    ) {
        let is_known = who.proof.as_ref().is_some_and(|proof| proof.key.is_some());
        // What was reserved here isn't to be had elsewhere.
        let is_movable = request.get(kind::RESERVATION_TOKEN).is_none();
        let settings = std::sync::Arc::clone(&self.settings);
        let servers = settings.alternate.servers(who.client.local, who.client.remote);
        let Some((first, second)) = servers.filter(|_| is_known && is_movable) else {
            return self.refuse(now, who, request, error);
        };
        self.counters.redirected += 1;
        let has_certificate = matches!(who.client.transport, Transport::Tls | Transport::Dtls);
        let domain = settings.alternate.domain.as_ref().filter(|_| has_certificate);
        self.refuse_with(now, who, request, ErrorCode::TRY_ALTERNATE, |builder| {
            let builder = std::iter::once(first)
                .chain(second)
                .fold(builder, |builder, server| builder.address(kind::ALTERNATE_SERVER, server));
            domain
                .iter()
                .fold(builder, |builder, domain| builder.bytes(kind::ALTERNATE_DOMAIN, domain.as_bytes()))
        });
    }
}
