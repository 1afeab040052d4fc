//! A listener with a few handlers for tests, and raw bytes in and out of it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode};
use nightjar_auth::{AuthOptions, Environment, HostAccounts};
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{HttpHandler, HttpStats, Request, Response, read, text};
use nightjar_base::{Clock, Host, Kernel, Random};
use nightjar_config::{Declarations, Environment as Surroundings, OptionSpec, load_with};
use nightjar_jid::Jid;
use nightjar_net_listen::{Certificates, Endpoint, Upgrade, Upgraded};
use nightjar_sasl::Secret;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::limits::Times;
use crate::settings::Settings;
use crate::{HTTP_SPEC, HttpListener, HttpListening};

struct Still;

impl Clock for Still {
    fn unix_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// Handlers by what they do.
enum Testing {
    /// Tells what it was asked.
    Tell,
    /// Tells the body, of 64 KiB at most.
    Echo,
    Panic,
    /// Sends many bytes.
    Much,
    /// Answers when the body is closed, which is never.
    Never,
    /// Takes the connection over and sends back what comes.
    Switch,
}

impl HttpHandler for Testing {
    fn handle<'a>(&'a self, _: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            match self {
                Testing::Tell => text(StatusCode::OK, tell(&request)),
                Testing::Echo => match read(request.body, 65_536).await {
                    Ok(bytes) => text(StatusCode::OK, bytes),
                    Err(response) => response,
                },
                Testing::Panic => panic!("on purpose"),
                Testing::Much => text(StatusCode::OK, vec![b'x'; 1 << 24]),
                Testing::Never => std::future::pending().await,
                Testing::Switch => switch(),
            }
        })
    }
}

