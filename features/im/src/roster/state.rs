//! Subscription states and what moves between them: RFC 6121 Appendix A, as pure functions.

use nightjar_base::contacts::{Announce, Inbound, Outbound, Subscription};
use nightjar_xmpp::PresenceType;

/// A subscription with its pending parts (RFC 6121 §A.1) and pre-approval (§3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Who sees whom.
    pub subscription: Subscription,
    /// The account asked the contact and waits for an answer.
    pub pending_out: bool,
    /// The contact asked the account and waits for an answer.
    pub pending_in: bool,
    /// The account approved a request that hasn't come yet.
    pub approved: bool,
}

impl State {
    fn with_to(self) -> Self {
        let subscription = match self.subscription {
            Subscription::None | Subscription::To => Subscription::To,
            Subscription::From | Subscription::Both => Subscription::Both,
        };
        State { subscription, pending_out: false, ..self }
    }

    fn without_to(self) -> Self {
        let subscription = match self.subscription {
            Subscription::None | Subscription::To => Subscription::None,
            Subscription::From | Subscription::Both => Subscription::From,
        };
        State { subscription, pending_out: false, ..self }
    }

    fn with_from(self) -> Self {
        let subscription = match self.subscription {
            Subscription::None | Subscription::From => Subscription::From,
            Subscription::To | Subscription::Both => Subscription::Both,
        };
        State { subscription, pending_in: false, ..self }
    }

    fn without_from(self) -> Self {
        let subscription = match self.subscription {
            Subscription::None | Subscription::From => Subscription::None,
            Subscription::To | Subscription::Both => Subscription::To,
        };
        State { subscription, pending_in: false, ..self }
    }

    /// Whether such an item is shown to the client: one that only waits for the account's answer is not (§2.1.2.5).
    pub fn is_visible(self) -> bool {
        self.subscription != Subscription::None || self.pending_out || self.approved
    }
}

/// The account's client sends `kind` (§A.2): the new state and what follows. Nothing is pushed if the state stays.
pub fn outbound(state: State, kind: PresenceType) -> (State, Outbound) {
    let (after, announce, route) = match kind {
        PresenceType::Subscribe => {
            let after = State { pending_out: !state.subscription.is_to(), ..state };
            // §3.1.2: it is routed even if the contact is subscribed to, so that both sides agree again.
            (after, Announce::Nothing, true)
        }
        PresenceType::Unsubscribe => (state.without_to(), Announce::Nothing, true),
        PresenceType::Subscribed if state.pending_in => {
            (State { approved: false, ..state.with_from() }, Announce::Available, true)
        }
        // §3.4: approval in advance stays here.
        PresenceType::Subscribed if !state.subscription.is_from() => {
            (State { approved: true, ..state }, Announce::Nothing, false)
        }
        PresenceType::Unsubscribed => {
            let had = state.subscription.is_from() || state.pending_in;
            let announce =
                if state.subscription.is_from() { Announce::Unavailable } else { Announce::Nothing };
            (State { approved: false, ..state.without_from() }, announce, had)
        }
        _ => (state, Announce::Nothing, false),
    };
    (after, Outbound { route, announce })
}

/// The contact sends `kind` (§A.3): the new state and what follows.
pub fn inbound(state: State, kind: PresenceType) -> (State, Inbound) {
    let quiet = Inbound::default();
    let delivered = Inbound { deliver: true, ..quiet };
    match kind {
        // §3.1.3: who sees the account already is told so, without asking again.
        PresenceType::Subscribe if state.subscription.is_from() => {
            (state, Inbound { reply: Some(PresenceType::Subscribed), announce: Announce::Available, ..quiet })
        }
        PresenceType::Subscribe if state.approved => {
            let after = State { approved: false, ..state.with_from() };
            let inbound =
                Inbound { reply: Some(PresenceType::Subscribed), announce: Announce::Available, ..quiet };
            (after, inbound)
        }
        PresenceType::Subscribe => (State { pending_in: true, ..state }, delivered),
        PresenceType::Unsubscribe => {
            let had = state.subscription.is_from() || state.pending_in;
            let announce =
                if state.subscription.is_from() { Announce::Unavailable } else { Announce::Nothing };
            (state.without_from(), Inbound { deliver: had, announce, reply: None })
        }
        PresenceType::Subscribed if state.pending_out => (state.with_to(), delivered),
        PresenceType::Unsubscribed => {
            let had = state.subscription.is_to() || state.pending_out;
            (state.without_to(), Inbound { deliver: had, ..quiet })
        }
        _ => (state, quiet),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
