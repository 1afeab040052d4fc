//! What the service does with a stanza.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use nightjar_base::hooks::BoxFuture;
use nightjar_base::router::Service;
use nightjar_base::{Host, Kernel};
use nightjar_config::access::{AccessRef, Who};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{Element, Writer};
use nightjar_xmpp::forms::{DataForm, Field, FormType};
use nightjar_xmpp::{IqType, MessageType, PresenceType, Stanza, StanzaError, StanzaType, ns};

use super::Limits;
use super::addresses::{Address, Addresses, to_xml};
use super::remote::{Found, Servers};

/// The service of one host.
pub(super) struct Multicast {
    pub(super) host: Weak<Host>,
    pub(super) jid: Jid,
    pub(super) name: Text,
    pub(super) vcard: Text,
    pub(super) access: AccessRef,
    pub(super) local: Limits,
    pub(super) remote: Limits,
    pub(super) servers: Arc<Servers>,
}

impl Service for Multicast {
    fn route<'a>(&'a self, kernel: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let answer = match stanza.kind {
                StanzaType::Iq(IqType::Get | IqType::Set) => {
                    return match self.answer(kernel, &stanza) {
                        Ok(payload) => kernel.route_boxed(stanza.result_reply(Some(payload))).await,
                        Err(error) => kernel.bounce(&stanza, &error).await,
                    };
                }
                StanzaType::Message(kind) if kind != MessageType::Error => self.spread(kernel, &stanza).await,
                StanzaType::Presence(PresenceType::Available | PresenceType::Unavailable) => {
                    self.spread(kernel, &stanza).await
                }
                _ => Ok(()),
            };
            if let Err(error) = answer {
                kernel.bounce(&stanza, &error).await;
            }
        })
    }
}

/// The addresses at one domain.
#[derive(Default)]
struct Group {
    open: Vec<Address>,
    blind: Vec<Address>,
}

impl Multicast {
    fn answer(&self, kernel: &Kernel, stanza: &Stanza) -> Result<Text, StanzaError> {
        let query = stanza.children().next().ok_or_else(StanzaError::bad_request)?;
        let is_service = stanza.to.as_ref().is_some_and(Jid::is_domain);
        match query.ns() {
            _ if !is_service || stanza.kind != StanzaType::Iq(IqType::Get) => {
                Err(StanzaError::service_unavailable())
            }
            ns::DISCO_INFO => Ok(self.info(self.limits(kernel, stanza))),
            ns::DISCO_ITEMS => Ok(Text::from(format!("<query xmlns='{}'/>", ns::DISCO_ITEMS))),
            ns::VCARD => Ok(self.vcard.clone()),
            _ => Err(StanzaError::service_unavailable()),
        }
    }

    fn info(&self, limits: &Limits) -> Text {
        let mut xml = Writer::new();
        xml.start("query").ns(ns::DISCO_INFO);
        xml.start("identity").attr("category", "service").attr("type", "multicast").attr("name", &self.name);
        xml.end("identity");
        for feature in [ns::DISCO_INFO, ns::DISCO_ITEMS, ns::VCARD, ns::ADDRESS] {
            xml.start("feature").attr("var", feature).end("feature");
        }
        // §9
        let mut form = DataForm::typed(FormType::Result, ns::ADDRESS);
        for (name, limit) in [("message", limits.message), ("presence", limits.presence)] {
            if let Some(limit) = limit {
                form = form.with(Field::plain(name, &limit.to_string()));
            }
        }
        xml.raw(&form.to_xml()).end("query");
        Text::from(xml.finish())
    }

    /// The limits for whoever sent the stanza.
    fn limits(&self, kernel: &Kernel, stanza: &Stanza) -> &Limits {
        let is_local = stanza.from.as_ref().is_some_and(|from| kernel.host(from.domain()).is_some());
        if is_local { &self.local } else { &self.remote }
    }

