//! What the machines of all streams share: cutting bytes into elements, queueing outputs, headers, elements of SASL.

use std::time::Duration;

use crate::stream_error::StreamError;

mod framing;
mod header;
mod outbox;
pub(crate) mod sasl;

pub use framing::FramingKind;
pub use outbox::Output;

pub(crate) use framing::{Framing, Header, Incoming};
pub(crate) use header::{is_version_supported, language};
pub(crate) use outbox::Outbox;

/// The side of a machine that takes input.
pub(crate) trait Machine {
    /// The namespace of stanzas.
    const CONTENT_NS: &'static str;

    fn intake(&self) -> Intake;
    fn framing(&mut self) -> &mut Framing;
    fn on_incoming(&mut self, now: Duration, incoming: Incoming);
    /// Bytes came in the clear where only TLS may begin.
    fn on_early_data(&mut self);
    /// Ends the stream with this error.
    fn fail(&mut self, error: StreamError);
}

/// What a machine does with input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Intake {
    Elements,
    /// It takes none: outputs were not polled, or an answer is due.
    Busy,
    /// TLS begins: there must be none.
    Handshake,
    /// It drops it.
    Over,
}

/// Takes bytes up to the end of one element that has a consequence; returns how many.
pub(crate) fn handle_input<M: Machine>(machine: &mut M, now: Duration, input: &[u8]) -> usize {
    let mut taken = 0;
    loop {
        let rest = input.get(taken..).unwrap_or_default();
        match machine.intake() {
            Intake::Elements => {}
            Intake::Busy => return taken,
            Intake::Over => return input.len(),
            Intake::Handshake => {
                if !rest.is_empty() {
                    machine.on_early_data();
                }
                return input.len();
            }
        }
        match machine.framing().feed(rest, M::CONTENT_NS) {
            Ok((_, None)) => return input.len(),
            Ok((used, Some(incoming))) => {
                taken += used;
                machine.on_incoming(now, incoming);
            }
            Err(error) => {
                machine.fail(error);
                return input.len();
            }
        }
    }
}
