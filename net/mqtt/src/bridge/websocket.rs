//! From a transport to WebSocket (RFC 6455 §4.1).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use nightjar_base::Kernel;
use nightjar_base::mqtt::now_ms;
use nightjar_net_listen::WebSocket;
use nightjar_net_listen::transport::{Transport, borrow_plain, return_plain};
use nightjar_websocket::{Closed, Kind, Masks, Opening, Settings, Target};

use super::options::Web;
use crate::stream::Tunnel;

/// [MQTT-6.0.0-3], of every version.
const PROTOCOL: &str = "mqtt";
/// Nothing gathers messages, and MQTT keeps the connection alive itself.
const SETTINGS: Settings =
    Settings { kind: Kind::Binary, message_size_max: u64::MAX, ping_interval_ms: 0, timeout_ms: 0 };

/// Goes over to WebSocket. How long that takes is for the caller to bound.
///
/// # Errors
/// A sentence.
pub(super) async fn upgrade(
    kernel: &Arc<Kernel>,
    web: &Web,
    mut transport: Transport,
) -> Result<Tunnel, String> {
    let target = Target { authority: &web.authority, path: &web.path, protocol: PROTOCOL };
    let mut nonce = [0; 16];
    kernel.random.fill(&mut nonce);
    let (mut opening, request) = Opening::new(&target, nonce);
    transport.send(request.as_bytes());
    let early = poll_fn(|context| poll(context, &mut transport, &mut opening)).await?;
    let random = Arc::clone(&kernel.random);
    let masks = Masks::new(move || {
        let mut mask = [0; 4];
        random.fill(&mut mask);
        mask
    });
    let socket = WebSocket::client(now_ms(kernel), transport, early, Arc::new(SETTINGS), masks);
    Ok(Tunnel { socket, host: None, send_timeout: None })
}

/// Moves bytes until the answer is whole; gives what came behind it.
fn poll(
    context: &mut Context<'_>,
    transport: &mut Transport,
    opening: &mut Opening,
) -> Poll<Result<Vec<u8>, String>> {
    loop {
        if transport.unsent() > 0
            && let Poll::Ready(Err(error)) = transport.poll_flush(context)
        {
            return Poll::Ready(Err(error.to_string()));
        }
        let mut plain = borrow_plain();
        let read = transport.poll_read(context, &mut plain);
        let taken = opening.handle_input(&plain);
        return_plain(plain);
        match (taken, read) {
            (Err(error), _) => return Poll::Ready(Err(error.to_string())),
            (Ok(Some(early)), _) => return Poll::Ready(Ok(early)),
            (Ok(None), Poll::Pending) => return Poll::Pending,
            (Ok(None), Poll::Ready(Ok(true))) => {}
            (Ok(None), Poll::Ready(Ok(false))) => {
                return Poll::Ready(Err("it closed the connection before it was a WebSocket".to_owned()));
            }
            (Ok(None), Poll::Ready(Err(error))) => return Poll::Ready(Err(error.to_string())),
        }
    }
}

/// Why a WebSocket is over, for the log.
pub(super) fn why(closed: Closed) -> String {
    match closed {
        Closed::ByPeer(Some(code)) => format!("it closed the WebSocket with code {code}"),
        Closed::ByPeer(None) => "it closed the WebSocket".to_owned(),
        Closed::ByFault(fault) => format!("it speaks WebSocket wrongly: {fault}"),
        Closed::BySilence | Closed::ByCaller(_) => "the WebSocket was closed".to_owned(),
    }
}
