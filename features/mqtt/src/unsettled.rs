//! What a client is answered once the store has it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use nightjar_mqtt::{Connection, Reason, Session};
use nightjar_store::{StoreError, Ticket};

/// What is done when the store has what it is about.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nobody waits for it.
    Nothing,
    /// To a message of the client.
    Publish {
        packet_id: u16,
        reason: Reason,
    },
    Subscribe {
        packet_id: u16,
        reasons: Vec<Reason>,
    },
    Unsubscribe {
        packet_id: u16,
        reasons: Vec<Reason>,
    },
    /// PUBREL of the client: its packet identifier is forgotten.
    Complete {
        packet_id: u16,
    },
    /// PUBREC of the client: that it has the message.
    Release {
        sequence: u64,
    },
    /// Messages with QoS 2: their packet identifiers.
    Placed {
        sequences: Vec<u64>,
    },
}

impl Answer {
    pub(crate) fn give(self, now: u64, machine: &mut Connection) {
        match self {
            Answer::Nothing => {}
            Answer::Publish { packet_id, reason } => machine.acknowledge(packet_id, reason),
            Answer::Subscribe { packet_id, reasons } => machine.suback(packet_id, &reasons),
            Answer::Unsubscribe { packet_id, reasons } => machine.unsuback(packet_id, &reasons),
            Answer::Complete { packet_id } => machine.complete(packet_id),
            Answer::Release { sequence } => machine.release(sequence),
            Answer::Placed { sequences } => {
                for sequence in sequences {
                    machine.stored(now, sequence);
                }
            }
        }
    }

    /// There is no connection any more: what the session is to know.
    fn note(self, session: &mut Session) {
        match self {
            Answer::Publish { packet_id, reason } => session.settle(packet_id, !reason.is_error()),
            Answer::Complete { packet_id } => session.complete(packet_id),
            Answer::Release { sequence } => session.release(sequence),
            Answer::Placed { sequences } => {
                for sequence in sequences {
                    session.stored(sequence);
                }
            }
            Answer::Nothing | Answer::Subscribe { .. } | Answer::Unsubscribe { .. } => {}
        }
    }

    /// The store has failed: a message of the client isn't taken. What else there is can't be undone, and is kept in
    /// memory only.
    fn failed(self) -> Self {
        match self {
            Answer::Publish { packet_id, .. } => {
                Answer::Publish { packet_id, reason: Reason::UNSPECIFIED_ERROR }
            }
            other => other,
        }
    }
}

/// Answers that wait, in their order.
#[derive(Default)]
pub(crate) struct Unsettled {
    queue: VecDeque<(Answer, Ticket)>,
    /// Answers to SUBSCRIBE among them.
    subscriptions: usize,
}

impl Unsettled {
    pub(crate) fn push(&mut self, answer: Answer, ticket: Ticket) {
        self.subscriptions += usize::from(matches!(answer, Answer::Subscribe { .. }));
        self.queue.push_back((answer, ticket));
    }

    /// Whether the client doesn't know yet that it has a subscription.
    pub(crate) fn has_subscription(&self) -> bool {
        self.subscriptions > 0
    }

    /// Gives answers that are due; an error, once, if the store has failed.
    pub(crate) fn settle(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        machine: &mut Connection,
    ) -> Result<(), StoreError> {
        while let Some((_, ticket)) = self.queue.front_mut() {
            let Poll::Ready(result) = Pin::new(ticket).poll(context) else { return Ok(()) };
            let Some((answer, _)) = self.queue.pop_front() else { break };
            self.subscriptions -= usize::from(matches!(answer, Answer::Subscribe { .. }));
            match result {
                Ok(()) => answer.give(now, machine),
                Err(error) => {
                    machine.disconnect(Reason::SERVER_BUSY, Some("this could not be stored"));
                    answer.failed().give(now, machine);
                    return Err(error);
                }
            }
        }
        if self.queue.capacity() > 16 {
            self.queue = VecDeque::new();
        }
        Ok(())
    }

    /// Waits for all, with no connection to answer on.
    pub(crate) async fn note_all(self, session: &mut Session) {
        for (answer, ticket) in self.queue {
            match ticket.await {
                Ok(()) => answer.note(session),
                Err(error) => {
                    tracing::warn!(%error, "what an MQTT client did could not be stored");
                    answer.failed().note(session);
                }
            }
        }
    }
}
