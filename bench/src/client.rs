//! A minimal XMPP client: stream, STARTTLS, SASL, resource binding, registration.

use crate::{
    framing::{Piece, between, next_piece},
    scram::{self, Hash, Salted},
    socket::{self, Socket},
    target::{Mechanism, PATIENCE, Target, Tls},
};
use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What logins of one run share.
#[derive(Debug, Default)]
pub struct Credentials {
    salted: RefCell<HashMap<(String, Hash), Salted>>,
    nonces: Cell<u64>,
}

/// A stream that is open; `Socket` and unread bytes may be taken over once a session is bound.
pub struct Client {
    pub socket: Socket,
    pub input: Vec<u8>,
    start: usize,
    features: String,
}

impl Client {
    /// Connects, encrypts as the target says, and reads the stream features.
    pub async fn connect(target: &Target) -> Result<Self> {
        timeout(PATIENCE, Self::open(target)).await.context("the stream took too long to open")?
    }

    /// Connects, authenticates and binds `resource`.
    pub async fn login(
        target: &Target,
        number: usize,
        resource: &str,
        credentials: &Credentials,
    ) -> Result<Self> {
        let work = async {
            let mut client = Self::open(target).await?;
            client.authenticate(target, &target.user(number), credentials).await?;
            client.open_stream(&target.domain).await?;
            client.bind(resource).await?;
            Ok(client)
        };
        timeout(PATIENCE, work).await.context("the login took too long")?
    }

    async fn open(target: &Target) -> Result<Self> {
        let plain = socket::connect(target).await?;
        let socket: Socket = match target.tls {
            Tls::None => Box::new(plain),
            Tls::Direct => socket::encrypt(plain, &target.domain, true).await?,
            Tls::Starttls => start_tls(plain, &target.domain).await?,
        };
        let mut client = Self::over(socket);
        client.open_stream(&target.domain).await?;
        Ok(client)
    }

    /// A connection on which nothing is negotiated.
    pub fn over(socket: Socket) -> Self {
        Self { socket, input: Vec::new(), start: 0, features: String::new() }
    }

    pub async fn send(&mut self, xml: &str) -> Result<()> {
        Ok(self.socket.write_all(xml.as_bytes()).await?)
    }

    /// The next first-level element.
    pub async fn receive(&mut self) -> Result<String> {
        loop {
            match next_piece(self.input.get(self.start..).unwrap_or_default()) {
                Some(Piece::Skip(length) | Piece::Open(length)) => self.start += length,
                Some(Piece::Element(length)) => {
                    let bytes = self.input.get(self.start..self.start + length).unwrap_or_default();
                    let element = String::from_utf8_lossy(bytes).into_owned();
                    self.start += length;
                    return Ok(element);
                }
                Some(Piece::Close(_)) => bail!("the server closed the stream"),
                None => self.read_more().await?,
            }
        }
    }

