//! One user of a chat. The loop that has to be cheap, so that it's the server that is measured.

use super::Shared;
use crate::{client::Client, socket::Socket};
use anyhow::{Context, Result, ensure};
use memchr::memmem::Finder;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A body starts with its sending time, as so many hexadecimal digits.
pub const STAMP: usize = 16;
const LONGEST_STANZA: usize = 256 * 1024;

pub struct Session {
    socket: Socket,
    input: Input,
    output: Vec<u8>,
    head: Vec<u8>,
    tail: Vec<u8>,
    quota: u64,
    shared: Rc<Shared>,
}

/// Bytes received, of which `start..end` are still to be looked at.
struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    message_end: Finder<'static>,
    body: Finder<'static>,
    error: Finder<'static>,
}

impl Session {
    pub fn new(mut client: Client, partner: &str, quota: u64, shared: Rc<Shared>) -> Self {
        client.compact();
        let filler: String = ('a'..='z').cycle().take(shared.bytes - STAMP).collect();
        Self {
            socket: client.socket,
            input: Input::new(client.input),
            output: Vec::new(),
            head: format!("<message to='{partner}' type='chat' id='").into_bytes(),
            tail: format!("{filler}</body></message>").into_bytes(),
            quota,
            shared,
        }
    }

    /// Sends `first` messages, then one for each that arrives. Ends only with an error.
    pub async fn run(mut self, first: usize) -> Result<()> {
        self.send(first, self.now()).await?;
        loop {
            let count = self.socket.read(self.input.space()?).await?;
            ensure!(count > 0, "the server closed a session; it said: {}", self.input.rest());
            self.input.end += count;
            let now = self.now();
            let received = self.receive(now)?;
            self.shared.received.set(self.shared.received.get() + received as u64);
            if received > 0 && !self.shared.stop.is_set() {
                self.send(received, now).await?;
            }
        }
    }

    fn now(&self) -> u64 {
        self.shared.started.elapsed().as_nanos() as u64
    }

    async fn send(&mut self, wanted: usize, now: u64) -> Result<()> {
        let count = self.quota.min(wanted as u64);
        self.quota -= count;
        self.output.clear();
        for _ in 0..count {
            let stamp = hexadecimal(now);
            for part in [&self.head[..], &stamp, b"'><body>", &stamp, &self.tail] {
                self.output.extend_from_slice(part);
            }
        }
        self.shared.sent.set(self.shared.sent.get() + count);
        Ok(self.socket.write_all(&self.output).await?)
    }

    /// Takes all whole messages; how many they are.
    fn receive(&mut self, now: u64) -> Result<usize> {
        let mut latency = self.shared.latency.borrow_mut();
        let mut count = 0;
        while let Some(body) = self.input.next_body()? {
            ensure!(body.len() == self.shared.bytes, "a body came back with {} bytes", body.len());
            let sent = body.get(..STAMP).and_then(|stamp| std::str::from_utf8(stamp).ok());
            let sent = sent
                .and_then(|stamp| u64::from_str_radix(stamp, 16).ok())
                .context("a body came back changed")?;
            latency.record(now.saturating_sub(sent));
            count += 1;
        }
        Ok(count)
    }
}

impl Input {
    fn new(bytes: Vec<u8>) -> Self {
        let (start, end) = (0, bytes.len());
        let message_end = Finder::new(b"</message>");
        Self { bytes, start, end, message_end, body: Finder::new(b"<body>"), error: Finder::new(b"<error") }
    }

    /// Where to read to.
    fn space(&mut self) -> Result<&mut [u8]> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() - self.end < 4096 {
            ensure!(self.bytes.len() < LONGEST_STANZA, "a stanza doesn't end");
            self.bytes.resize((self.bytes.len() * 2).max(16 * 1024), 0);
        }
        self.bytes.get_mut(self.end..).context("no space")
    }

    /// The body of the next whole message that has one; other stanzas are passed over.
    fn next_body(&mut self) -> Result<Option<&[u8]>> {
        loop {
            let unread = self.bytes.get(self.start..self.end).unwrap_or_default();
            let Some(length) = self.message_end.find(unread) else { return Ok(None) };
            let message = self.start..self.start + length;
            self.start = message.end + self.message_end.needle().len();
            let bytes = self.bytes.get(message.clone()).unwrap_or_default();
            ensure!(self.error.find(bytes).is_none(), "error: {}", String::from_utf8_lossy(bytes));
            if let Some(at) = self.body.find(bytes) {
                let from = message.start + at + self.body.needle().len();
                let body = self.bytes.get(from..message.end).unwrap_or_default();
                let length = memchr::memchr(b'<', body).unwrap_or(body.len());
                return Ok(body.get(..length));
            }
        }
    }

    fn rest(&self) -> String {
        String::from_utf8_lossy(self.bytes.get(self.start..self.end).unwrap_or_default()).into_owned()
    }
}

fn hexadecimal(value: u64) -> [u8; STAMP] {
    let mut digits = [0; STAMP];
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        let nibble = (value >> (4 * place) & 15) as u8;
        *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    }
    digits
}

#[cfg(test)]
mod tests;
