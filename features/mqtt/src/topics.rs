//! Who subscribed to what: trees by the first level, so that publishers of different topics seldom meet, and one for
//! filters that begin with a wildcard.

use std::cell::Cell;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use nightjar_mqtt::topic::Shared;
use nightjar_mqtt::tree::{Match, Scratch, SubscriptionTree};
use nightjar_mqtt::{Delivery, Identifiers, Message, QoS, RetainHandling, Subscription};
use parking_lot::RwLock;

use crate::client::Client;

const SHARDS: usize = 16;
/// The one of filters that begin with a wildcard.
const WILD: usize = SHARDS;

type Tree = SubscriptionTree<Arc<Client>, Wish>;

/// How a subscriber wants its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) qos: QoS,
    no_local: bool,
    retain_as_published: bool,
    identifier: Option<u32>,
}

impl Wish {
    pub(crate) fn new(subscription: &Subscription, identifier: Option<u32>) -> Self {
        Self {
            qos: subscription.qos,
            no_local: subscription.no_local,
            retain_as_published: subscription.retain_as_published,
            identifier,
        }
    }
}

/// As [`Wish::options`] writes it: the QoS in the lowest two bits.
const NO_LOCAL: u8 = 4;
const RETAIN_AS_PUBLISHED: u8 = 8;

impl Wish {
    /// All but the identifier, in one byte.
    pub(crate) fn options(self) -> u8 {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        self.qos as u8 | flag(self.no_local, NO_LOCAL) | flag(self.retain_as_published, RETAIN_AS_PUBLISHED)
    }

    /// What [`Wish::options`] wrote.
    pub(crate) fn of_options(options: u8, identifier: Option<u32>) -> Option<Self> {
        Some(Self {
            qos: QoS::from_u8(options & 3)?,
            no_local: options & NO_LOCAL != 0,
            retain_as_published: options & RETAIN_AS_PUBLISHED != 0,
            identifier,
        })
    }

    pub(crate) fn identifier(self) -> Option<u32> {
        self.identifier
    }
}

/// Whether a subscription gets retained messages.
pub(crate) fn wants_retained(handling: RetainHandling, is_new: bool) -> bool {
    match handling {
        RetainHandling::Send => true,
        RetainHandling::SendIfNew => is_new,
        RetainHandling::DontSend => false,
    }
}

/// All subscriptions of a host.
pub(crate) struct Topics {
    shards: Box<[RwLock<Tree>]>,
    hasher: foldhash::fast::FixedState,
}

/// Somebody to whom a message goes.
pub(crate) struct Target {
    pub(crate) client: Arc<Client>,
    pub(crate) qos: QoS,
    retain: bool,
    identifiers: Identifiers,
}

impl Target {
    /// Whether what it gets waits in a session that is stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.qos > QoS::AtMostOnce && self.client.stored().is_some()
    }

    /// The message for it.
    pub(crate) fn delivery(self, message: &Arc<Message>) -> (Arc<Client>, Delivery) {
        let Self { client, qos, retain, identifiers } = self;
        (client, Delivery { message: Arc::clone(message), qos, retain, identifiers, reference: 0 })
    }
}

thread_local! {
    static MEMORY: Cell<(Scratch, Vec<Target>)> = Cell::default();
}

impl Topics {
    pub(crate) fn new(seed: u64) -> Self {
        let shards = (0..=SHARDS).map(|_| RwLock::new(Tree::new(seed))).collect();
        Self { shards, hasher: foldhash::fast::FixedState::with_seed(seed) }
    }

    /// Adds a subscription; gives the one it replaces.
    pub(crate) fn insert(&self, filter: &[u8], client: &Arc<Client>, wish: Wish) -> Option<Wish> {
        self.shard_of_filter(filter)?.write().insert(filter, Arc::clone(client), wish)
    }

    pub(crate) fn remove(&self, filter: &[u8], client: &Arc<Client>) -> Option<Wish> {
        self.shard_of_filter(filter)?.write().remove(filter, client)
    }

