//! Connections that we make: to a node found by epmd, or at a port that all nodes share.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nightjar_erldist::epmd::{Answer as EpmdAnswer, Request};
use nightjar_erldist::handshake::Handshake;
use nightjar_erldist::rpc::Answer;
use nightjar_erldist::{NodeName, Term};
use nightjar_sasl::Secret;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::calls::Operator;
use crate::epmd::{self, AskError};
use crate::link::{self, Answers, Order, Orders, Told};
use crate::random;
use crate::stream::{self, BoxStream, Lengths, SETUP_TIME, ShakeError, Shaken};
use crate::tls::{self, Tls, TlsError};

/// The version of the handshake that a node without epmd speaks.
const NEWEST: u16 = 6;

/// Why a node isn't reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Its host has no address.
    #[error("the host of {0} has no address")]
    Host(NodeName),
    /// Its epmd gives no answer.
    #[error("epmd at {0}: {1}")]
    Epmd(SocketAddr, AskError),
    /// Its epmd doesn't know it.
    #[error("epmd at {0} knows no node {1}")]
    Unknown(SocketAddr, NodeName),
    /// It can't be connected to.
    #[error("{0}: {1}")]
    Connect(SocketAddr, io::Error),
    /// It refused us, or isn't what it should be.
    #[error("{0}: {1}")]
    Shake(SocketAddr, ShakeError),
    /// No TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The connection has ended.
    #[error("the connection has ended")]
    Ended,
}

/// Who we are to nodes that we connect to.
#[derive(Clone, Debug)]
pub struct Dialler {
    /// Our name.
    pub name: NodeName,
    /// This life of ours.
    pub creation: u32,
    /// What they must know.
    pub cookie: Secret,
    /// The port of their epmd; none: they all have `fixed_port`.
    pub epmd_port: Option<u16>,
    /// `ERL_DIST_PORT`
    pub fixed_port: u16,
    /// TLS.
    pub tls: Option<Tls>,
}

impl Dialler {
    /// A client with a name of its own, that nobody can connect to: `a1b2c3-ctl-alive@host`, where these are the
    /// peer's, as ejabberdctl's client has it.
    ///
    /// # Errors
    /// If that can be no name.
    pub fn client(
        peer: &NodeName,
        cookie: Secret,
        epmd_port: Option<u16>,
        fixed_port: u16,
        tls: Option<Tls>,
    ) -> Result<Self, nightjar_erldist::NameError> {
        let number = random::number() & 0x00ff_ffff;
        let name = NodeName::parse(&format!("{number:06x}-ctl-{peer}"))?;
        Ok(Self { name, creation: random::creation(), cookie, epmd_port, fixed_port, tls })
    }

    /// Connects as a client that answers no calls.
    ///
    /// # Errors
    /// [`DialError`]
    pub async fn connect(&self, peer: &NodeName) -> Result<Remote, DialError> {
        let (shaken, address) = self.dial(peer).await?;
        let (orders, run) = link::start(shaken, 0, address, Arc::new(NoAnswers));
        tokio::spawn(run);
        Ok(Remote::new(orders))
    }

    pub(crate) async fn dial(&self, peer: &NodeName) -> Result<(Shaken, IpAddr), DialError> {
        timeout(SETUP_TIME, self.dial_any(peer)).await.map_err(|_| DialError::Timeout)?
    }

    async fn dial_any(&self, peer: &NodeName) -> Result<(Shaken, IpAddr), DialError> {
        let mut last = DialError::Host(peer.clone());
        for ip in addresses(peer, &self.name).await {
            match self.dial_at(peer, ip).await {
                Ok(shaken) => return Ok((shaken, ip)),
                // A node that is there and refuses is no other one at another address.
                Err(error @ DialError::Shake(..)) => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn dial_at(&self, peer: &NodeName, ip: IpAddr) -> Result<Shaken, DialError> {
        let (port, version) = match self.epmd_port {
            None => (self.fixed_port, NEWEST),
            Some(port) => locate(peer, (ip, port).into()).await?,
        };
        let at = SocketAddr::from((ip, port));
        let socket = TcpStream::connect(at).await.map_err(|error| DialError::Connect(at, error))?;
        let _ = socket.set_nodelay(true);
        let (stream, lengths): (BoxStream, _) = match &self.tls {
            None => (Box::new(socket), Lengths::Two),
            Some(tls) => {
                let connector = TlsConnector::from(Arc::clone(&tls.client));
                let connecting = connector.connect(tls::server_name(peer.host())?, socket);
                let connected = connecting.await.map_err(|error| DialError::Shake(at, error.into()))?;
                (Box::new(connected), Lengths::Four)
            }
        };
        let local = stream::local(self.name.clone(), self.creation, &self.cookie);
        let started = Instant::now();
        let handshake = Handshake::dial(local, peer.clone(), version, stream::randomness(), Duration::ZERO);
        stream::shake(stream, lengths, handshake, started).await.map_err(|error| DialError::Shake(at, error))
    }
}

async fn locate(peer: &NodeName, epmd: SocketAddr) -> Result<(u16, u16), DialError> {
    match epmd::ask(epmd, &Request::Port(peer.alive().to_owned())).await {
        Ok(EpmdAnswer::Port(Some(found))) => Ok((found.port, found.highest.min(NEWEST))),
        Ok(_) => Err(DialError::Unknown(epmd, peer.clone())),
        Err(error) => Err(DialError::Epmd(epmd, error)),
    }
}

/// Where a node may be. One of this machine may listen on the loopback address alone.
async fn addresses(peer: &NodeName, own: &NodeName) -> Vec<IpAddr> {
    let host = peer.host();
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    let mut found: Vec<IpAddr> = lookup_host((host, 0))
        .await
        .map(|found| found.map(|address| address.ip()).collect())
        .unwrap_or_default();
    if host == own.host() || host == "localhost" {
        found.push(Ipv4Addr::LOCALHOST.into());
    }
    found.sort_by_key(|address| address.is_ipv6());
    found.dedup();
    found
}

struct NoAnswers;

impl Answers for NoAnswers {
    fn operator(&self) -> Option<Arc<dyn Operator>> {
        None
    }

    fn connected(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A node that is connected. The connection of a client ends when this is dropped.
#[derive(Clone)]
pub struct Remote {
    orders: Orders,
}

impl Remote {
    pub(crate) fn new(orders: Orders) -> Self {
        Self { orders }
    }

    /// Calls `module:function(arguments)` there. What it prints goes to `print`.
    ///
    /// # Errors
    /// [`DialError::Ended`]
    pub async fn call(
        &self,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
        mut print: impl FnMut(&str),
    ) -> Result<Answer, DialError> {
        let (told, mut heard) = mpsc::unbounded_channel();
        let order = Order::Call { module: module.to_owned(), function: function.to_owned(), arguments, told };
        self.orders.send(order).await.map_err(|_| DialError::Ended)?;
        loop {
            match heard.recv().await {
                Some(Told::Text(text)) => print(&text),
                Some(Told::Answer(answer)) => return Ok(answer),
                None => return Err(DialError::Ended),
            }
        }
    }
}
