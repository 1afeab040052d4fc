//! What a component says of the namespaces it serves, and what it is told.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::disco::{DiscoInfo, Identity};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{Element, Writer};
use nightjar_xmpp::{IqType, MessageType, Stanza, StanzaType, ns};
use tokio::sync::watch;

use super::forward::Forward;
use super::{Delegation, Delegations, Namespace};

/// How long a component may think about what it serves.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Identities and features that are believed of one answer.
const INFO_MAX: usize = 100;

impl Delegations {
    /// Asks the component what is to be said of the namespace for the host and for accounts (§7.2), and delegates it
    /// for those of the two that it knows.
    pub(super) async fn delegate(&self, component: &Jid, namespace: &Namespace) {
        let (Some(kernel), Some(host)) = (self.kernel.upgrade(), self.host.upgrade()) else { return };
        let mut is_told = false;
        for (target, infix) in [(IqTarget::Host, "::"), (IqTarget::Account, ":bare:")] {
            let node = format!("{}{infix}{}", ns::DELEGATION, namespace.name);
            let Some(info) = ask(&kernel, &host, component, &node).await else { continue };
            if !kernel.components().contains(component) {
                return;
            }
            if !self.take(&kernel, &host, component, namespace, target, info) {
                continue;
            }
            tracing::info!(host = %host.name, %component, namespace = %namespace.name, ?target, "delegated");
            if !is_told {
                is_told = true;
                kernel.route_boxed(advertisement(&kernel, &host, component, namespace)).await;
            }
        }
    }

    /// Serves the namespace by the component; false if another one does already.
    fn take(
        &self,
        kernel: &Arc<Kernel>,
        host: &Arc<Host>,
        component: &Jid,
        namespace: &Namespace,
        target: IqTarget,
        info: DiscoInfo,
    ) -> bool {
        let mut all = self.all.lock();
        let is_taken = |other: &&Delegation| other.namespace == namespace.name && other.target == target;
        if let Some(other) = all.iter().find(is_taken) {
            let (namespace, other) = (&namespace.name, &other.component);
            tracing::warn!(%component, %namespace, %other, "another component serves the namespace already");
            return false;
        }
        let (present, connected) = watch::channel(());
        let forward = Forward {
            kernel: Arc::downgrade(kernel),
            component: component.clone(),
            filtering: namespace.filtering.clone(),
            before: host.iq.find(target, &namespace.name).map(|handler| Arc::downgrade(&handler)),
            connected,
        };
        all.push(Delegation {
            namespace: namespace.name.clone(),
            target,
            component: component.clone(),
            info,
            _present: present,
            _handler: host.iq.add(target, namespace.name.clone(), Arc::new(forward)),
        });
        true
    }
}

/// The message that tells a component of a delegation (§4.2).
fn advertisement(kernel: &Kernel, host: &Host, component: &Jid, namespace: &Namespace) -> Stanza {
    let mut xml = Writer::new();
    xml.start("delegation").ns(ns::DELEGATION).start("delegated").attr("namespace", &namespace.name);
    for attribute in &namespace.filtering {
        xml.start("attribute").attr("name", attribute).end("attribute");
    }
    xml.end("delegated").end("delegation");
    Stanza::message(MessageType::Normal)
        .with_id(kernel.random.identifier())
        .with_from(&host.jid)
        .with_to(component)
        .with_child(xml.finish())
}

async fn ask(kernel: &Arc<Kernel>, host: &Arc<Host>, component: &Jid, node: &str) -> Option<DiscoInfo> {
    let mut xml = Writer::new();
    xml.start("query").ns(ns::DISCO_INFO).attr("node", node).end("query");
    let asked = kernel.request(host, &host.jid, component, IqType::Get, xml.finish(), ANSWER_WITHIN);
    let answer = asked.await.filter(|answer| answer.kind == StanzaType::Iq(IqType::Result))?;
    Some(read(&answer.child("query", ns::DISCO_INFO)?.parse()))
}

fn read(query: &Element) -> DiscoInfo {
    let mut info = DiscoInfo::default();
    for child in query.children().filter(|child| child.ns() == ns::DISCO_INFO).take(INFO_MAX) {
        let text = |name| child.attr(name).map(|value| Text::new(&value)).unwrap_or_default();
        match child.name() {
            "identity" => info.identities.push(Identity {
                category: text("category"),
                kind: text("type"),
                name: text("name"),
            }),
            "feature" => info.features.push(text("var")),
            _ => {}
        }
    }
    info
}
