//! What this server says of itself: `<c/>` in stream features (XEP-0115 §7.2).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use nightjar_base::guard::Guard;
use nightjar_base::host::{Host, StreamFeature};
use nightjar_base::iq::IqTarget;
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::{IqType, Stanza, ns};
use parking_lot::Mutex;

use super::hash::{Algorithm, Info};

/// Names the software.
pub(super) const NODE: &str = "urn:nightjar:server";

/// The stream feature, made anew when what the host announces changes.
#[derive(Default)]
pub(super) struct Own {
    state: Mutex<Option<(u64, Guard)>>,
}

impl Own {
    pub(super) fn is_current(&self, host: &Host) -> bool {
        let now = fingerprint(host);
        self.state.lock().as_ref().is_some_and(|(before, _)| *before == now)
    }

    pub(super) async fn renew(&self, host: &Arc<Host>) {
        let print = fingerprint(host);
        let Some(info) = own_info(host).await else { return };
        let version = info.verification(Algorithm::Sha1);
        let mut xml = Writer::new();
        xml.start("c").ns(ns::CAPS).attr("hash", "sha-1").attr("node", NODE).attr("ver", &version).end("c");
        let feature = StreamFeature { xml: Text::from(xml.finish()), authenticated: true };
        let guard = host.stream_features.add(feature);
        let old = self.state.lock().replace((print, guard));
        drop(old);
    }
}

fn fingerprint(host: &Host) -> u64 {
    let mut hasher = DefaultHasher::new();
    for feature in host.disco_features.all() {
        (feature.of_account, feature.namespace.as_str()).hash(&mut hasher);
    }
    hasher.finish()
}

/// What the host answers to disco#info.
pub(super) async fn own_info(host: &Arc<Host>) -> Option<Info> {
    let ask = Stanza::iq(IqType::Get, "caps")
        .with_from(&host.jid)
        .with_to(&host.jid)
        .with_child(format!("<query xmlns='{}'/>", ns::DISCO_INFO));
    let reply = host.iq.answer(host, IqTarget::Host, None, None, ask).await?;
    let query = reply.child("query", ns::DISCO_INFO)?.parse();
    reply.error().is_none().then(|| Info::read(query.root()))
}
