//! A node's side: register and stay registered, ask for others.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use nightjar_erldist::epmd::{Answer, EpmdError, Query, Registration, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{EpmdServer, EpmdSettings};

/// How long epmd may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// The pause before a node registers again…
const PAUSE: Duration = Duration::from_secs(1);
/// …which doubles up to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A node that starts again may find its name taken for a moment, by what it was: it tries so often…
const TRIES: u32 = 4;
/// …and this long apart.
const TRY_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of an answer: the names of a machine's nodes.
const ANSWER_MAX: usize = 1 << 20;

/// Why epmd gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It can't be reached, or the connection broke.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// Its answer isn't one.
    #[error(transparent)]
    Malformed(#[from] EpmdError),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// Another node has the name.
    #[error("a node of that name is registered")]
    Taken,
}

impl AskError {
    /// Whether nothing listens there.
    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::Socket(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// Asks an epmd.
///
/// # Errors
/// [`AskError`]
pub async fn ask(epmd: SocketAddr, request: &Request) -> Result<Answer, AskError> {
    timeout(ANSWER_TIME, exchange(epmd, request))
        .await
        .map_err(|_| AskError::Timeout)?
        .map(|(answer, _)| answer)
}

async fn exchange(epmd: SocketAddr, request: &Request) -> Result<(Answer, TcpStream), AskError> {
    let mut stream = TcpStream::connect(epmd).await?;
    let (mut query, bytes) = Query::new(request);
    stream.write_all(&bytes).await?;
    let mut buffer = vec![0; 4096];
    let mut total = 0;
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok((query.handle_end()?, stream));
        }
        total += count;
        if total > ANSWER_MAX {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        if let Some(answer) = query.handle_input(buffer.get(..count).unwrap_or_default())? {
            return Ok((answer, stream));
        }
    }
}

/// A name that epmd knows until this is dropped.
#[derive(Debug)]
pub struct Registered {
    /// The number epmd gave this life of the node.
    pub creation: u32,
    task: JoinHandle<()>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Registers a node with its machine's epmd, or with one started here where none answers; registers it again whenever
/// that connection ends.
///
/// # Errors
/// [`AskError`], such as [`AskError::Taken`].
pub async fn register(settings: EpmdSettings, registration: Registration) -> Result<Registered, AskError> {
    let mut tries = TRIES;
    let (creation, held) = loop {
        let entered = timeout(ANSWER_TIME, enter(&settings, &registration)).await;
        match entered.map_err(|_| AskError::Timeout)? {
            Err(AskError::Taken) if tries > 0 => {
                tries -= 1;
                sleep(TRY_PAUSE).await;
            }
            other => break other?,
        }
    };
    let task = tokio::spawn(stay(settings, registration, held));
    Ok(Registered { creation, task })
}

/// What keeps a name known: the connection, and the server if it is our own.
struct Held {
    stream: TcpStream,
    server: Option<EpmdServer>,
}

async fn enter(settings: &EpmdSettings, registration: &Registration) -> Result<(u32, Held), AskError> {
    let request = Request::Register(registration.clone());
    let (answer, server) = match exchange(settings.local(), &request).await {
        Err(error) if error.is_nobody() && settings.start => {
            let server = super::serve(settings)?;
            tracing::info!(port = settings.port, "no epmd answers: this node runs one");
            (exchange(settings.local(), &request).await?, Some(server))
        }
        other => (other?, None),
    };
    match answer {
        (Answer::Registered { creation }, stream) => Ok((creation, Held { stream, server })),
        (Answer::Refused, _) => Err(AskError::Taken),
        _ => Err(io::Error::from(io::ErrorKind::InvalidData).into()),
    }
}

/// Nodes keep their first creation: their identifiers have it in them.
async fn stay(settings: EpmdSettings, registration: Registration, mut held: Held) {
    loop {
        let mut byte = [0];
        // It says nothing more; whatever comes, the connection has ended or is to be made anew.
        let _ = held.stream.read(&mut byte).await;
        let Held { server, .. } = held;
        drop(server);
        tracing::warn!(port = settings.port, "the connection to epmd has ended: registering again");
        let mut pause = PAUSE;
        held = loop {
            sleep(pause).await;
            match timeout(ANSWER_TIME, enter(&settings, &registration)).await {
                Ok(Ok((_, held))) => break held,
                Ok(Err(error)) => tracing::warn!(%error, "epmd doesn't take this node's name"),
                Err(_) => tracing::warn!("epmd doesn't answer"),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        };
        tracing::info!(port = settings.port, "registered again with epmd");
    }
}
