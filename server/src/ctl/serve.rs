//! The control socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nightjar_base::Kernel;
use nightjar_base::commands::Caller;
use nightjar_base::guard::Guard;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::dispatch;
use super::protocol::{Answer, REQUEST_MAX, Request, checked_length, decode, encode};
use super::render::UNREACHABLE;
use super::settings::own_name;
use crate::node::Node;

/// Callers served at the same time; more wait.
const CALLERS: usize = 32;
/// How long a caller may take to say what it wants.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// The pause after a failed accept, such as one without free file descriptors.
const FAILED_ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Opens the socket in the node's home, until the guard is dropped.
///
/// # Errors
/// If it can't be bound.
pub(crate) fn listen(node: &Arc<Node>) -> anyhow::Result<Guard> {
    let path = node.home.control_socket();
    let listener = bind(&path).with_context(|| format!("the control socket {}", path.display()))?;
    let kernel = Arc::clone(&node.kernel);
    let task = tokio::spawn(async move { serve(&kernel, &listener).await });
    Ok(Guard::new(move || {
        task.abort();
        // A name that stays behind is replaced by the next start.
        let _ = fs::remove_file(&path);
    }))
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    // The home is locked, so a socket that is there belongs to nobody.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(kernel: &Arc<Kernel>, listener: &UnixListener) {
    let places = Arc::new(Semaphore::new(CALLERS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let kernel = Arc::clone(kernel);
                tokio::spawn(async move {
                    if let Err(error) = answer(&kernel, stream).await {
                        tracing::debug!(%error, "a control connection failed");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a control connection could not be accepted");
                sleep(FAILED_ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(kernel: &Arc<Kernel>, mut stream: UnixStream) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let own = rustix::process::geteuid().as_raw();
    if uid != own && uid != 0 {
        tracing::warn!(uid, "somebody else's user was refused at the control socket");
        return Ok(());
    }
    let request: Request = timeout(REQUEST_TIME, receive(&mut stream)).await??;
    let own = own_name();
    let answer = if request.node.as_ref().is_some_and(|meant| *meant != own) {
        Answer { text: own, code: UNREACHABLE, elsewhere: true }
    } else {
        let output = dispatch::run(kernel, request, Caller::LOCAL).await;
        Answer { text: output.text, code: output.code, elsewhere: false }
    };
    stream.write_all(&encode(&answer)?).await?;
    stream.shutdown().await
}

/// The answer to these words, without a socket.
#[cfg(test)]
pub(crate) async fn run(kernel: &Arc<Kernel>, words: Vec<String>) -> (String, u8) {
    let json = words.first().is_some_and(|word| word == "--json");
    let words = words.into_iter().skip(usize::from(json)).collect();
    let output = dispatch::run(kernel, Request { words, json, node: None }, Caller::LOCAL).await;
    (output.text, output.code)
}

async fn receive(stream: &mut UnixStream) -> io::Result<Request> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = checked_length(head, REQUEST_MAX)?;
    let mut bytes = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut bytes).await?;
    decode(&bytes)
}

#[cfg(test)]
mod tests;
