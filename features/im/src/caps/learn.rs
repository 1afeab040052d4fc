//! Learning what an entity can do: from what others proved before, or by asking it.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::host::Host;
use nightjar_base::{Kernel, catch};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{IqType, Stanza, StanzaType, ns, write};
use parking_lot::Mutex;

use super::hash::Described;
use super::{Caps, storage};

/// An entity has this long to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Node and verification string are stored in columns of 191 characters.
const KEY_MAX: usize = 191;
/// So often an entity's capabilities may change while it is online; later changes are not followed.
const CHANGES_MAX: u32 = 32;

/// What an entity says of itself in its presence, and what is known of it.
#[derive(Debug)]
pub(super) struct Advertised {
    node: Text,
    ver: Text,
    /// The hash function, or empty in the legacy format (§12).
    function: Text,
    changes: u32,
    features: Mutex<Option<Arc<[Text]>>>,
}

/// What is cached of a node and verification string.
#[derive(Clone)]
pub(super) struct Known {
    /// None: nobody has proved anything.
    features: Option<Arc<[Text]>>,
    loaded: Duration,
}

impl Advertised {
    /// Reads a presence; none if it says nothing new. A presence without `<c/>` changes nothing (§8.4).
    pub fn read(presence: &Stanza, before: Option<&Self>) -> Option<Self> {
        let element = presence.child("c", ns::CAPS)?;
        let attribute = |name| element.attr(name).map(|value| Text::new(&value)).unwrap_or_default();
        let (node, ver) = (attribute("node"), attribute("ver"));
        let fits = |text: &Text| (1..=KEY_MAX).contains(&text.len());
        let changes = before.map_or(0, |before| before.changes + 1);
        if !fits(&node) || !fits(&ver) || changes > CHANGES_MAX {
            return None;
        }
        let function = attribute("hash");
        let same = |other: &Self| other.node == node && other.ver == ver && other.function == function;
        if before.is_some_and(same) {
            return None;
        }
        Some(Self { node, ver, function, changes, features: Mutex::default() })
    }

    /// The features, once they are known.
    pub fn features(&self) -> Option<Arc<[Text]>> {
        self.features.lock().clone()
    }

    fn set(&self, features: Arc<[Text]>) {
        *self.features.lock() = Some(features);
    }

    /// Whether what others proved holds for this one: only a hash proves anything, and the legacy format has none.
    fn is_provable(&self) -> bool {
        matches!(self.function.as_str(), "sha-1" | "sha-224" | "sha-256" | "sha-384" | "sha-512")
    }
}

impl Caps {
    /// Finds out what `asked` can do: at once if it is at hand, otherwise some time later. It is asked in the name of
    /// `asker`, to whom it shows its presence.
    pub(super) fn learn(self: &Caps, advertised: Arc<Advertised>, asker: &Jid, asked: &Jid) {
        let (Some(kernel), Some(host)) = (self.kernel.upgrade(), self.host.upgrade()) else { return };
        let cached = advertised.is_provable().then(|| self.cached(&kernel, &advertised)).flatten();
        if let Some(Known { features: Some(features), .. }) = cached {
            return advertised.set(features);
        }
        let Some(caps) = host.get::<Caps>() else { return };
        let is_stored = advertised.is_provable() && cached.is_none();
        let (asker, asked) = (asker.clone(), asked.clone());
        tokio::spawn(async move {
            let learning = caps.find_out(&kernel, &host, &advertised, is_stored, &asker, &asked);
            if catch::caught(learning).await.is_err() {
                tracing::error!(%asked, "learning capabilities panicked");
            }
        });
    }

    async fn find_out(
        &self,
        kernel: &Arc<Kernel>,
        host: &Arc<Host>,
        advertised: &Advertised,
        is_stored: bool,
        asker: &Jid,
        asked: &Jid,
    ) {
        let Advertised { node, ver, function, .. } = advertised;
        if is_stored {
            match storage::get(&host.store, node, ver).await {
                Ok(Some(features)) => {
                    self.remember(kernel, advertised, Some(Arc::clone(&features)));
                    return advertised.set(features);
                }
                Ok(None) => self.remember(kernel, advertised, None),
                Err(error) => tracing::warn!(%error, "capabilities could not be read"),
            }
        }
        let Some(described) = ask(kernel, host, advertised, asker, asked).await else { return };
        let features: Arc<[Text]> = described.features.iter().map(|feature| Text::new(feature)).collect();
        // What it says of itself holds for itself in any case (§5.4, 3.2 and 3.9).
        advertised.set(Arc::clone(&features));
        match described.verify(function, ver) {
            Ok(()) => {
                drop(storage::put(&host.store, node, ver, &features));
                self.remember(kernel, advertised, Some(features));
            }
            Err(doubt) => {
                tracing::debug!(%asked, %node, %ver, ?doubt, "capabilities are believed for their sender alone");
            }
        }
    }

    fn cached(&self, kernel: &Kernel, advertised: &Advertised) -> Option<Known> {
        let key = (advertised.node.clone(), advertised.ver.clone());
        let known = self.verified.as_ref()?.get(&key)?;
        let age = kernel.clock.monotonic().saturating_sub(known.loaded);
        self.cache_life.is_none_or(|life| age < life).then_some(known)
    }

    fn remember(&self, kernel: &Kernel, advertised: &Advertised, features: Option<Arc<[Text]>>) {
        let Some(cache) = self.verified.as_ref().filter(|_| features.is_some() || self.cache_missed) else {
            return;
        };
        let key = (advertised.node.clone(), advertised.ver.clone());
        cache.insert(key, Known { features, loaded: kernel.clock.monotonic() });
    }
}

async fn ask(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    advertised: &Advertised,
    asker: &Jid,
    asked: &Jid,
) -> Option<Described> {
    let mut query = format!("<query xmlns='{}'", ns::DISCO_INFO);
    write::attribute(&mut query, "node", &format!("{}#{}", advertised.node, advertised.ver));
    query.push_str("/>");
    let answer = kernel.request(host, asker, asked, IqType::Get, query, ANSWER_TIMEOUT).await?;
    if answer.kind != StanzaType::Iq(IqType::Result) {
        return None;
    }
    Described::read(answer.child("query", ns::DISCO_INFO)?.parse().root())
}
