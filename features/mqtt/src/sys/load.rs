//! How much is going on: averages of the last 1, 5 and 15 minutes, as those of a UNIX system's load.

use crate::counters::{Counters, read, sum};

/// What averages are made of, and what `$SYS` calls it.
pub(super) const NAMES: [&str; 9] = [
    "bytes/received",
    "bytes/sent",
    "messages/received",
    "messages/sent",
    "publish/dropped",
    "publish/received",
    "publish/sent",
    "connections",
    "sockets",
];
/// In minutes.
pub(super) const SPANS: [(f64, &str); 3] = [(1.0, "1min"), (5.0, "5min"), (15.0, "15min")];
const MINUTE_MS: f64 = 60_000.0;

/// Counters at one moment, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample(pub(super) [u64; NAMES.len()]);

/// Averages in each minute, in the order of [`NAMES`] and [`SPANS`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loads(pub(super) [[f64; SPANS.len()]; NAMES.len()]);

impl Sample {
    pub(super) fn of(counters: &Counters) -> Self {
        let opened = read(&counters.opened);
        let refused: u64 = counters.refused().filter(|(what, ..)| *what == "connect").map(|row| row.2).sum();
        Self([
            read(&counters.bytes_received),
            read(&counters.bytes_sent),
            read(&counters.packets_received),
            read(&counters.packets_sent),
            counters.dropped().map(|(_, count)| count).sum(),
            sum(&counters.received),
            sum(&counters.delivered),
            opened,
            opened + refused,
        ])
    }
}

impl Loads {
    /// What happened between two samples counts for as long as they lie apart.
    #[allow(clippy::cast_precision_loss, reason = "averages are told with two places")]
    pub(super) fn add(&mut self, before: &Sample, after: &Sample, elapsed_ms: u64) {
        let minutes = elapsed_ms as f64 / MINUTE_MS;
        if minutes <= 0.0 {
            return;
        }
        for ((loads, before), after) in self.0.iter_mut().zip(before.0).zip(after.0) {
            let each_minute = after.saturating_sub(before) as f64 / minutes;
            for (load, (span, _)) in loads.iter_mut().zip(SPANS) {
                *load = each_minute + (*load - each_minute) * (-minutes / span).exp();
            }
        }
    }
}