    pub(crate) fn get(&self, filter: &[u8], client: &Arc<Client>) -> Option<Wish> {
        self.shard_of_filter(filter)?.read().get(filter, client).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// Gives all that subscribed to a message; `give` is called without a lock of a tree. Says whether there was anybody.
    pub(crate) fn route(
        &self,
        message: &Message,
        from: Option<u64>,
        give: impl FnOnce(&mut Vec<Target>),
    ) -> bool {
        let (mut scratch, mut targets) = MEMORY.take();
        let topic = message.topic();
        let named = self.shards.get(self.number(first_level(topic)));
        for shard in named.into_iter().chain(self.shards.get(WILD)) {
            let tree = shard.read();
            if !tree.is_empty() {
                tree.matches(topic, &mut scratch, |found| collect(found, message, from, &mut targets));
            }
        }
        merge(&mut targets);
        let is_wanted = !targets.is_empty();
        give(&mut targets);
        targets.clear();
        MEMORY.set((scratch, targets));
        is_wanted
    }

    /// Whether anybody subscribed to a topic.
    pub(crate) fn is_wanted(&self, topic: &[u8]) -> bool {
        let (mut scratch, targets) = MEMORY.take();
        let mut is_wanted = false;
        let named = self.shards.get(self.number(first_level(topic)));
        for shard in named.into_iter().chain(self.shards.get(WILD)) {
            shard.read().matches(topic, &mut scratch, |_| is_wanted = true);
        }
        MEMORY.set((scratch, targets));
        is_wanted
    }

    fn shard_of_filter(&self, filter: &[u8]) -> Option<&RwLock<Tree>> {
        let filter = Shared::parse(filter).map_or(filter, |shared| shared.filter);
        let at = match first_level(filter) {
            b"+" | b"#" => WILD,
            level => self.number(level),
        };
        self.shards.get(at)
    }

    fn number(&self, level: &[u8]) -> usize {
        usize::try_from(self.hasher.hash_one(level)).unwrap_or_default() % SHARDS
    }
}

fn first_level(topic: &[u8]) -> &[u8] {
    topic.split(|byte| *byte == b'/').next().unwrap_or_default()
}

fn collect(
    found: Match<'_, Arc<Client>, Wish>,
    message: &Message,
    from: Option<u64>,
    targets: &mut Vec<Target>,
) {
    let (client, wish) = match found {
        Match::Plain(client, wish) => (client, wish),
        Match::Shared { members, turn, .. } => {
            let start = usize::try_from(turn).unwrap_or_default() % members.len().max(1);
            let in_turn = || members.iter().cycle().skip(start).take(members.len());
            // One that is connected, if there is one (§4.8.2).
            let chosen = in_turn().find(|(client, _)| client.is_online()).or_else(|| in_turn().next());
            let Some((client, wish)) = chosen else { return };
            (client, wish)
        }
    };
    if wish.no_local && Some(client.number) == from {
        return;
    }
    targets.push(Target {
        client: Arc::clone(client),
        qos: wish.qos.min(message.qos),
        retain: wish.retain_as_published && message.retain,
        identifiers: wish.identifier.map_or(Identifiers::None, Identifiers::One),
    });
}

/// A client gets a message once, however many of its filters match: with the highest QoS of them and all their
/// identifiers (§3.3.4).
fn merge(targets: &mut Vec<Target>) {
    if targets.len() < 2 {
        return;
    }
    targets.sort_by_key(|target| target.client.number);
    targets.dedup_by(|later, kept| {
        if later.client.number != kept.client.number {
            return false;
        }
        kept.qos = kept.qos.max(later.qos);
        kept.retain |= later.retain;
        for identifier in later.identifiers.as_slice() {
            kept.identifiers = std::mem::take(&mut kept.identifiers).with(*identifier);
        }
        true
    });
}
