//! Figures for monitoring. Whoever has figures registers a collector; it is asked when somebody reads them, and whatever
//! shows figures (Prometheus, commands) takes them from here. Nothing is counted here: counters stay with what counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::guard::Guard;
use crate::registry::Registry;

/// What a figure does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A figure's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// A part of a whole, from 0 to 1, or a measure such as seconds.
    Real(f64),
}

/// A label's name and its value.
pub type Label = (&'static str, String);

/// One figure of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Tell it from others of the family.
    pub labels: Vec<Label>,
    /// How much.
    pub value: Value,
}

/// Figures of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// In lower case with underscores, nouns first, the unit last; neither the server's name before it nor `_total`
    /// behind it, which those who show it add.
    pub name: &'static str,
    /// A sentence without a full stop.
    pub help: &'static str,
    /// What they do over time.
    pub kind: Kind,
    /// The figures.
    pub samples: Vec<Sample>,
}

/// What collectors write to. Samples of one name come together, whoever writes them.
#[derive(Debug, Default)]
pub struct Families(Vec<Family>);

impl Families {
    /// Adds a figure that only grows.
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: u64,
    ) {
        self.add(name, help, Kind::Counter, labels, Value::Count(value));
    }

    /// Adds a number of things that there are now.
    pub fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: u64,
    ) {
        self.add(name, help, Kind::Gauge, labels, Value::Count(value));
    }

    /// Adds a part of a whole, or a measure.
    pub fn real(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        self.add(name, help, Kind::Gauge, labels, Value::Real(value));
    }

    fn add(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: Kind,
        labels: &[(&'static str, &str)],
        value: Value,
    ) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let sample = Sample { labels, value };
        match self.0.iter_mut().find(|family| family.name == name) {
            // Two that can't agree what a name means: the first is right.
            Some(family) if family.kind != kind => {}
            Some(family) => family.samples.push(sample),
            None => self.0.push(Family { name, help, kind, samples: vec![sample] }),
        }
    }
}

type Collect = dyn Fn(&mut Families) + Send + Sync;

/// The collectors.
#[derive(Default)]
pub struct Metrics(Arc<Registry<Box<Collect>>>);

impl Metrics {
    /// Asks `collect` whenever figures are read, until the guard is dropped. It must not wait: it reads atomics, or
    /// locks that are held briefly.
    pub fn add(&self, collect: impl Fn(&mut Families) + Send + Sync + 'static) -> Guard {
        self.0.add(Box::new(collect))
    }

    /// All figures now, in order of registration. What a collector has written before it panics stays.
    pub fn collect(&self) -> Vec<Family> {
        let mut families = Families::default();
        for collect in self.0.all() {
            // The panic hook has told of it; the other figures are worth having.
            let _ = catch_unwind(AssertUnwindSafe(|| collect(&mut families)));
        }
        families.0
    }
}

#[cfg(test)]
mod tests;
