//! What the machine has to say, in the order in which the driver gets it: bytes, then an event, then the end.

use super::{End, Event, FramingKind, Output};

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// At most one over TCP.
    sends: Vec<Vec<u8>>,
    event: Option<Event>,
    starttls: bool,
    end: Option<Box<End>>,
}

impl Outbox {
    /// Adds a complete element; WebSocket sends each as a message of its own.
    pub(super) fn send(&mut self, framing: FramingKind, xml: String) {
        match self.sends.last_mut() {
            Some(last) if framing == FramingKind::Stream => last.extend_from_slice(xml.as_bytes()),
            _ => self.sends.push(xml.into_bytes()),
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        debug_assert!(self.event.is_none(), "an event was not polled");
        self.event = Some(event);
    }

    pub(super) fn starttls(&mut self) {
        self.starttls = true;
    }

    pub(super) fn end(&mut self, end: End) {
        self.starttls = false;
        self.end = Some(Box::new(end));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.event.is_none() && !self.starttls && self.end.is_none()
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
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
