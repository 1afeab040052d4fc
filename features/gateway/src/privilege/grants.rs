//! What a component may do: read from the options when it connects.

use nightjar_base::Host;
use nightjar_config::access::{AccessRef, Who};
use nightjar_config::{Options, Value};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::{IqType, ns};

/// XEP-0356 before version 0.3, which knew no requests in the name of accounts.
pub const PRIVILEGE_1: &str = "urn:xmpp:privilege:1";

/// Which requests are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    None,
    Get,
    Set,
    Both,
}

impl Requests {
    fn new(both: bool, get: bool, set: bool) -> Self {
        match (both || get, both || set) {
            (true, true) => Requests::Both,
            (true, false) => Requests::Get,
            (false, true) => Requests::Set,
            (false, false) => Requests::None,
        }
    }

    /// Whether a request of this type is allowed.
    pub fn allows(self, kind: IqType) -> bool {
        match kind {
            IqType::Get => matches!(self, Requests::Get | Requests::Both),
            IqType::Set => matches!(self, Requests::Set | Requests::Both),
            _ => false,
        }
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Requests::None => None,
            Requests::Get => Some("get"),
            Requests::Set => Some("set"),
            Requests::Both => Some("both"),
        }
    }
}

/// Whose presence is sent to the component (§7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presences {
    None,
    /// That of accounts.
    ManagedEntity,
    /// That of accounts and of those they see.
    Roster,
}

/// Everything one component may do on one host.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    pub roster: Requests,
    /// By namespace; only those with something allowed.
    pub iq: Vec<(Text, Requests)>,
    pub presence: Presences,
    pub message: bool,
}

impl Grant {
    /// What the options give to this component; none if that is nothing.
    pub fn of(host: &Host, options: &Options, component: &Jid) -> Option<Grant> {
        let config = host.config();
        let allows = |rule: &AccessRef| config.access.allows(rule, &Who::jid(component));
        let field =
            |value: &Value, name| matches!(value.get(name), Some(Value::Access(rule)) if allows(rule));
        let requests =
            |value: &Value| Requests::new(field(value, "both"), field(value, "get"), field(value, "set"));
        let presence = options.typed("presence");
        let iq = options.map("iq").iter().map(|(namespace, value)| (namespace.clone(), requests(value)));
        let grant = Grant {
            roster: requests(options.typed("roster")),
            iq: iq.filter(|(_, requests)| *requests != Requests::None).collect(),
            presence: if field(presence, "roster") {
                Presences::Roster
            } else if field(presence, "managed_entity") {
                Presences::ManagedEntity
            } else {
                Presences::None
            },
            message: field(options.typed("message"), "outgoing"),
        };
        let is_empty = grant.roster == Requests::None
            && grant.iq.is_empty()
            && grant.presence == Presences::None
            && !grant.message;
        (!is_empty).then_some(grant)
    }

    /// What is allowed in a namespace.
    pub fn requests(&self, namespace: &str) -> Requests {
        let found = self.iq.iter().find(|(name, _)| name.as_str() == namespace);
        found.map_or(Requests::None, |(_, requests)| *requests)
    }

    /// The elements that tell the component of it (§4.2), of both versions.
    pub fn to_xml(&self) -> [Text; 2] {
        [ns::PRIVILEGE, PRIVILEGE_1].map(|namespace| {
            let mut xml = Writer::new();
            xml.start("privilege").ns(namespace);
            let mut permission = |access: &str, kind: Option<&str>| {
                if let Some(kind) = kind {
                    xml.start("perm").attr("access", access).attr("type", kind).end("perm");
                }
            };
            permission("roster", self.roster.name());
            permission("message", self.message.then_some("outgoing"));
            permission(
                "presence",
                match self.presence {
                    Presences::None => None,
                    Presences::ManagedEntity => Some("managed_entity"),
                    Presences::Roster => Some("roster"),
                },
            );
            if namespace == ns::PRIVILEGE && !self.iq.is_empty() {
                xml.start("perm").attr("access", "iq");
                for (namespace, requests) in &self.iq {
                    xml.start("namespace").attr("ns", namespace).attr_opt("type", requests.name());
                    xml.end("namespace");
                }
                xml.end("perm");
            }
            xml.end("privilege");
            Text::from(xml.finish())
        })
    }
}
