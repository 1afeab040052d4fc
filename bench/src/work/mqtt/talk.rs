//! One of two clients that send each other messages.

use super::Shared;
use crate::mqtt::{Client, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, answer, publish};
use anyhow::Result;
use std::rc::Rc;

pub struct Talker {
    client: Client,
    shared: Rc<Shared>,
    qos: u8,
    /// A message for the partner; stamp and packet identifier are filled in.
    template: Vec<u8>,
    payload_at: usize,
    identifier: u16,
}

impl Talker {
    pub fn new(client: Client, topic: &str, qos: u8, bytes: usize, shared: Rc<Shared>) -> Self {
        let mut template = Vec::new();
        publish(topic, qos, 0, &vec![b'.'; bytes], &mut template);
        let payload_at = template.len() - bytes;
        Self { client, shared, qos, template, payload_at, identifier: 0 }
    }

    pub async fn run(mut self, first: usize) -> Result<()> {
        let mut out = Vec::new();
        for _ in 0..first {
            self.write(&mut out);
        }
        loop {
            if !out.is_empty() {
                self.client.send(&out).await?;
                out.clear();
            }
            self.client.receive().await?;
            self.take(&mut out);
        }
    }

    /// Answers what has come, each message with the next one.
    fn take(&mut self, out: &mut Vec<u8>) {
        let (shared, now, mut messages) = (self.shared.clone(), self.shared.nanos(), 0);
        self.client.frames(|frame| {
            let (identifier, payload) = frame.identified();
            match (frame.kind(), frame.qos()) {
                (PUBLISH, qos) => {
                    shared.count(payload, now);
                    messages += 1;
                    if qos > 0 {
                        answer(if qos == 1 { PUBACK } else { PUBREC }, identifier, out);
                    }
                }
                (PUBREC, _) => answer(PUBREL, identifier, out),
                (PUBREL, _) => answer(PUBCOMP, identifier, out),
                _ => {}
            }
        });
        for _ in 0..messages {
            self.write(out);
        }
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        if self.shared.stop.is_set() {
            return;
        }
        let stamp = self.shared.nanos().to_be_bytes();
        let start = out.len();
        out.extend_from_slice(&self.template);
        let at = start + self.payload_at;
        if let Some(place) = out.get_mut(at..at + 8) {
            place.copy_from_slice(&stamp);
        }
        if self.qos > 0 {
            self.identifier = self.identifier.checked_add(1).unwrap_or(1);
            if let Some(place) = out.get_mut(at - 2..at) {
                place.copy_from_slice(&self.identifier.to_be_bytes());
            }
        }
    }
}
