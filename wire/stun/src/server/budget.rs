//! What may be sent to addresses that have shown nothing. Requests are easily sent in somebody else's name, and answers
//! are longer than requests; each address gets a few answers that are, and then only as many bytes as it sent.

use core::net::IpAddr;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

/// Addresses are told apart by a hash of so many bits; two with the same share a bucket.
const BUCKETS: usize = 1 << 14;
/// Bytes beyond what an address sent that it gets at once: fifty short answers.
const BURST: u32 = 4_096;
/// Bytes it gets back a second.
const REFILL_A_SECOND: u32 = 256;

#[derive(Clone, Copy, Default)]
struct Bucket {
    spent: u32,
    seconds: u32,
}

/// The buckets.
pub(super) struct Budget {
    buckets: Vec<Bucket>,
    hasher: RandomState,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { buckets: vec![Bucket::default(); BUCKETS], hasher: RandomState::default() }
    }

    /// Whether `more` bytes than it sent may go to an address; if so they are spent.
    pub(super) fn take(&mut self, now_ms: u64, ip: IpAddr, more: usize) -> bool {
        if more == 0 {
            return true;
        }
        let seconds = (now_ms / 1000) as u32;
        let at = self.hasher.hash_one(network(ip)) as usize % BUCKETS;
        let Some(bucket) = self.buckets.get_mut(at) else { return false };
        let since = seconds.wrapping_sub(bucket.seconds);
        bucket.spent = bucket.spent.saturating_sub(since.saturating_mul(REFILL_A_SECOND));
        bucket.seconds = seconds;
        let spent = bucket.spent.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        if spent > BURST {
            return false;
        }
        bucket.spent = spent;
        true
    }
}

/// An IPv6 site has very many addresses: its /64 counts as one.
fn network(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) >> 64 << 64 | 1,
    }
}
