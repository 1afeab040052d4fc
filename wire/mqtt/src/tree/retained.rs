//! What is retained where. Topics stand in one sorted map, with U+0000 for each slash: no topic can have it, and it sorts
//! everything below a topic right behind it.

use core::ops::{Bound, ControlFlow};
use std::collections::BTreeMap;

/// Values by topic name, found by topic filter.
#[derive(Debug)]
pub struct RetainedTree<V> {
    topics: BTreeMap<Box<[u8]>, V>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// All that matches was given.
    Complete,
    /// The visitor had enough.
    Stopped,
    /// More steps would have been needed than were allowed.
    BudgetSpent,
}

impl<V> Default for RetainedTree<V> {
    fn default() -> Self {
        Self { topics: BTreeMap::new() }
    }
}

impl<V> RetainedTree<V> {
    /// Nothing retained.
    pub fn new() -> Self {
        Self::default()
    }

    /// Topics with a value.
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Puts a value in the place of the one that was there, which it gives.
    pub fn insert(&mut self, topic: &[u8], value: V) -> Option<V> {
        self.topics.insert(key(topic).into(), value)
    }

    /// Removes and gives a value.
    pub fn remove(&mut self, topic: &[u8]) -> Option<V> {
        self.topics.remove(&*key(topic))
    }

    /// The value of a topic.
    pub fn get(&self, topic: &[u8]) -> Option<&V> {
        self.topics.get(&*key(topic))
    }

    /// All values, sorted by topic.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.topics.values()
    }

    /// Removes all for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.topics.retain(|_, value| keep(value));
    }

    /// Gives the values of all topics that a valid filter (without `$share/`) matches. A step is a topic looked at: the
    /// filter `+/+/x` looks at many that it doesn't match, so that `budget` bounds them.
    pub fn matches<'a>(
        &'a self,
        filter: &[u8],
        budget: usize,
        mut visit: impl FnMut(&'a V) -> ControlFlow<()>,
    ) -> Scan {
        let filter = key(filter);
        let levels: Vec<&[u8]> = filter.split(|byte| *byte == 0).collect();
        let mut walk = Walk { tree: self, levels: &levels, steps: budget, visit: &mut visit };
        match walk.descend(&mut Vec::with_capacity(128), 0) {
            ControlFlow::Continue(()) => Scan::Complete,
            ControlFlow::Break(scan) => scan,
        }
    }
}

fn key(topic: &[u8]) -> Vec<u8> {
    topic.iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}

struct Walk<'a, 'b, V, F> {
    tree: &'a RetainedTree<V>,
    levels: &'b [&'b [u8]],
    steps: usize,
    visit: &'b mut F,
}

impl<'a, V, F: FnMut(&'a V) -> ControlFlow<()>> Walk<'a, '_, V, F> {
    /// `prefix` has the levels before `depth`, each with its end. Filters have few enough levels for recursion
    /// ([`crate::topic::LEVELS_MAX`]).
    fn descend(&mut self, prefix: &mut Vec<u8>, depth: usize) -> ControlFlow<Scan> {
        let before = prefix.len();
        let mut result = ControlFlow::Continue(());
        let mut depth = depth;
        while let Some(level) = self.levels.get(depth) {
            match *level {
                b"+" => {
                    result = self.each_child(prefix, depth);
                    break;
                }
                b"#" => {
                    result = self.all_below(prefix, depth == 0);
                    break;
                }
                literal => prefix.extend_from_slice(literal),
            }
            prefix.push(0);
            depth += 1;
        }
        if depth == self.levels.len() {
            result = self.exact(prefix.strip_suffix(&[0]).unwrap_or(prefix));
        }
        prefix.truncate(before);
        result
    }

    fn exact(&mut self, topic: &[u8]) -> ControlFlow<Scan> {
        self.step()?;
        match self.tree.topics.get(topic) {
            Some(value) => self.give(value),
            None => ControlFlow::Continue(()),
        }
    }

    /// `prefix#`: the level above as well (§4.7.1.2), but from the root nothing that starts with `$` ([MQTT-4.7.2-1]).
    fn all_below(&mut self, prefix: &[u8], from_root: bool) -> ControlFlow<Scan> {
        let above = prefix.strip_suffix(&[0]);
        if let Some(above) = above {
            self.exact(above)?;
        }
        let tree = self.tree;
        let range = (Bound::Included(prefix), Bound::Unbounded);
        for (topic, value) in tree.topics.range::<[u8], _>(range) {
            if !topic.starts_with(prefix) {
                break;
            }
            self.step()?;
            if !(from_root && topic.starts_with(b"$")) {
                self.give(value)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// `prefix+`, one child after the other; what is below a child that was done is leapt over.
    fn each_child(&mut self, prefix: &mut Vec<u8>, depth: usize) -> ControlFlow<Scan> {
        let tree = self.tree;
        let start = prefix.len();
        let mut from = prefix.clone();
        loop {
            self.step()?;
            let range = (Bound::Included(&*from), Bound::Unbounded);
            let Some((topic, _)) = tree.topics.range::<[u8], _>(range).next() else { break };
            let Some(rest) = topic.strip_prefix(prefix.as_slice()) else { break };
            let child = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            if !(start == 0 && child.starts_with(b"$")) {
                prefix.extend_from_slice(child);
                prefix.push(0);
                let result = self.descend(prefix, depth + 1);
                prefix.truncate(start);
                result?;
            }
            from.truncate(start);
            from.extend_from_slice(child);
            from.push(1);
        }
        ControlFlow::Continue(())
    }

    fn step(&mut self) -> ControlFlow<Scan> {
        match self.steps.checked_sub(1) {
            Some(steps) => {
                self.steps = steps;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(Scan::BudgetSpent),
        }
    }

    fn give(&mut self, value: &'a V) -> ControlFlow<Scan> {
        (self.visit)(value).map_break(|()| Scan::Stopped)
    }
}

#[cfg(test)]
mod tests;
