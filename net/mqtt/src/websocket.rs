//! The request handler `mod_mqtt`: MQTT over WebSocket (MQTT 5.0 §6).

use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{HttpHandler, Request, Response, body};
use nightjar_base::mqtt::now_ms;
use nightjar_net_listen::websocket::{SharedSettings, answer};
use nightjar_net_listen::{Certificates, Upgrade, WebSocket};
use nightjar_websocket::Kind;

use crate::listener::Shared;
use crate::serve;
use crate::stream::Tunnel;

/// [MQTT-6.0.0-3]; the second name is that of clients of MQTT 3.1.
const PROTOCOLS: &[&str] = &["mqtt", "mqttv3.1"];
/// Of messages; nothing gathers them, and packets have a limit of their own.
const MESSAGE_SIZE_MAX: u64 = u64::MAX;

/// Offers the handler until the guard is dropped.
pub fn offer(kernel: &Arc<Kernel>, certificates: &Arc<Certificates>) -> Guard {
    let shared = Arc::new(Shared::elsewhere(kernel, certificates));
    let handler = Handler { shared, settings: SharedSettings::default() };
    kernel.http.add("mod_mqtt", None, Arc::new(handler))
}

struct Handler {
    shared: Arc<Shared>,
    settings: SharedSettings,
}

impl HttpHandler for Handler {
    fn handle<'a>(&'a self, kernel: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(ready(self.answer(kernel, &request)))
    }
}

impl Handler {
    fn answer(&self, kernel: &Kernel, request: &Request) -> Response {
        let config = kernel.config();
        if request.head.method == http::Method::OPTIONS {
            let mut response = words(StatusCode::NO_CONTENT, String::new());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, OPTIONS"));
            return response;
        }
        let accepted = match answer(&request.head, &config, PROTOCOLS) {
            Ok(accepted) => accepted,
            Err(refused) => {
                let (head, sentence) = refused.into_parts();
                let mut response =
                    words(head.status, format!("MQTT is spoken here, over WebSocket.\n{sentence}"));
                response.headers_mut().extend(head.headers);
                return response;
            }
        };
        let settings = self.settings.get(&config, Kind::Binary, MESSAGE_SIZE_MAX);
        let shared = Arc::clone(&self.shared);
        let (host, client) = (request.host.as_ref().map(|host| host.name.clone()), request.peer);
        let upgrade = Upgrade::new(move |upgraded| {
            let now = now_ms(&shared.kernel);
            let socket = WebSocket::server(now, upgraded.transport, upgraded.early, settings);
            let tunnel = Tunnel { socket, host, send_timeout: upgraded.send_timeout };
            let peer = address(client, upgraded.peer);
            tokio::spawn(serve::serve_stream(shared, tunnel, peer, upgraded.permit));
        });
        let mut response = accepted.map(|()| body(Bytes::new()));
        response.extensions_mut().insert(upgrade);
        response
    }
}

/// The client's address. Of one that a trusted proxy tells, nobody knows the port.
fn address(client: Option<IpAddr>, peer: Option<SocketAddr>) -> Option<SocketAddr> {
    let same = peer.filter(|peer| Some(peer.ip()) == client);
    same.or_else(|| client.map(|client| SocketAddr::new(client, 0)))
}

fn words(status: StatusCode, words: String) -> Response {
    let mut response = Response::new(body(words));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests;