fn switch() -> Response {
    let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
    for (name, value) in [(CONNECTION, "Upgrade"), (UPGRADE, "echo")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.extensions_mut().insert(Upgrade::new(|upgraded| drop(tokio::spawn(echo(upgraded)))));
    response
}

async fn echo(upgraded: Upgraded) {
    let Upgraded { mut transport, early: mut bytes, permit, .. } = upgraded;
    let mut permit = permit.unwrap();
    loop {
        if bytes.starts_with(b"it is me") {
            permit.authenticated();
        }
        transport.send(&bytes);
        bytes.clear();
        let read = poll_fn(|context| transport.poll_read(context, &mut bytes)).await;
        if !matches!(read, Ok(true)) {
            return;
        }
    }
}

fn tell(request: &Request) -> String {
    let host = request.host.as_ref().map_or("-", |host| host.name.as_str());
    let peer = request.peer.map_or_else(|| "-".to_owned(), |peer| peer.to_string());
    let Request { head, path, prefix, is_tls, is_unix, tag, .. } = request;
    let method = &head.method;
    format!("{method} {prefix} {path:?} host={host} peer={peer} tls={is_tls} unix={is_unix} tag={tag}\n")
}

const TRUSTED: OptionSpec =
    OptionSpec { name: "trusted_proxies", kind: "all|[ip_mask]", default: "[]", doc: "Proxies." };

/// A folder of its own that vanishes with the value.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let name = format!("nightjar-http-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running listener.
pub(crate) struct World {
    pub kernel: Arc<Kernel>,
    pub listening: Option<HttpListening>,
    pub folder: Folder,
    endpoint: Endpoint,
    _guards: Vec<Guard>,
}

/// Short enough for a test, long enough for a slow machine.
pub(crate) fn times() -> Times {
    let long = Duration::from_secs(20);
    Times { head: long, keep_alive: long, body: long, send: Some(long), ..Times::default() }
}

impl World {
    /// A listener on a port, with these lines among its options and these times.
    pub(crate) fn with(lines: &str, times: Times) -> Self {
        let folder = Folder::new();
        let config = config(lines, &folder);
        let kernel = Kernel::new(Arc::new(Still), Arc::new(Counting(AtomicU8::new(1))), Arc::new(config));
        for name in kernel.config().hosts() {
            kernel.add_host(host(&kernel, name));
        }
        let add = |name, host: Option<&str>, handler: Testing| {
            kernel.http.add(name, host.map(Into::into), Arc::new(handler))
        };
        let guards = vec![
            add("mod_http_api", None, Testing::Tell),
            add("mod_bosh", None, Testing::Echo),
            add("mod_mqtt", None, Testing::Panic),
            add("mod_conversejs", None, Testing::Much),
            add("mod_invites", None, Testing::Never),
            add("ejabberd_http_ws", None, Testing::Switch),
            add("mod_host_meta", Some("two.example"), Testing::Tell),
        ];
        let certificates = Arc::new(Certificates::default());
        if lines.contains("tls: true") {
            certificates.load(&[certificate(&folder)]).unwrap();
        }
        let mut settings = Settings::read(&kernel.config().listeners()[0]).unwrap();
        settings.times = times;
        let listener = HttpListener::with(Arc::clone(&kernel), settings, certificates).unwrap();
        let listening = listener.listen().unwrap();
        let endpoint = listening.endpoint().clone();
        Self { kernel, listening: Some(listening), folder, endpoint, _guards: guards }
    }

    pub(crate) fn new(lines: &str) -> Self {
        Self::with(lines, times())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.endpoint {
            Endpoint::Tcp(address) => *address,
            Endpoint::Unix(..) => panic!("it listens on a UNIX socket"),
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// Sends bytes on a new connection and reads until it is closed.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        match &self.endpoint {
            Endpoint::Tcp(_) => talk(self.connect().await, bytes.as_ref()).await,
            Endpoint::Unix(path, _) => talk(UnixStream::connect(path).await.unwrap(), bytes.as_ref()).await,
        }
    }

    /// The status and the body of an answer to a request with this request line and these fields.
    pub(crate) async fn ask(&self, head: &str) -> (u16, String) {
        let whole = self.send(format!("{}\r\nConnection: close\r\n\r\n", head.replace('\n', "\r\n"))).await;
        (status(&whole), whole.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    /// Asks something harmless: the node is unharmed.
    pub(crate) async fn assert_alive(&self) {
        let (status, body) = self.ask("GET /api/alive HTTP/1.1\nHost: one.example").await;
        assert_eq!((status, body.contains("alive")), (200, true), "{body}");
    }

    pub(crate) fn stats(&self) -> Arc<HttpStats> {
        self.kernel.shared()
    }
}

/// The status of an answer; 0 for none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Sends bytes and reads to the end. A connection that is broken ends, too.
pub(crate) async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

fn config(lines: &str, folder: &Folder) -> nightjar_config::Config {
    let (own, toplevel): (Vec<&str>, Vec<&str>) =
        lines.lines().filter(|line| !line.is_empty()).partition(|line| !line.starts_with("trusted_proxies"));
    let port = if lines.contains("port:") { "" } else { "    port: 0\n    ip: 127.0.0.1\n" };
    let own = own.iter().map(|line| format!("    {line}\n")).collect::<String>();
    let yaml = format!(
        "hosts: [one.example, two.example]\n{}\nlisten:\n  - module: ejabberd_http\n{port}{own}    \
         request_handlers: {{/api: mod_http_api, /api/deep: mod_bosh, /echo: mod_bosh, /panic: mod_mqtt, \
         /much: mod_conversejs, /never: mod_invites, /two: mod_host_meta, /switch: ejabberd_http_ws, /none: mod_register_web}}\n",
        toplevel.join("\n"),
    );
    let yaml = yaml.replace("@DIR@", &folder.0.to_string_lossy());
    let files = BTreeMap::from([("a.yml".into(), yaml.into_bytes())]);
    let declarations =
        Declarations { listeners: &[&HTTP_SPEC], toplevel: &[TRUSTED], ..Declarations::default() };
    load_with(Path::new("a.yml"), &declarations, &Surroundings::default(), &files).unwrap().0
}

fn host(kernel: &Kernel, name: &str) -> Arc<Host> {
    let store = nightjar_sqlite::temporary(name);
    let environment =
        Environment::new(|bytes| bytes.fill(7), || 0, Secret::from("a secret of sixteen bytes"));
    let (accounts, _) = HostAccounts::new(&AuthOptions::default(), &store, &environment, &[]);
    let of_host = Arc::new(kernel.config().host(name).clone());
    Arc::new(Host::new(Jid::parse(name).unwrap(), of_host, store, Arc::new(accounts)))
}

fn certificate(folder: &Folder) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(vec!["one.example".to_owned()]).unwrap();
    let path = folder.0.join("cert.pem");
    std::fs::write(&path, format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem())).unwrap();
    path
}
