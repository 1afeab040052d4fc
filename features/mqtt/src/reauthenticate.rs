//! A client that proves itself again while it is connected (MQTT 5 §4.12.1).

use std::task::{Context, Poll};

use bytes::Bytes;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::mqtt::MqttRefusal;
use nightjar_mqtt::{Connection, Reason};
use nightjar_text::Text;

use crate::enhanced::{Dialogue, Terms, Turn};

/// What a connection that began by enhanced authentication keeps of it.
pub(crate) struct Again {
    terms: Terms,
    user: Text,
    state: State,
}

enum State {
    Idle,
    Asked(Box<Dialogue>),
    Working(BoxFuture<'static, Result<Turn, MqttRefusal>>),
}

impl Again {
    pub(crate) fn new(terms: Terms, user: Text) -> Self {
        Self { terms, user, state: State::Idle }
    }

    /// Takes a step of the client; [`Again::poll`] tells what comes of it.
    pub(crate) fn handle(&mut self, machine: &mut Connection, is_first: bool, data: Option<Bytes>) {
        let work: BoxFuture<'static, _> = match (std::mem::replace(&mut self.state, State::Idle), is_first) {
            (State::Idle, true) => {
                let terms = self.terms.clone();
                Box::pin(async move { terms.begin(data.as_deref()).await })
            }
            (State::Asked(dialogue), false) => {
                Box::pin(async move { dialogue.answer(data.as_deref()).await })
            }
            _ => return machine.disconnect(Reason::PROTOCOL_ERROR, Some("a step out of turn")),
        };
        self.state = State::Working(work);
    }

    /// Answers the client as soon as it is known what; gives why it was turned away.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, machine: &mut Connection) -> Option<Reason> {
        let State::Working(work) = &mut self.state else { return None };
        let Poll::Ready(turn) = work.as_mut().poll(context) else { return None };
        self.state = State::Idle;
        let refusal = match turn {
            Ok(Turn::Asks(data, dialogue)) => {
                self.state = State::Asked(dialogue);
                machine.authenticate(Some(&data));
                return None;
            }
            Ok(Turn::Proved(user, data)) if user == self.user => {
                machine.authenticated(data.as_deref());
                return None;
            }
            Ok(Turn::Proved(..)) => {
                MqttRefusal { reason: Reason::NOT_AUTHORIZED, words: "that is another account" }
            }
            Err(refusal) => refusal,
        };
        machine.disconnect(refusal.reason, Some(refusal.words));
        Some(refusal.reason)
    }
}
