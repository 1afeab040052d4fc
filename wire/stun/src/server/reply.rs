//! Answers. Those to somebody unknown are short and counted.

use super::{Output, Server, Who};
use crate::attribute::{ErrorCode, kind};
use crate::builder::Builder;
use crate::credential::ALGORITHMS;
use crate::message::Message;

impl Server {
    /// Sends a success with what `fill` adds.
    pub(super) fn answer(
        &mut self,
        now: u64,
        who: &Who,
        request: &Message<'_>,
        fill: impl FnOnce(Builder<'_>) -> Builder<'_>,
    ) {
        let mut bytes = Vec::with_capacity(128);
        let builder = fill(Builder::success(&mut bytes, request));
        self.close(builder, who);
        self.send(now, who, bytes);
    }

    /// Sends an error.
    pub(super) fn refuse(&mut self, now: u64, who: &Who, request: &Message<'_>, error: ErrorCode) {
        self.refuse_with(now, who, request, error, |builder| builder);
    }

    /// RFC 8489 §6.3.1.1
    pub(super) fn refuse_unknown(&mut self, now: u64, who: &Who, request: &Message<'_>, unknown: &[u16]) {
        let error = ErrorCode::UNKNOWN_ATTRIBUTE;
        self.refuse_with(now, who, request, error, |builder| builder.unknown_attributes(unknown));
    }

    /// Asks for credentials (RFC 8489 §9.2.4).
    pub(super) fn challenge(&mut self, now: u64, who: &Who, request: &Message<'_>, error: ErrorCode) {
        let nonce = self.settings.nonces.make(who.client.remote.ip(), now / 1000);
        self.challenge_with(now, who, request, error, &nonce);
    }

    /// Asks for credentials with a name that isn't hidden.
    pub(super) fn ask_openly(&mut self, now: u64, who: &Who, request: &Message<'_>) {
        let nonce = self.settings.nonces.make_open(who.client.remote.ip(), now / 1000);
        self.challenge_with(now, who, request, ErrorCode::STALE_NONCE, &nonce);
    }

    fn challenge_with(&mut self, now: u64, who: &Who, request: &Message<'_>, error: ErrorCode, nonce: &str) {
        let settings = std::sync::Arc::clone(&self.settings);
        self.refuse_with(now, who, request, error, |builder| {
            builder
                .bytes(kind::REALM, settings.realm.as_bytes())
                .bytes(kind::NONCE, nonce.as_bytes())
                .bytes(kind::PASSWORD_ALGORITHMS, &ALGORITHMS)
        });
    }

    pub(super) fn refuse_with(
        &mut self,
        now: u64,
        who: &Who,
        request: &Message<'_>,
        error: ErrorCode,
        fill: impl FnOnce(Builder<'_>) -> Builder<'_>,
    ) {
        let mut bytes = Vec::with_capacity(128);
        // Words are for those who are known: to others an answer is as short as it can be.
        let error = if who.proof.is_some() { error } else { ErrorCode { reason: "", ..error } };
        let builder = fill(Builder::error(&mut bytes, request, error));
        self.close(builder, who);
        self.send(now, who, bytes);
    }

    fn close(&self, builder: Builder<'_>, who: &Who) {
        let builder = match &who.proof {
            Some(_) if !self.settings.software.is_empty() => {
                builder.bytes(kind::SOFTWARE, self.settings.software.as_bytes())
            }
            _ => builder,
        };
        let builder = match &who.proof {
            Some(super::Proof { key: Some(key), integrity, .. }) => builder.sign(key, *integrity),
            _ => builder,
        };
        if who.has_fingerprint { builder.finish_with_fingerprint() } else { builder.finish() }
    }

    fn send(&mut self, now: u64, who: &Who, bytes: Vec<u8>) {
        if self.may_send(now, who, bytes.len()) {
            self.outputs.push_back(Output::Send { client: who.client, bytes });
        }
    }

    /// Whether an answer of so many bytes may go out; if so they are spent.
    pub(super) fn may_send(&mut self, now: u64, who: &Who, length: usize) -> bool {
        // A stream has shown by its handshake that the address is the client's own.
        let is_shown = who.proof.as_ref().is_some_and(|proof| proof.key.is_some());
        let more = length.saturating_sub(who.request_bytes);
        let may = is_shown
            || who.client.transport.is_stream()
            || self.budget.take(now, who.client.remote.ip(), more);
        if !may {
            self.counters.answers_withheld += 1;
        }
        may
    }
}
