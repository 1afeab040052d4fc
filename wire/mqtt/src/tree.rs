//! Trees of topics: who subscribed to what, and what is retained where.

mod retained;
mod subscriptions;

pub use retained::{RetainedTree, Scan};
pub use subscriptions::{Match, Scratch, SubscriptionTree};
