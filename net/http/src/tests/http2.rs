//! HTTP/2 over TLS by hand: frames as they are on the wire (RFC 9113).

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::limits::Times;
use crate::testing::{World, status, talk, times};

const TLS: &str = "tls: true";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Takes any certificate.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

async fn tls(world: &World, alpn: &str) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let verifier = Arc::new(Anybody);
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let name = ServerName::try_from("one.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, world.connect().await).await.unwrap()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET path` with indexed fields where RFC 7541 has them, and literal ones without Huffman code.
fn get(stream: u32, path: &str, flags: u8) -> Vec<u8> {
    let mut block = vec![0x82, 0x87];
    for (index, value) in [(0x04, path), (0x01, "one.example")] {
        block.extend([index, u8::try_from(value.len()).unwrap()]);
        block.extend(value.as_bytes());
    }
    frame(HEADERS, flags, stream, &block)
}

struct Client(TlsStream<TcpStream>);

impl Client {
    async fn new(world: &World) -> Self {
        let mut stream = tls(world, "h2").await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        hello.extend(frame(SETTINGS, 0, 0, b""));
        stream.write_all(&hello).await.unwrap();
        Self(stream)
    }

    async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        let read = tokio::time::timeout(Duration::from_secs(60), self.0.read_exact(&mut head)).await;
        read.expect("a frame or the end").ok()?;
        let mut payload =
            vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// The body that a stream ends with; none if the connection or the stream ends otherwise.
    async fn body(&mut self, wanted: u32) -> Option<String> {
        let mut body = Vec::new();
        loop {
            match self.frame().await? {
                (RST_STREAM, _, stream, _) if stream == wanted => return None,
                (GOAWAY, ..) => return None,
                (kind @ (DATA | HEADERS), flags, stream, payload) if stream == wanted => {
                    if kind == DATA {
                        body.extend(payload);
                    }
                    if flags & END_STREAM != 0 {
                        return Some(String::from_utf8(body).unwrap());
                    }
                }
                _ => {}
            }
        }
    }

    /// Sends the same again and again; says whether the server ended the connection before so many times.
    async fn is_cut_within(&mut self, times: u32, mut bytes: impl FnMut(u32) -> Vec<u8>) -> bool {
        let (mut reader, mut writer) = tokio::io::split(&mut self.0);
        let read = async {
            let mut buffer = vec![0; 16_384];
            while reader.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            true
        };
        let write = async {
            for number in 0..times {
                if writer.write_all(&bytes(number)).await.is_err() || writer.flush().await.is_err() {
                    break;
                }
            }
            tokio::time::sleep(Duration::from_secs(30)).await;
            false
        };
        tokio::select! { cut = read => cut, cut = write => cut }
    }
}

async fn assert_alive(world: &World) {
    let mut client = Client::new(world).await;
    client.0.write_all(&get(1, "/api/alive", END_STREAM | END_HEADERS)).await.unwrap();
    assert!(client.body(1).await.unwrap().contains("alive"));
}

#[tokio::test]
async fn both_versions_are_spoken_over_tls() {
    let world = World::new(TLS);
    let request = b"GET /api/x HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
    let answer = talk(tls(&world, "http/1.1").await, request).await;
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("host=one.example peer=127.0.0.1 tls=true"), "{answer}");
    let mut client = Client::new(&world).await;
    for stream in [1, 3] {
        client.0.write_all(&get(stream, "/api/y", END_STREAM | END_HEADERS)).await.unwrap();
        let body = client.body(stream).await.unwrap();
        assert!(body.starts_with("GET /api [\"y\"] host=one.example peer=127.0.0.1 tls=true"), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_tls_ends_and_harms_nobody() {
    let world = World::new(TLS);
    for bytes in ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x7f\u{7f}garbage garbage garbage", "\0\0\0\0"] {
        let answer = world.send(format!("{bytes}{}", "x".repeat(40_000))).await;
        assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    }
    assert_alive(&world).await;
}

#[tokio::test]
async fn floods_of_frames_are_cut() {
    let world = World::new(TLS);
    let reset = |number: u32| {
        let stream = number * 2 + 1;
        let mut both = get(stream, "/never", END_STREAM | END_HEADERS);
        both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        both
    };
    assert!(Client::new(&world).await.is_cut_within(20_000, reset).await, "rapid reset");
    let settings = |_| frame(SETTINGS, 0, 0, b"");
    assert!(Client::new(&world).await.is_cut_within(20_000, settings).await, "SETTINGS");
    let ping = |_| frame(PING, 0, 0, b"12345678");
    assert!(Client::new(&world).await.is_cut_within(20_000, ping).await, "PING");
    let priority = |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1]);
    assert!(Client::new(&world).await.is_cut_within(20_000, priority).await, "PRIORITY");
    let continuation = |number: u32| match number {
        0 => get(1, "/api", END_STREAM),
        _ => frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b"),
    };
    assert!(Client::new(&world).await.is_cut_within(20_000, continuation).await, "CONTINUATION");
    let empty = |number: u32| match number {
        0 => get(1, "/never", END_HEADERS),
        _ => frame(DATA, 0, 1, b""),
    };
    assert!(Client::new(&world).await.is_cut_within(20_000, empty).await, "empty DATA");
    assert_alive(&world).await;
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let world = World::new(TLS);
    let mut client = Client::new(&world).await;
    let mut many = Vec::new();
    for number in 0..101 {
        many.extend(get(number * 2 + 1, "/never", END_STREAM | END_HEADERS));
    }
    client.0.write_all(&many).await.unwrap();
    assert_eq!(client.body(201).await, None);
    assert_alive(&world).await;
}

#[tokio::test]
async fn idle_connections_are_told_to_go() {
    let short = Duration::from_millis(200);
    let world = World::with(TLS, Times { keep_alive: short, head: short, closing: short, ..times() });
    let mut client = Client::new(&world).await;
    client.0.write_all(&get(1, "/api/x", END_STREAM | END_HEADERS)).await.unwrap();
    assert!(client.body(1).await.is_some());
    let mut goes = false;
    while let Some((kind, ..)) = client.frame().await {
        goes |= kind == GOAWAY;
    }
    assert!(goes, "GOAWAY comes before the end");
    // A handshake and nothing else.
    let mut silent = tls(&world, "h2").await;
    let mut buffer = vec![0; 100];
    let read = tokio::time::timeout(Duration::from_secs(20), silent.read(&mut buffer)).await;
    assert!(matches!(read.expect("it is cut"), Ok(0) | Err(_)));
}
