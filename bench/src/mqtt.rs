//! A minimal MQTT 3.1.1 client: what a load needs, and nothing of Nightjar's own packets.

use crate::{
    socket::{self, Socket},
    target::{PATIENCE, Target, Tls},
};
use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

pub const CONNACK: u8 = 0x20;
pub const PUBLISH: u8 = 0x30;
pub const PUBACK: u8 = 0x40;
pub const PUBREC: u8 = 0x50;
pub const PUBREL: u8 = 0x60;
pub const PUBCOMP: u8 = 0x70;
pub const SUBACK: u8 = 0x90;
/// Seconds; longer than any session here is silent.
const KEEP_ALIVE: u16 = 600;
/// Bytes read at once.
const CHUNK: usize = 64 * 1024;

/// A packet in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Kind in the upper half, flags in the lower
    pub first: u8,
    pub body: &'a [u8],
    pub total: usize,
}

/// The packet at the buffer's front, once it is whole (§2.2).
pub fn next_frame(input: &[u8]) -> Option<Frame<'_>> {
    let first = *input.first()?;
    let (mut length, mut at) = (0, 1);
    loop {
        let byte = *input.get(at)?;
        length |= usize::from(byte & 0x7f) << (7 * (at - 1));
        at += 1;
        if byte < 0x80 || at > 4 {
            break;
        }
    }
    Some(Frame { first, body: input.get(at..at + length)?, total: at + length })
}

impl Frame<'_> {
    pub fn kind(&self) -> u8 {
        self.first & 0xf0
    }

    /// Of a PUBLISH.
    pub fn qos(&self) -> u8 {
        self.first >> 1 & 3
    }

    /// The packet identifier (0 if there is none) and what follows it.
    pub fn identified(&self) -> (u16, &[u8]) {
        let mut rest = self.body;
        if self.kind() == PUBLISH {
            rest = rest.get(2 + usize::from(number(rest))..).unwrap_or_default();
            if self.qos() == 0 {
                return (0, rest);
            }
        }
        (number(rest), rest.get(2..).unwrap_or_default())
    }
}

fn number(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |pair| u16::from_be_bytes(*pair))
}

/// Appends a packet.
pub fn packet(first: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    let mut rest = body.len();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(body);
}

/// Appends an answer that is a packet identifier.
pub fn answer(kind: u8, identifier: u16, out: &mut Vec<u8>) {
    let flags = if kind == PUBREL { 2 } else { 0 };
    packet(kind | flags, &identifier.to_be_bytes(), out);
}

/// Appends a message; `identifier` isn't written with QoS 0.
pub fn publish(topic: &str, qos: u8, identifier: u16, payload: &[u8], out: &mut Vec<u8>) {
    let mut body = text(topic);
    if qos > 0 {
        body.extend_from_slice(&identifier.to_be_bytes());
    }
    body.extend_from_slice(payload);
    packet(PUBLISH | qos << 1, &body, out);
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

/// A connection.
pub struct Client {
    socket: Socket,
    pub input: Vec<u8>,
}

impl Client {
    /// Connects, encrypts as the target says and logs in as its first account, under a client identifier.
    pub async fn login(target: &Target, identifier: &str) -> Result<Self> {
        timeout(PATIENCE, Self::open(target, identifier)).await.context("the login took too long")?
    }

    async fn open(target: &Target, identifier: &str) -> Result<Self> {
        let plain = socket::connect(target).await?;
        let socket: Socket = match target.tls {
            Tls::None => Box::new(plain),
            Tls::Direct => socket::encrypt(plain, &target.domain, false).await?,
            Tls::Starttls => bail!("MQTT has no STARTTLS"),
        };
        let mut client = Self { socket, input: Vec::new() };
        // User name, password, clean session.
        let mut body = [text("MQTT"), vec![4, 0xc2]].concat();
        body.extend_from_slice(&KEEP_ALIVE.to_be_bytes());
        let user = format!("{}@{}", target.user(0), target.domain);
        for field in [identifier, &user, &target.password] {
            body.extend_from_slice(&text(field));
        }
        client.ask(0x10, &body, CONNACK, &[0, 0]).await?;
        Ok(client)
    }

    pub async fn subscribe(&mut self, filter: &str, qos: u8) -> Result<()> {
        let body = [vec![0, 1], text(filter), vec![qos]].concat();
        timeout(PATIENCE, self.ask(0x82, &body, SUBACK, &[0, 1, qos])).await.context("no SUBACK")?
    }

    async fn ask(&mut self, first: u8, body: &[u8], kind: u8, wanted: &[u8]) -> Result<()> {
        let mut out = Vec::new();
        packet(first, body, &mut out);
        self.send(&out).await?;
        loop {
            if let Some(frame) = next_frame(&self.input) {
                let is_it = frame.kind() == kind && frame.body == wanted;
                ensure!(is_it, "asked with {first:#x}, answered {frame:?}");
                let total = frame.total;
                self.input.drain(..total);
                return Ok(());
            }
            self.receive().await?;
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.socket.write_all(bytes).await?)
    }

    /// Appends what comes next to `input`, which keeps no memory while it is awaited.
    pub async fn receive(&mut self) -> Result<()> {
        let mut chunk = std::mem::take(&mut self.input);
        chunk.reserve(CHUNK);
        let count = self.socket.read_buf(&mut chunk).await?;
        ensure!(count > 0, "the server closed the connection");
        self.input = chunk;
        Ok(())
    }

    /// Calls `take` for each packet that is there.
    pub fn frames(&mut self, mut take: impl FnMut(Frame<'_>)) {
        let mut start = 0;
        while let Some(frame) = next_frame(self.input.get(start..).unwrap_or_default()) {
            start += frame.total;
            take(frame);
        }
        self.input.drain(..start);
    }

    /// Takes leave.
    pub async fn close(mut self) -> Result<()> {
        self.send(&[0xe0, 0]).await?;
        let _ = self.socket.shutdown().await;
        // Its end of the connection, or a reset: both are the end.
        let mut rest = [0; 64];
        while self.socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
        Ok(())
    }
}

#[cfg(test)]
mod tests;
