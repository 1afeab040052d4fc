//! Latency histogram: fixed memory, 3 % resolution, nanoseconds.

use serde::Serialize;

const SUB_BITS: u32 = 5;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB;

/// Counts of durations in logarithmic buckets, each 1/32 of a power of two wide.
#[derive(Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: 0 }
    }
}

impl Histogram {
    /// Adds one duration in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    /// Forgets everything recorded, as at the end of a warm-up.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The smallest bucket bound that `part` (0 to 1) of the values don't exceed, in nanoseconds.
    pub fn percentile(&self, part: f64) -> u64 {
        let wanted = (self.total as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_bound(index).min(self.max);
            }
        }
        self.max
    }

    /// `None` when nothing was recorded.
    pub fn latency(&self) -> Option<Latency> {
        (self.total > 0).then(|| Latency {
            p50: micros(self.percentile(0.50)),
            p90: micros(self.percentile(0.90)),
            p99: micros(self.percentile(0.99)),
            max: micros(self.max),
        })
    }
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let exponent = 63 - value.leading_zeros();
    let shift = exponent - SUB_BITS;
    (exponent - SUB_BITS + 1) as usize * SUB + ((value >> shift) as usize & (SUB - 1))
}

fn upper_bound(index: usize) -> u64 {
    if index < SUB {
        return index as u64;
    }
    let shift = (index / SUB - 1) as u32;
    let low = ((SUB + index % SUB) as u64) << shift;
    low + ((1u64 << shift) - 1)
}

#[cfg(test)]
mod tests;
