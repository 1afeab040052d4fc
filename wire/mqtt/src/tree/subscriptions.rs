//! Who subscribed to what. Nodes stand in one vector, and the children of all of them in one table keyed by parent and
//! level, so that a subscription costs little memory and a level one look-up.

use crate::topic::Shared;
use core::hash::{BuildHasher as _, Hasher as _};
use core::sync::atomic::{AtomicU32, Ordering};
use foldhash::quality::FixedState;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::collections::BTreeMap;

const NONE: u32 = u32::MAX;
const ROOT: u32 = 0;

/// A part of a topic between slashes; most fit without memory of their own.
type Level = SmallVec<[u8; 16]>;

struct Node<S, O> {
    parent: u32,
    /// The child `+`.
    one: u32,
    /// The child `#`.
    rest: u32,
    /// All children: a node without any, and without subscribers, goes.
    children: u32,
    level: Level,
    subscribers: Subscribers<S, O>,
}

/// Subscriptions of one filter: seldom more than one.
enum Subscribers<S, O> {
    None,
    One(S, O),
    Many(Box<Many<S, O>>),
}

struct Many<S, O> {
    plain: BTreeMap<S, O>,
    groups: Vec<Group<S, O>>,
}

struct Group<S, O> {
    name: Box<[u8]>,
    /// Sorted.
    members: Vec<(S, O)>,
    turn: AtomicU32,
}

/// What matched a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match<'a, S, O> {
    /// A subscription of its own.
    Plain(&'a S, &'a O),
    /// A shared subscription: the message goes to one of them.
    Shared {
        /// The name of the group.
        group: &'a [u8],
        /// At least one, sorted by subscriber.
        members: &'a [(S, O)],
        /// Counts the messages of the group: `members[turn % members.len()]` gives each its turn.
        turn: u32,
    },
}

/// Memory that matching needs, to be used again and again.
#[derive(Debug, Default)]
pub struct Scratch(Vec<(u32, u32)>);

/// Topic filters and who subscribed to them, with options of the owner's kind.
pub struct SubscriptionTree<S, O> {
    nodes: Vec<Node<S, O>>,
    /// Indexes of nodes, by parent and level.
    edges: HashTable<u32>,
    /// Nodes to be used again, linked by `parent`.
    free: u32,
    hasher: FixedState,
    count: usize,
}

impl<S, O> core::fmt::Debug for SubscriptionTree<S, O> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("SubscriptionTree").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<S: Ord, O> SubscriptionTree<S, O> {
    /// A tree without subscriptions. `seed` should be one that clients can't know: it keeps them from choosing levels
    /// that collide.
    pub fn new(seed: u64) -> Self {
        let root = Node {
            parent: NONE,
            one: NONE,
            rest: NONE,
            children: 0,
            level: Level::new(),
            subscribers: Subscribers::None,
        };
        let hasher = FixedState::with_seed(seed);
        Self { nodes: vec![root], edges: HashTable::new(), free: NONE, hasher, count: 0 }
    }

    /// Subscriptions in the tree.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a subscription to a valid filter, with or without `$share/`; gives the options of the one it replaces.
    pub fn insert(&mut self, filter: &[u8], subscriber: S, options: O) -> Option<O> {
        let (group, filter) = split(filter);
        let mut node = ROOT;
        for level in filter.split(|byte| *byte == b'/') {
            node = match self.child(node, level) {
                Some(child) => child,
                None => self.add_child(node, level),
            };
        }
        let subscribers = &mut self.nodes.get_mut(node as usize)?.subscribers;
        let before = subscribers.insert(group, subscriber, options);
        self.count += usize::from(before.is_none());
        before
    }

    /// Removes a subscription; gives its options.
    pub fn remove(&mut self, filter: &[u8], subscriber: &S) -> Option<O> {
        let (group, filter) = split(filter);
        let node = self.find(filter)?;
        let removed = self.nodes.get_mut(node as usize)?.subscribers.remove(group, subscriber)?;
        self.count -= 1;
        self.prune(node);
        Some(removed)
    }

    /// The options of a subscription.
    pub fn get(&self, filter: &[u8], subscriber: &S) -> Option<&O> {
        let (group, filter) = split(filter);
        let node = self.find(filter)?;
        self.nodes.get(node as usize)?.subscribers.get(group, subscriber)
    }