    /// Sends a stanza to all it is addressed to (§5).
    async fn spread(&self, kernel: &Arc<Kernel>, stanza: &Stanza) -> Result<(), StanzaError> {
        let refuse = |error: StanzaError, text: &str| error.with_text(text);
        let host = self.host.upgrade().ok_or_else(StanzaError::service_unavailable)?;
        let from = stanza.from.clone().ok_or_else(StanzaError::bad_request)?;
        if !host.config().access.allows(&self.access, &Who::jid(&from)) {
            return Err(refuse(StanzaError::forbidden(), "Access denied by service policy"));
        }
        let element = stanza.child("addresses", ns::ADDRESS).map(|element: _| element.parse());
        let element: Element =
            element.ok_or_else(|| refuse(StanzaError::bad_request(), "No addresses element found"))?;
        let addresses = Addresses::read(&element);
        let limits = self.limits(kernel, stanza);
        let limit =
            if matches!(stanza.kind, StanzaType::Message(_)) { limits.message } else { limits.presence };
        if limit.is_some_and(|limit| addresses.len() + addresses.invalid > limit) {
            let text = "Too many receiver fields were specified";
            return Err(refuse(StanzaError::not_acceptable(), text));
        }
        let invalid = addresses.invalid;
        let (groups, rest) = self.group(addresses);
        if !may_relay(&from, &host.name, &groups) {
            return Err(refuse(StanzaError::forbidden(), "Packet relay is denied by service policy"));
        }
        self.send(kernel, &host, stanza, &groups, &rest).await;
        if invalid > 0 {
            return Err(refuse(StanzaError::jid_malformed(), "This service can not process some addresses"));
        }
        Ok(())
    }

    /// By domain; addresses of the service itself are left out, or a stanza would go in circles.
    fn group(&self, addresses: Addresses) -> (BTreeMap<Text, Group>, Vec<Address>) {
        let mut groups: BTreeMap<Text, Group> = BTreeMap::new();
        let domain = |address: &Address| {
            let domain = address.jid.as_ref().map(Jid::domain)?;
            (domain != self.jid.domain()).then(|| Text::new(domain))
        };
        for address in addresses.open {
            if let Some(domain) = domain(&address) {
                groups.entry(domain).or_default().open.push(address);
            }
        }
        for address in addresses.blind {
            if let Some(domain) = domain(&address) {
                groups.entry(domain).or_default().blind.push(address);
            }
        }
        (groups, addresses.rest)
    }

    async fn send(
        &self,
        kernel: &Arc<Kernel>,
        host: &Arc<Host>,
        stanza: &Stanza,
        groups: &BTreeMap<Text, Group>,
        rest: &[Address],
    ) {
        let mut bare = stanza.clone();
        bare.remove(|piece| piece.is("addresses", ns::ADDRESS));
        for (domain, group) in groups {
            let others = groups.iter().filter(|(other, _)| *other != domain);
            let others = others.flat_map(|(_, group)| group.open.iter().map(Address::as_delivered));
            let shown: Vec<Address> = others.chain(rest.iter().cloned()).collect();
            let is_many = group.open.len() + group.blind.len() > 1;
            let is_remote = kernel.find_route(domain).is_none();
            let found = if is_many && is_remote { self.servers.find(kernel, host, domain) } else { None };
            match found {
                Some(found) => to_service(kernel, &bare, &found, group, &shown).await,
                None => to_each(kernel, &bare, group, &shown).await,
            }
        }
    }
}

/// Sends to each address by itself; whoever is addressed blindly sees his own address only (§4.2.3).
async fn to_each(kernel: &Arc<Kernel>, stanza: &Stanza, group: &Group, shown: &[Address]) {
    let shown: Vec<Address> =
        group.open.iter().map(Address::as_delivered).chain(shown.iter().cloned()).collect();
    for (address, is_blind) in group
        .open
        .iter()
        .map(|address| (address, false))
        .chain(group.blind.iter().map(|address| (address, true)))
    {
        let own = is_blind.then(|| address.as_delivered());
        deliver(kernel, stanza, address.jid.as_ref(), to_xml(own.iter().chain(&shown))).await;
    }
}

/// Leaves it to the other server, with as many addresses at a time as it takes (§6).
async fn to_service(kernel: &Arc<Kernel>, stanza: &Stanza, found: &Found, group: &Group, shown: &[Address]) {
    let limit = if matches!(stanza.kind, StanzaType::Message(_)) { found.message } else { found.presence };
    let all: Vec<&Address> = group.open.iter().chain(&group.blind).collect();
    for chunk in all.chunks(limit.max(1)) {
        let xml = to_xml(chunk.iter().copied().chain(shown));
        deliver(kernel, stanza, Some(&found.service), xml).await;
    }
}

async fn deliver(kernel: &Arc<Kernel>, stanza: &Stanza, to: Option<&Jid>, addresses: Option<Text>) {
    let mut copy = stanza.clone();
    copy.to = to.cloned();
    if let Some(addresses) = addresses {
        copy.append(addresses);
    }
    kernel.route_boxed(copy).await;
}

/// Our own users may send anywhere; others only to our users (§10).
fn may_relay(from: &Jid, host: &str, groups: &BTreeMap<Text, Group>) -> bool {
    let below = from.domain().strip_suffix(host);
    below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        || groups.keys().all(|domain| domain.as_str() == host)
}
