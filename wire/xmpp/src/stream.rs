//! What the machines of all streams share: cutting bytes into elements, queueing outputs, checking headers.

mod outbox;

pub use outbox::Output;
