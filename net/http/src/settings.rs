//! The listener's options.

use http::HeaderName;
use nightjar_base::http::DEFAULT_PATHS;
use nightjar_config::{ListenerConfig, ModuleSpec, option};
use nightjar_net_listen::chosen::policy_of;
use nightjar_net_listen::options::{self as common, listen_options};
use nightjar_net_listen::{ListenOptions, TlsPolicy};
use nightjar_text::Text;

use crate::limits::Times;
use crate::path::Routes;

/// Name and options of the listener.
pub static HTTP_SPEC: ModuleSpec = ModuleSpec {
    name: "ejabberd_http",
    doc: "HTTP/1.1, and HTTP/2 over TLS, for the handlers that are put under paths.",
    options: &[
        option("tls", "bool", "false", "Whether connections begin with TLS."),
        option(
            "request_handlers",
            "map {URL path: handler module}",
            "{}",
            "What answers under which path; the longest path wins.",
        ),
        option(
            "custom_headers",
            "map {string: string}",
            "{}",
            "Header fields put on every answer, in place of the handler's. @HOST@ is the virtual host.",
        ),
        option("tag", "string", "\"\"", "A name for this listener that api_permissions can ask for."),
        option(
            "allow_unencrypted_sasl2",
            "bool",
            "false",
            "Whether SASL2 is offered without TLS to what logs in over WebSocket.",
        ),
        option("cafile", "PEM file", "unset", "Accepted: no certificate is asked of the client."),
        common::PROTOCOL_OPTIONS,
        common::CIPHERS,
        common::DHFILE,
        common::TLS_COMPRESSION,
        common::BACKLOG,
        common::USE_PROXY_PROTOCOL,
        common::SEND_TIMEOUT,
        common::ACCEPT_INTERVAL,
        common::UNIX_SOCKET,
        common::UNIX_SOCKET_MODE,
    ],
};

/// What a listener was configured to be.
pub(crate) struct Settings {
    pub tls: bool,
    pub policy: TlsPolicy,
    pub is_unix: bool,
    pub tag: Text,
    pub routes: Routes,
    pub custom_headers: Vec<(HeaderName, Text)>,
    pub times: Times,
    pub listen: ListenOptions,
}

impl Settings {
    /// # Errors
    /// A sentence about a header field that can't be sent.
    pub(crate) fn read(listener: &ListenerConfig) -> Result<Self, String> {
        let options = &listener.options;
        let handlers = options.map("request_handlers").iter();
        let handlers = handlers.filter_map(|(prefix, module)| Some((prefix, module.as_text().cloned()?)));
        let mut handlers: Vec<(Text, Text)> =
            handlers.map(|(prefix, module)| (prefix.clone(), module)).collect();
        for (path, module) in DEFAULT_PATHS {
            if !handlers.iter().any(|(prefix, _)| prefix.trim_matches('/') == path.trim_matches('/')) {
                handlers.push((Text::new(path), Text::new(module)));
            }
        }
        let custom = options.map("custom_headers").iter();
        let custom = custom.map(|(name, value)| header(name, value.as_text().cloned().unwrap_or_default()));
        Ok(Self {
            tls: options.bool("tls"),
            policy: policy_of(options, ""),
            is_unix: listener.unix.is_some(),
            tag: options.text("tag"),
            routes: Routes::new(handlers.iter().map(|(prefix, module)| (prefix, module.clone()))),
            custom_headers: custom.collect::<Result<_, _>>()?,
            times: Times { send: options.duration("send_timeout"), ..Times::default() },
            listen: listen_options(listener),
        })
    }
}

fn header(name: &Text, value: Text) -> Result<(HeaderName, Text), String> {
    let wrong =
        |what: &str| format!("custom_headers: {what} can't be part of a header field: {name}: {value}");
    // They say where an answer ends, which isn't for the configuration to say.
    let framing = [http::header::CONTENT_LENGTH, http::header::TRANSFER_ENCODING, http::header::CONNECTION];
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("the name"))?;
    if framing.contains(&parsed) {
        return Err(wrong("this name"));
    }
    http::HeaderValue::from_str(&value).map_err(|_| wrong("the value"))?;
    Ok((parsed, value))
}