    /// The answer to an iq of this id; other stanzas are passed over.
    pub async fn answer(&mut self, id: &str) -> Result<String> {
        loop {
            let element = self.receive().await?;
            if element.starts_with("<iq") && attribute_is(&element, "id", id) {
                return Ok(element);
            }
            ensure!(!element.starts_with("<stream:error"), "{element}");
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        self.input.drain(..self.start);
        self.start = 0;
        let mut chunk = [0; 16 * 1024];
        let count = self.socket.read(&mut chunk).await?;
        ensure!(count > 0, "the server closed the connection");
        self.input.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }

    /// Forgets what was parsed; what remains in `input` has not been looked at.
    pub fn compact(&mut self) {
        self.input.drain(..self.start);
        self.start = 0;
    }

    async fn open_stream(&mut self, domain: &str) -> Result<()> {
        self.send(&stream_header(domain)).await?;
        self.features = self.receive().await?;
        ensure!(self.features.starts_with("<stream:features"), "features expected, got {}", self.features);
        Ok(())
    }

    async fn authenticate(&mut self, target: &Target, user: &str, credentials: &Credentials) -> Result<()> {
        match self.choose(target.mechanism)? {
            Mechanism::Plain => self.authenticate_plain(user, &target.password).await,
            Mechanism::ScramSha1 => {
                self.authenticate_scram(Hash::Sha1, user, &target.password, credentials).await
            }
            Mechanism::ScramSha256 => {
                self.authenticate_scram(Hash::Sha256, user, &target.password, credentials).await
            }
            Mechanism::ScramSha512 => {
                self.authenticate_scram(Hash::Sha512, user, &target.password, credentials).await
            }
        }
    }

    fn choose(&self, wanted: Option<Mechanism>) -> Result<Mechanism> {
        let offered = |mechanism: &Mechanism| self.features.contains(&format!(">{}<", mechanism.name()));
        if let Some(wanted) = wanted {
            ensure!(offered(&wanted), "{} is not offered", wanted.name());
            return Ok(wanted);
        }
        let all = [Mechanism::Plain, Mechanism::ScramSha1, Mechanism::ScramSha256, Mechanism::ScramSha512];
        all.into_iter().find(offered).with_context(|| format!("no known mechanism in {}", self.features))
    }

    async fn authenticate_plain(&mut self, user: &str, password: &str) -> Result<()> {
        let token = BASE64.encode(format!("\0{user}\0{password}"));
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
        ))
        .await?;
        let answer = self.receive().await?;
        ensure!(answer.starts_with("<success"), "{user} can't log in: {answer}");
        Ok(())
    }

    async fn authenticate_scram(
        &mut self,
        hash: Hash,
        user: &str,
        password: &str,
        credentials: &Credentials,
    ) -> Result<()> {
        let mechanism = match hash {
            Hash::Sha1 => Mechanism::ScramSha1,
            Hash::Sha256 => Mechanism::ScramSha256,
            Hash::Sha512 => Mechanism::ScramSha512,
        };
        // A nonce need only differ from login to login here: nobody is protected by it.
        credentials.nonces.set(credentials.nonces.get() + 1);
        let first = scram::first_bare(user, &format!("bench{:016x}", credentials.nonces.get()));
        let name = mechanism.name();
        let token = BASE64.encode(format!("n,,{first}"));
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{name}'>{token}</auth>"
        ))
        .await?;
        let challenge = self.receive().await?;
        ensure!(challenge.starts_with("<challenge"), "{user} can't log in: {challenge}");
        let challenge = String::from_utf8(BASE64.decode(between(&challenge, ">", "<").unwrap_or_default())?)?;
        let known = credentials.salted.borrow().get(&(user.to_owned(), hash)).cloned();
        let last = scram::finish(hash, password, &first, &challenge, known.as_ref())?;
        if known.is_none() {
            credentials.salted.borrow_mut().insert((user.to_owned(), hash), last.salted);
        }
        let token = BASE64.encode(last.message);
        self.send(&format!("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{token}</response>")).await?;
        let answer = self.receive().await?;
        ensure!(answer.starts_with("<success"), "{user} can't log in: {answer}");
        let proof = String::from_utf8(BASE64.decode(between(&answer, ">", "<").unwrap_or_default())?)?;
        ensure!(proof.strip_prefix("v=") == Some(&last.server_signature), "wrong server signature {proof}");
        Ok(())
    }

    async fn bind(&mut self, resource: &str) -> Result<()> {
        self.send(&format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>{resource}</resource></bind></iq>"
        ))
        .await?;
        let answer = self.answer("bind").await?;
        let bound = between(&answer, "<jid>", "</jid>").unwrap_or_default();
        ensure!(bound.ends_with(&format!("/{resource}")), "{resource} was not bound: {answer}");
        Ok(())
    }

    /// Fetches the roster and sends initial presence, as every person's client does.
    pub async fn appear(&mut self) -> Result<()> {
        let work = async {
            self.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>").await?;
            self.answer("roster").await?;
            while !self.receive().await?.starts_with("<presence") {}
            Ok(())
        };
        timeout(PATIENCE, work).await.context("no roster or presence came")?
    }

    /// Creates an account (XEP-0077); one that exists already is left as it is. True: it is new.
    pub async fn register(&mut self, user: &str, password: &str) -> Result<bool> {
        self.send(&format!(
            "<iq type='set' id='reg'><query xmlns='jabber:iq:register'><username>{user}</username>\
             <password>{password}</password></query></iq>"
        ))
        .await?;
        let answer =
            timeout(PATIENCE, self.answer("reg")).await.context("no answer to the registration")??;
        if attribute_is(&answer, "type", "result") {
            return Ok(true);
        }
        ensure!(answer.contains("<conflict"), "{user} was not registered: {answer}");
        Ok(false)
    }

    /// Closes the stream and waits for the server's closing tag; the connection may stay a little longer on its side.
    pub async fn close(mut self) -> Result<()> {
        self.send("</stream:stream>").await?;
        let mut input = Vec::new();
        let ended = async {
            // A reset instead of a clean end is as good.
            while memchr::memmem::find(&input, b"</stream:stream>").is_none()
                && matches!(self.socket.read_buf(&mut input).await, Ok(count) if count > 0)
            {}
        };
        timeout(PATIENCE, ended).await.context("the server didn't close the stream")
    }
}

fn stream_header(domain: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>"
    )
}

async fn start_tls(plain: TcpStream, domain: &str) -> Result<Socket> {
    let mut plain = plain;
    plain.write_all(stream_header(domain).as_bytes()).await?;
    read_until(&mut plain, b"</stream:features>").await?;
    plain.write_all(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await?;
    read_until(&mut plain, b">").await?;
    socket::encrypt(plain, domain, false).await
}

/// Nothing may follow `end`: the server waits for the client there.
async fn read_until(plain: &mut TcpStream, end: &[u8]) -> Result<()> {
    let mut input = Vec::new();
    while !input.ends_with(end) {
        ensure!(plain.read_buf(&mut input).await? > 0 && input.len() < 65_536, "no STARTTLS");
    }
    ensure!(memchr::memmem::find(&input, b"<failure").is_none(), "STARTTLS failed");
    Ok(())
}

fn attribute_is(element: &str, name: &str, value: &str) -> bool {
    let head = element.split('>').next().unwrap_or_default();
    head.contains(&format!(" {name}='{value}'")) || head.contains(&format!(" {name}=\"{value}\""))
}