    /// Gives all subscriptions that match a topic name. A subscriber comes once for each of its filters.
    pub fn matches<'a>(
        &'a self,
        topic: &[u8],
        scratch: &mut Scratch,
        mut visit: impl FnMut(Match<'a, S, O>),
    ) {
        // [MQTT-4.7.2-1]
        let system = topic.first() == Some(&b'$');
        let stack = &mut scratch.0;
        stack.clear();
        stack.push((ROOT, 0));
        while let Some((index, start)) = stack.pop() {
            let Some(node) = self.nodes.get(index as usize) else { continue };
            let wildcards = index != ROOT || !system;
            if wildcards && let Some(rest) = self.nodes.get(node.rest as usize) {
                rest.subscribers.visit(&mut visit);
            }
            // Behind the last level `#` stands for it as well (§4.7.1.2).
            let Some(remaining) = topic.get(start as usize..) else {
                node.subscribers.visit(&mut visit);
                continue;
            };
            if node.children == 0 {
                continue;
            }
            let length = remaining.iter().position(|byte| *byte == b'/').unwrap_or(remaining.len());
            let next = start + length as u32 + 1;
            if wildcards && node.one != NONE {
                stack.push((node.one, next));
            }
            // Most nodes that have a wildcard have nothing else.
            let named = node.children - u32::from(node.one != NONE) - u32::from(node.rest != NONE);
            if named > 0
                && let Some(child) = remaining.get(..length).and_then(|level| self.named_child(index, level))
            {
                stack.push((child, next));
            }
        }
    }

    fn find(&self, filter: &[u8]) -> Option<u32> {
        filter.split(|byte| *byte == b'/').try_fold(ROOT, |node, level| self.child(node, level))
    }

    fn child(&self, parent: u32, level: &[u8]) -> Option<u32> {
        let node = self.nodes.get(parent as usize)?;
        match level {
            b"+" => Some(node.one).filter(|child| *child != NONE),
            b"#" => Some(node.rest).filter(|child| *child != NONE),
            _ => self.named_child(parent, level),
        }
    }

    fn named_child(&self, parent: u32, level: &[u8]) -> Option<u32> {
        let found = self.edges.find(self.hash(parent, level), |index| {
            self.nodes.get(*index as usize).is_some_and(|node| node.parent == parent && *node.level == *level)
        });
        found.copied()
    }

    fn hash(&self, parent: u32, level: &[u8]) -> u64 {
        hash(&self.hasher, parent, level)
    }

    fn add_child(&mut self, parent: u32, level: &[u8]) -> u32 {
        let named = !matches!(level, b"+" | b"#");
        let node = Node {
            parent,
            one: NONE,
            rest: NONE,
            children: 0,
            level: if named { level.into() } else { Level::new() },
            subscribers: Subscribers::None,
        };
        let index = self.place(node);
        if named {
            let hash = self.hash(parent, level);
            let Self { edges, nodes, hasher, .. } = self;
            edges.insert_unique(hash, index, |index| {
                nodes.get(*index as usize).map_or(0, |node| self::hash(hasher, node.parent, &node.level))
            });
        }
        if let Some(parent) = self.nodes.get_mut(parent as usize) {
            parent.children += 1;
            match level {
                b"+" => parent.one = index,
                b"#" => parent.rest = index,
                _ => {}
            }
        }
        index
    }

    fn place(&mut self, node: Node<S, O>) -> u32 {
        let index = self.free;
        if let Some(free) = self.nodes.get_mut(index as usize) {
            self.free = free.parent;
            *free = node;
            return index;
        }
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    /// Removes nodes that nobody needs, from here to the root.
    fn prune(&mut self, mut index: u32) {
        while index != ROOT {
            let Some(node) = self.nodes.get_mut(index as usize) else { return };
            if node.children > 0 || !matches!(node.subscribers, Subscribers::None) {
                return;
            }
            let (parent, level) = (node.parent, core::mem::take(&mut node.level));
            node.parent = self.free;
            self.free = index;
            let hash = self.hash(parent, &level);
            if let Ok(edge) = self.edges.find_entry(hash, |found| *found == index) {
                edge.remove();
            }
            if let Some(node) = self.nodes.get_mut(parent as usize) {
                node.children -= 1;
                for wildcard in [&mut node.one, &mut node.rest] {
                    if *wildcard == index {
                        *wildcard = NONE;
                    }
                }
            }
            index = parent;
        }
    }
}

fn hash(hasher: &FixedState, parent: u32, level: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write_u32(parent);
    hasher.write(level);
    hasher.finish()
}

fn split(filter: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match Shared::parse(filter) {
        Some(shared) => (Some(shared.group), shared.filter),
        None => (None, filter),
    }
}

impl<S: Ord, O> Subscribers<S, O> {
    fn insert(&mut self, group: Option<&[u8]>, subscriber: S, options: O) -> Option<O> {
        match (&mut *self, group) {
            (Self::None, None) => {
                *self = Self::One(subscriber, options);
                None
            }
            (Self::One(only, before), None) if *only == subscriber => {
                Some(core::mem::replace(before, options))
            }
            _ => self.many(|many| many.insert(group, subscriber, options)),
        }
    }

