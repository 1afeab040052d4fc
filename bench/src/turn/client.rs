//! One client of a TURN server with one allocation over UDP.

use super::message::{answers, attribute, error_code, is_success, request, xor_address};
use anyhow::{Context, Result, bail, ensure};
use md5::{Digest, Md5};
use std::{
    cell::RefCell,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

const ALLOCATE: u16 = 0x0003;
const REFRESH: u16 = 0x0004;
const CHANNEL_BIND: u16 = 0x0009;
const USERNAME: u16 = 0x0006;
const CHANNEL_NUMBER: u16 = 0x000c;
const LIFETIME: u16 = 0x000d;
const PEER: u16 = 0x0012;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const TRANSPORT: u16 = 0x0019;
/// The channel that every client binds.
pub const CHANNEL: u16 = 0x4000;
/// RFC 8489 §6.2.1
const RETRANSMIT: Duration = Duration::from_millis(500);
const TRIES: usize = 5;

/// Who asks.
#[derive(Debug)]
pub struct Login {
    pub server: SocketAddr,
    pub user: String,
    pub password: String,
}

#[derive(Debug, Clone)]
struct Challenge {
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: Vec<u8>,
}

/// A client. The server forgets its allocation when it expires or is ended.
#[derive(Debug)]
pub struct Client<'a> {
    pub socket: UdpSocket,
    login: &'a Login,
    /// What the server said last about how to ask (RFC 8489 §9.2.5: it is good for the next request, too).
    challenge: RefCell<Option<Challenge>>,
}

/// A request on its way.
#[derive(Debug)]
pub struct Asked {
    transaction: u64,
    kind: u16,
    attributes: Vec<(u16, Vec<u8>)>,
    challenges: usize,
}

impl<'a> Client<'a> {
    /// A client at a loopback address that few others have: a server may remember for a while who had a port.
    pub fn new(login: &'a Login, number: u64) -> Result<Self> {
        let [a, b] = ((number % 60_000) as u16 + 256).to_be_bytes();
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 1, a, b), 0))?;
        socket.connect(login.server)?;
        socket.set_read_timeout(Some(RETRANSMIT))?;
        Ok(Self { socket, login, challenge: RefCell::default() })
    }

    pub fn allocate(&self, transaction: u64) -> Result<Asked> {
        self.ask(ALLOCATE, transaction, vec![(TRANSPORT, vec![17, 0, 0, 0])])
    }

    pub fn end(&self, transaction: u64) -> Result<Asked> {
        self.ask(REFRESH, transaction, vec![(LIFETIME, vec![0; 4])])
    }

    /// Binds [`CHANNEL`] to a port of 127.0.0.1.
    pub fn bind_channel(&self, transaction: u64, port: u16) -> Result<Asked> {
        let [a, b] = CHANNEL.to_be_bytes();
        let peer = xor_address(Ipv4Addr::LOCALHOST, port).to_vec();
        self.ask(CHANNEL_BIND, transaction, vec![(CHANNEL_NUMBER, vec![a, b, 0, 0]), (PEER, peer)])
    }

    fn ask(&self, kind: u16, transaction: u64, attributes: Vec<(u16, Vec<u8>)>) -> Result<Asked> {
        let asked = Asked { transaction, kind, attributes, challenges: 0 };
        self.send(&asked)?;
        Ok(asked)
    }

    fn send(&self, asked: &Asked) -> Result<()> {
        let challenge = self.challenge.borrow().clone();
        let mut attributes: Vec<(u16, &[u8])> =
            asked.attributes.iter().map(|(kind, value)| (*kind, value.as_slice())).collect();
        if let Some(challenge) = &challenge {
            attributes.push((USERNAME, self.login.user.as_bytes()));
            attributes.push((REALM, &challenge.realm));
            attributes.push((NONCE, &challenge.nonce));
        }
        let key = challenge.as_ref().map(|challenge| challenge.key.as_slice());
        self.socket.send(&request(asked.kind, asked.transaction, &attributes, key))?;
        Ok(())
    }

    /// Waits for success; asks again when the server wants to know who asks.
    pub fn succeed(&self, asked: Asked) -> Result<()> {
        let mut open = Some(asked);
        while let Some(asked) = open {
            open = self.settle(asked)?;
        }
        Ok(())
    }

    /// Waits for an answer: none is left to wait for after success, and another request is on its way when the server
    /// wants to know who asks.
    pub fn settle(&self, mut asked: Asked) -> Result<Option<Asked>> {
        for _ in 0..TRIES {
            let Some(answer) = self.answer(asked.transaction)? else {
                self.send(&asked)?;
                continue;
            };
            if is_success(&answer) {
                return Ok(None);
            }
            let code = error_code(&answer);
            let is_challenge = matches!(code, Some(401 | 438)) && asked.challenges < TRIES;
            ensure!(is_challenge, "request {:#06x} was refused: {code:?}", asked.kind);
            self.learn(&answer)?;
            // Another request, as its bytes are others (RFC 8489 §9.2.5).
            asked.transaction ^= 1 << 63;
            asked.challenges += 1;
            self.send(&asked)?;
            return Ok(Some(asked));
        }
        bail!("request {:#06x} got no answer", asked.kind)
    }

    fn learn(&self, answer: &[u8]) -> Result<()> {
        let of = |kind| attribute(answer, kind).map(<[u8]>::to_vec);
        let known = self.challenge.borrow().as_ref().map(|challenge| challenge.realm.clone());
        let realm = of(REALM).or(known).context("no realm in a challenge")?;
        let nonce = of(NONCE).context("no nonce in a challenge")?;
        let Login { user, password, .. } = self.login;
        let key = Md5::digest([user.as_bytes(), b":", &realm, b":", password.as_bytes()].concat()).to_vec();
        self.challenge.replace(Some(Challenge { realm, nonce, key }));
        Ok(())
    }

    fn answer(&self, transaction: u64) -> Result<Option<Vec<u8>>> {
        let mut buffer = [0; 2048];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(count) => {
                    let message = buffer.get(..count).unwrap_or_default();
                    if answers(message, transaction) {
                        return Ok(Some(message.to_vec()));
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
