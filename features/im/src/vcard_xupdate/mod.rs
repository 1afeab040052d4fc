//! mod_vcard_xupdate: presence tells which picture the vCard has (XEP-0153).

use std::sync::{Arc, Weak};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_base::hooks::{BoxFuture, Flow, On, Outcome, SelfPresence, Stage, UserSend};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{Element, ElementRef};
use nightjar_xmpp::{PresenceType, Stanza, StanzaType, ns};
use sha1::{Digest, Sha1};

use crate::account_cache::AccountCache;
use crate::vcard::{VcardObserver, Vcards};

#[cfg(test)]
mod tests;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_vcard_xupdate",
    doc: "Puts the hash of the vCard's picture into presence (XEP-0153); needs mod_vcard.",
    options: &[
        OptionSpec {
            name: "use_cache",
            kind: "bool",
            default: "= toplevel use_cache",
            doc: "Whether hashes are cached.",
        },
        OptionSpec {
            name: "cache_size",
            kind: "int>0|infinity",
            default: "= toplevel cache_size",
            doc: "How many hashes are cached.",
        },
        OptionSpec {
            name: "cache_missed",
            kind: "bool",
            default: "= toplevel cache_missed",
            doc: "Whether the absence of hashes is cached too.",
        },
        OptionSpec {
            name: "cache_life_time",
            kind: "duration(s)|infinity",
            default: "= toplevel cache_life_time",
            doc: "How long hashes stay cached.",
        },
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let vcards = context.host.get::<Vcards>();
        let vcards =
            vcards.ok_or_else(|| FeatureError::Other("mod_vcard_xupdate needs mod_vcard".to_owned()))?;
        let updates = Arc::new(Updates {
            kernel: Arc::downgrade(&context.kernel),
            vcards: Arc::clone(&vcards),
            cache: AccountCache::new(&context.options),
        });
        let mut registration = context.registration();
        registration.on::<SelfPresence>(Stage::Rewrite, Arc::clone(&updates));
        registration.on::<UserSend>(Stage::Rewrite, Arc::clone(&updates));
        registration.keep(vcards.observe(updates));
        Ok(registration)
    })
}

/// What presence says about the picture (XEP-0153 §3).
#[derive(Clone, Debug, PartialEq)]
enum Picture {
    /// There is no vCard: nothing is known.
    Unknown,
    /// There is a vCard without a picture.
    Absent,
    /// SHA-1 of the picture, in hexadecimal digits.
    Hash(Text),
    /// The picture is elsewhere and has no hash: presence says nothing.
    Elsewhere,
}

impl Picture {
    fn of(vcard: ElementRef<'_>) -> Picture {
        let Some(photo) = vcard.child("PHOTO", ns::VCARD) else { return Picture::Absent };
        let part = |name| {
            photo.child(name, ns::VCARD).map(|part| part.text()).filter(|text| !text.trim().is_empty())
        };
        if let Some(data) = part("BINVAL") {
            let digits: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            return match STANDARD.decode(digits) {
                Ok(image) => Picture::Hash(hexadecimal(&Sha1::digest(image))),
                Err(_) => Picture::Absent,
            };
        }
        if part("EXTVAL").is_some() { Picture::Elsewhere } else { Picture::Absent }
    }

    fn element(&self) -> Option<Text> {
        match self {
            Picture::Unknown => Some(Text::from(format!("<x xmlns='{}'/>", ns::VCARD_UPDATE))),
            Picture::Absent => Some(Text::from(format!("<x xmlns='{}'><photo/></x>", ns::VCARD_UPDATE))),
            Picture::Hash(hash) => {
                Some(Text::from(format!("<x xmlns='{}'><photo>{hash}</photo></x>", ns::VCARD_UPDATE)))
            }
            Picture::Elsewhere => None,
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> Text {
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    Text::from(digits)
}

/// Puts what is known of the picture into presence. A client that says it has none is left alone (XEP-0398 §4).
fn put(stanza: &mut Stanza, picture: &Picture) {
    stanza.remove(|piece| piece.is("x", ns::VCARD_UPDATE));
    if let Some(element) = picture.element() {
        stanza.append(element);
    }
}

fn says_empty(stanza: &Stanza) -> bool {
    stanza.child("x", ns::VCARD_UPDATE).is_some_and(|x| {
        x.parse().child("photo", ns::VCARD_UPDATE).is_some_and(|photo| photo.text().is_empty())
    })
}

struct Updates {
    kernel: Weak<Kernel>,
    vcards: Arc<Vcards>,
    cache: AccountCache<Picture>,
}

impl Updates {
    fn cached(&self, account: &Jid) -> Option<Picture> {
        self.cache.get(account.bare_str(), &*self.kernel.upgrade()?.clock)
    }

    async fn load(&self, account: &Jid) -> Option<Picture> {
        let kernel = self.kernel.upgrade()?;
        let vcard = self.vcards.get(&account.bare()).await.ok()?;
        let vcard = vcard.and_then(|xml| Element::parse(&xml, "").ok());
        let picture = vcard.map_or(Picture::Unknown, |vcard| Picture::of(vcard.root()));
        let is_missed = picture == Picture::Unknown;
        self.cache.put(account.bare_str(), picture.clone(), is_missed, &*kernel.clock);
        Some(picture)
    }

    fn update<'a>(&'a self, account: Jid, stanza: &'a mut Stanza) -> Outcome<'a> {
        if says_empty(stanza) {
            return Outcome::CONTINUE;
        }
        if let Some(picture) = self.cached(&account) {
            put(stanza, &picture);
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            if let Some(picture) = self.load(&account).await {
                put(stanza, &picture);
            }
            Flow::Continue
        }))
    }
}

impl On<SelfPresence> for Updates {
    fn on<'a>(&'a self, event: &'a mut SelfPresence) -> Outcome<'a> {
        if event.stanza.kind != StanzaType::Presence(PresenceType::Available) {
            return Outcome::CONTINUE;
        }
        self.update(event.session.jid.clone(), &mut event.stanza)
    }
}

/// Directed presence, such as into a room; broadcasts come by as [`SelfPresence`].
impl On<UserSend> for Updates {
    fn on<'a>(&'a self, event: &'a mut UserSend) -> Outcome<'a> {
        if event.stanza.kind != StanzaType::Presence(PresenceType::Available) || event.stanza.to.is_none() {
            return Outcome::CONTINUE;
        }
        self.update(event.session.jid.clone(), &mut event.stanza)
    }
}

/// A new picture is told at once (XEP-0153 §3.1).
impl VcardObserver for Updates {
    fn changed<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.cache.remove(account.bare_str());
            let Some(kernel) = self.kernel.upgrade() else { return };
            for session in kernel.sessions.resources(account) {
                if let Some(presence) = session.presence() {
                    // Its sender is the session itself, so it can't be refused.
                    let _ = kernel.user_send(&session, presence).await;
                }
            }
        })
    }
}
