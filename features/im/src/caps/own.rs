//! The server's own capabilities: what a client gets to know before it asks (XEP-0115 §6.3).

use std::sync::Arc;

use nightjar_base::disco::{DiscoInfo, Identity};
use nightjar_base::guard::Guard;
use nightjar_base::host::{Host, StreamFeature};
use nightjar_base::iq::IqTarget;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::forms::DataForm;
use nightjar_xmpp::{IqType, Stanza, StanzaType, ns, write};
use parking_lot::Mutex;

use super::hash::Described;

/// Names the software; it doesn't change with its version.
pub(super) const NODE: &str = "https://nightjar.im/";

/// What stands in the stream features now.
#[derive(Default)]
pub(super) struct Own {
    offered: Mutex<Option<(Text, Guard)>>,
}

impl Own {
    /// Finds out what the host is and puts its verification string into the stream features. Returns what it is;
    /// none if nothing answers disco#info.
    pub async fn refresh(&self, host: &Arc<Host>) -> Option<DiscoInfo> {
        let query = answer(host).await?;
        let ver = Text::from(Described::read(query.root())?.hash("sha-1")?);
        let mut offered = self.offered.lock();
        if offered.as_ref().is_none_or(|(old, _)| *old != ver) {
            // First the old one goes: a stream without it is better than one with two.
            *offered = None;
            let feature = StreamFeature { xml: element(&ver), authenticated: true };
            *offered = Some((ver, host.stream_features.add(feature)));
        }
        drop(offered);
        Some(read(&query))
    }

    /// Takes it out of the stream features.
    pub fn withdraw(&self) {
        drop(self.offered.lock().take());
    }
}

/// Whether a node of disco#info is the server's own, of today or of an earlier day.
pub(super) fn is_own(node: &str) -> bool {
    node.strip_prefix(NODE).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

/// What the host answers to disco#info without a node.
async fn answer(host: &Arc<Host>) -> Option<Element> {
    let query = format!("<query xmlns='{}'/>", ns::DISCO_INFO);
    let request = Stanza::iq(IqType::Get, "caps").with_from(&host.jid).with_to(&host.jid).with_child(query);
    let answer = host.iq.answer(host, IqTarget::Host, None, None, request).await?;
    let is_result = answer.kind == StanzaType::Iq(IqType::Result);
    answer.child("query", ns::DISCO_INFO).filter(|_| is_result).map(|query| query.parse())
}

fn read(query: &Element) -> DiscoInfo {
    let mut info = DiscoInfo::default();
    for child in query.children() {
        let attribute = |name| child.attr(name).map(|value| Text::new(&value)).unwrap_or_default();
        match child.name() {
            "identity" => info.identities.push(Identity {
                category: attribute("category"),
                kind: attribute("type"),
                name: attribute("name"),
            }),
            "feature" => info.features.push(attribute("var")),
            _ => info.forms.extend(DataForm::from_element(child).ok()),
        }
    }
    info
}

fn element(ver: &str) -> Text {
    let mut xml = format!("<c xmlns='{}' hash='sha-1'", ns::CAPS);
    write::attribute(&mut xml, "node", NODE);
    write::attribute(&mut xml, "ver", ver);
    xml.push_str("/>");
    Text::from(xml)
}
