//! What clients are told of.

use nightjar_base::relay::RelayOffer;
use nightjar_config::Value;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Stun,
    Turn,
    Stuns,
    Turns,
}

impl Kind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        [Kind::Stun, Kind::Turn, Kind::Stuns, Kind::Turns].into_iter().find(|kind| kind.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Stun => "stun",
            Kind::Turn => "turn",
            Kind::Stuns => "stuns",
            Kind::Turns => "turns",
        }
    }

    fn has_tls(self) -> bool {
        matches!(self, Kind::Stuns | Kind::Turns)
    }

    fn has_relays(self) -> bool {
        matches!(self, Kind::Turn | Kind::Turns)
    }
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) kind: Kind,
    pub(super) is_udp: bool,
    pub(super) is_restricted: bool,
}

impl Service {
    /// One of `services`.
    pub(super) fn listed(value: &Value) -> Option<Self> {
        let Value::Map(fields) = value else { return None };
        let field = |name: &str| fields.iter().find(|(key, _)| **key == *name).map(|(_, value)| value);
        let host = match field("host")? {
            Value::Ip(ip) => ip.to_string(),
            other => other.as_str()?.to_owned(),
        };
        let kind = field("type").and_then(Value::as_str).and_then(Kind::parse).unwrap_or(Kind::Stun);
        let port = match field("port") {
            Some(Value::Int(port)) => u16::try_from(*port).ok()?,
            _ if kind.has_tls() => 5349,
            _ => 3478,
        };
        let is_udp = match field("transport").and_then(Value::as_str) {
            Some(transport) => transport == "udp",
            None => !kind.has_tls(),
        };
        let is_restricted = field("restricted").and_then(Value::as_bool).unwrap_or(kind.has_relays());
        Some(Self { host, port, kind, is_udp, is_restricted })
    }

    /// What a listener of ours is: a STUN server, and a TURN server where it gives relays.
    pub(super) fn offered(offer: &RelayOffer) -> impl Iterator<Item = Self> + use<> {
        let (host, port, is_udp) = (offer.ip.to_string(), offer.port, offer.is_udp);
        let service =
            move |kind, is_restricted| Self { host: host.clone(), port, kind, is_udp, is_restricted };
        let turn = offer.has_relays.then(|| service(Kind::Turn, offer.is_restricted));
        std::iter::once(service(Kind::Stun, false)).chain(turn)
    }

    pub(super) fn transport(&self) -> &'static str {
        if self.is_udp { "udp" } else { "tcp" }
    }
}