    /// Changes what is there, as more than one.
    fn many(&mut self, change: impl FnOnce(&mut Many<S, O>) -> Option<O>) -> Option<O> {
        let mut many = match core::mem::replace(self, Self::None) {
            Self::Many(many) => many,
            Self::One(subscriber, options) => {
                Box::new(Many { plain: BTreeMap::from([(subscriber, options)]), groups: Vec::new() })
            }
            Self::None => Box::new(Many { plain: BTreeMap::new(), groups: Vec::new() }),
        };
        let before = change(&mut many);
        *self = Self::Many(many);
        before
    }

    fn remove(&mut self, group: Option<&[u8]>, subscriber: &S) -> Option<O> {
        let removed = match (&mut *self, group) {
            (Self::One(only, _), None) if only == subscriber => {
                return match core::mem::replace(self, Self::None) {
                    Self::One(_, options) => Some(options),
                    _ => None,
                };
            }
            (Self::Many(many), None) => many.plain.remove(subscriber)?,
            (Self::Many(many), Some(name)) => {
                let place = many.groups.iter().position(|group| *group.name == *name)?;
                let group = many.groups.get_mut(place)?;
                let index = group.find(subscriber).ok()?;
                let (_, options) = group.members.remove(index);
                if group.members.is_empty() {
                    many.groups.swap_remove(place);
                }
                options
            }
            _ => return None,
        };
        if matches!(self, Self::Many(many) if many.plain.is_empty() && many.groups.is_empty()) {
            *self = Self::None;
        }
        Some(removed)
    }

    fn get(&self, group: Option<&[u8]>, subscriber: &S) -> Option<&O> {
        match (self, group) {
            (Self::One(only, options), None) if only == subscriber => Some(options),
            (Self::Many(many), None) => many.plain.get(subscriber),
            (Self::Many(many), Some(name)) => {
                let group = many.groups.iter().find(|group| *group.name == *name)?;
                group.members.get(group.find(subscriber).ok()?).map(|(_, options)| options)
            }
            _ => None,
        }
    }
}

impl<S: Ord, O> Many<S, O> {
    fn insert(&mut self, group: Option<&[u8]>, subscriber: S, options: O) -> Option<O> {
        let Some(name) = group else { return self.plain.insert(subscriber, options) };
        match self.groups.iter_mut().find(|group| *group.name == *name) {
            Some(group) => group.insert(subscriber, options),
            None => {
                let members = vec![(subscriber, options)];
                self.groups.push(Group { name: name.into(), members, turn: AtomicU32::new(0) });
                None
            }
        }
    }
}

impl<S, O> Subscribers<S, O> {
    fn visit<'a>(&'a self, visit: &mut impl FnMut(Match<'a, S, O>)) {
        match self {
            Self::None => {}
            Self::One(subscriber, options) => visit(Match::Plain(subscriber, options)),
            Self::Many(many) => {
                for (subscriber, options) in &many.plain {
                    visit(Match::Plain(subscriber, options));
                }
                for Group { name, members, turn } in &many.groups {
                    let turn = turn.fetch_add(1, Ordering::Relaxed);
                    visit(Match::Shared { group: name, members, turn });
                }
            }
        }
    }
}

impl<S: Ord, O> Group<S, O> {
    fn find(&self, subscriber: &S) -> Result<usize, usize> {
        self.members.binary_search_by(|(member, _)| member.cmp(subscriber))
    }

    fn insert(&mut self, subscriber: S, options: O) -> Option<O> {
        match self.find(&subscriber) {
            Ok(index) => self.members.get_mut(index).map(|(_, before)| core::mem::replace(before, options)),
            Err(index) => {
                self.members.insert(index, (subscriber, options));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
