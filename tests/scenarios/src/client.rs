//! A small blocking client: direct TLS, PLAIN, binding; then one stanza at a time.

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nightjar_text::Text;
use nightjar_xml::{Element, Event, Limits, StreamParser};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

const NS: &str = "jabber:client";
/// How long anything may take that must come.
pub const PATIENCE: Duration = Duration::from_secs(5);

pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    parser: StreamParser,
    /// What came and no step has received.
    pub inbox: Vec<Element>,
    pub jid: String,
    pings: u32,
}

impl Client {
    /// Logs in as `user`@`domain` and binds `resource`.
    pub fn connect(port: u16, domain: &str, user: &str, password: &str, resource: &str) -> Result<Client> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(domain.to_owned())?;
        let connection = ClientConnection::new(tls_settings()?, name)?;
        let stream = StreamOwned::new(connection, socket);
        let parser = StreamParser::new(Limits::default());
        let mut client = Client { stream, parser, inbox: Vec::new(), jid: String::new(), pings: 0 };
        client.open(domain)?;
        let login = STANDARD.encode(format!("\0{user}\0{password}"));
        client.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{login}</auth>"
        ))?;
        let answer = client.next(PATIENCE)?.context("no answer to the login")?;
        ensure!(answer.name() == "success", "login of {user}: {}", answer.raw());
        client.open(domain)?;
        client.send(&format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind></iq>"
        ))?;
        let bound = client.next(PATIENCE)?.context("no answer to the binding")?;
        let bind = bound.child("bind", "urn:ietf:params:xml:ns:xmpp-bind");
        let jid = bind.and_then(|bind| bind.child("jid", "urn:ietf:params:xml:ns:xmpp-bind"));
        client.jid = jid.with_context(|| format!("not bound: {}", bound.raw()))?.text().into_owned();
        Ok(client)
    }

    fn open(&mut self, domain: &str) -> Result<()> {
        self.parser.reset();
        self.send(&format!(
            "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='{NS}' \
             xmlns:stream='http://etherx.jabber.org/streams'>"
        ))?;
        let features = self.next(PATIENCE)?.context("no stream features")?;
        ensure!(features.name() == "features", "no stream features: {}", features.raw());
        Ok(())
    }

    pub fn send(&mut self, xml: &str) -> Result<()> {
        self.stream.write_all(xml.as_bytes())?;
        Ok(self.stream.flush()?)
    }

    /// The next element; `None` when the time is over.
    fn next(&mut self, limit: Duration) -> Result<Option<Element>> {
        let end = Instant::now() + limit;
        while self.inbox.is_empty() {
            if !self.read(end)? {
                return Ok(None);
            }
        }
        Ok(Some(self.inbox.remove(0)))
    }

    /// Takes the first stanza from what came, or comes in time, for which `wanted` holds.
    pub fn take(&mut self, limit: Duration, wanted: impl Fn(&Element) -> bool) -> Result<Option<Element>> {
        let end = Instant::now() + limit;
        loop {
            if let Some(place) = self.inbox.iter().position(&wanted) {
                return Ok(Some(self.inbox.remove(place)));
            }
            if !self.read(end)? {
                return Ok(None);
            }
        }
    }

    /// Asks the server for an answer: what was sent before is settled when it is there.
    pub fn settle(&mut self) -> Result<()> {
        self.pings += 1;
        let id = format!("settle-{}", self.pings);
        self.send(&format!("<iq type='get' id='{id}'><ping xmlns='urn:xmpp:ping'/></iq>"))?;
        let answer = self.take(PATIENCE, |element| element.attr("id").as_deref() == Some(&id))?;
        answer.map(|_| ()).context("the server does not answer")
    }

    /// Reads once; false when nothing came until `end`.
    fn read(&mut self, end: Instant) -> Result<bool> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.stream.sock.set_read_timeout(Some(left))?;
        let mut buffer = [0; 16384];
        let mut input: &[u8] = match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        loop {
            let (taken, event) =
                self.parser.feed(input).map_err(|error| anyhow::anyhow!("the server's XML: {error:?}"))?;
            input = input.get(taken..).unwrap_or_default();
            match event {
                Some(Event::Frame(frame)) => self.inbox.push(frame.parse()),
                Some(Event::Close) => bail!("the server closed the stream"),
                Some(_) => {}
                None => return Ok(true),
            }
        }
    }

    /// Ends the stream and waits for the server's end of it.
    pub fn disconnect(mut self) -> Result<()> {
        self.send("</stream:stream>")?;
        let end = Instant::now() + PATIENCE;
        while self.read(end).unwrap_or(false) {}
        Ok(())
    }

    pub fn cut(self) -> Result<()> {
        Ok(self.stream.sock.shutdown(Shutdown::Both)?)
    }
}

/// Reads an element of a script.
pub fn element(xml: &str) -> Result<Element> {
    Element::parse(&Text::new(xml), NS).map_err(|error| anyhow::anyhow!("{error:?} in {xml}"))
}

/// Who the server is, is not what the scripts ask: any certificate will do.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

fn tls_settings() -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(AnyCertificate(provider));
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
