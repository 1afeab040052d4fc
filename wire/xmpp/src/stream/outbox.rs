//! What a machine has to say, in the order in which its driver gets it: bytes, then an event, then the end.

use super::FramingKind;

/// What the driver of a stream has to do. `E` are the machine's events, `D` says how the stream ended.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all outputs; a box would cost each an allocation"
)]
pub enum Output<E, D> {
    /// Write these bytes (WebSocket: as one text message).
    Send(Vec<u8>),
    /// Flush, then do the TLS handshake, then call `tls_established`. First give `handle_input` whatever was read
    /// already: bytes in the clear behind the agreement on TLS end the stream.
    StartTls,
    Event(E),
    /// Flush, then close the connection; the stream is over. No output follows.
    Close(D),
}

#[derive(Debug)]
pub(crate) struct Outbox<E, D> {
    /// At most one over TCP.
    sends: Vec<Vec<u8>>,
    event: Option<E>,
    starttls: bool,
    end: Option<Box<D>>,
}

impl<E, D> Outbox<E, D> {
    /// Adds a complete element; WebSocket sends each as a message of its own.
    pub(crate) fn send(&mut self, framing: FramingKind, xml: String) {
        match self.sends.last_mut() {
            Some(last) if framing == FramingKind::Stream => last.extend_from_slice(xml.as_bytes()),
            _ => self.sends.push(xml.into_bytes()),
        }
    }

    pub(crate) fn event(&mut self, event: E) {
        debug_assert!(self.event.is_none(), "an event was not polled");
        self.event = Some(event);
    }

    pub(crate) fn starttls(&mut self) {
        self.starttls = true;
    }

    pub(crate) fn end(&mut self, end: D) {
        self.starttls = false;
        self.end = Some(Box::new(end));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.event.is_none() && !self.starttls && self.end.is_none()
    }

    pub(crate) fn poll(&mut self) -> Option<Output<E, D>> {
        if !self.sends.is_empty() {
            let bytes = self.sends.remove(0);
            if self.sends.is_empty() {
                self.sends = Vec::new();
            }
            return Some(Output::Send(bytes));
        }
        if let Some(event) = self.event.take() {
            return Some(Output::Event(event));
        }
        if std::mem::take(&mut self.starttls) {
            return Some(Output::StartTls);
        }
        self.end.take().map(|end| Output::Close(*end))
    }
}

impl<E, D> Default for Outbox<E, D> {
    fn default() -> Outbox<E, D> {
        Outbox { sends: Vec::new(), event: None, starttls: false, end: None }
    }
}
