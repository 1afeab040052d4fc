//! TLS settings by options: of a listener, or of the host that a connection is for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use nightjar_config::{Config, Diagnostic, ListenerConfig, Options, Value};
use parking_lot::Mutex;
use rustls::ServerConfig;

use crate::certificates::Certificates;
use crate::policy::{PolicyFault, TlsPolicy};
use crate::tls::{self, TlsOptions};

#[cfg(test)]
mod tests;

/// Settings that are kept. There are as many as there are different wishes.
const KEPT_MAX: usize = 64;

/// What options say, as far as they are set: `protocol_options` and `ciphers`.
type Wish = [Option<String>; 2];

/// The settings for the connections of a listener: as its own options say, or else as the host's do.
pub struct ListenerTls {
    certificates: Arc<Certificates>,
    wanted: TlsOptions,
    own: Wish,
    /// What a host's options begin with; none if hosts have none for this kind of listener.
    prefix: Option<&'static str>,
    made: Mutex<HashMap<Wish, Arc<ServerConfig>>>,
}

impl ListenerTls {
    /// `prefix` is what the options of hosts begin with: `c2s_ciphers`, `s2s_ciphers`.
    pub fn new(
        listener: &ListenerConfig,
        prefix: Option<&'static str>,
        certificates: Arc<Certificates>,
        wanted: TlsOptions,
    ) -> Self {
        Self { certificates, wanted, own: wish(&listener.options, ""), prefix, made: Mutex::default() }
    }

    /// The settings for a connection to `host`, which may not be known yet.
    ///
    /// # Errors
    /// If the options leave nothing, which `check` has said before.
    pub fn settings(&self, config: &Config, host: Option<&str>) -> Result<Arc<ServerConfig>, String> {
        let [protocols, ciphers] = match self.prefix {
            Some(prefix) => {
                let host = host.and_then(|host| config.find_host(config.resolve_host(host)));
                wish(host.map_or(&config.global, |host| &host.options), prefix)
            }
            None => [None, None],
        };
        let wish = [self.own[0].clone().or(protocols), self.own[1].clone().or(ciphers)];
        let mut made = self.made.lock();
        if let Some(made) = made.get(&wish) {
            return Ok(Arc::clone(made));
        }
        let (policy, _) = read(&wish).map_err(|fault| fault.to_string())?;
        let settings = tls::server_config(Arc::clone(&self.certificates), &self.wanted, &policy);
        let settings = settings.map_err(|error| error.to_string())?;
        if made.len() >= KEPT_MAX {
            made.clear();
        }
        made.insert(wish, Arc::clone(&settings));
        Ok(settings)
    }
}

/// What a host's options allow connections that this server opens; all there is where they leave nothing, which `check`
/// has said before.
pub fn policy_of(options: &Options, prefix: &str) -> TlsPolicy {
    let wish = wish(options, prefix);
    match wish {
        [None, None] => TlsPolicy::default(),
        wish => read(&wish).map_or_else(|_| TlsPolicy::default(), |(policy, _)| policy),
    }
}

fn wish(options: &Options, prefix: &str) -> Wish {
    names(prefix).map(|name| {
        let text = if options.is_set(&name) { options.opt_text(&name) } else { None };
        text.map(|text| text.to_string())
    })
}

fn names(prefix: &str) -> [String; 2] {
    ["protocol_options", "ciphers"].map(|name| named(prefix, name))
}

fn named(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}_{name}") }
}

fn read(wish: &Wish) -> Result<(TlsPolicy, Vec<PolicyFault>), PolicyFault> {
    TlsPolicy::read(wish[0].as_deref(), wish[1].as_deref())
}

/// Options that are taken and do nothing, and why.
const WITHOUT_EFFECT: [(&str, &str); 3] = [
    ("dhfile", "keys are agreed on by elliptic curves, which need no parameters"),
    ("tls_compression", "TLS is never compressed: who sees its length learns what is in it (CRIME)"),
    (
        "zlib",
        "streams are never compressed: their length would tell what is in them, and a bomb would fill the memory",
    ),
];

/// Mistakes and remarks about options of TLS, everywhere in a configuration.
pub fn check(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for listener in config.listeners() {
        look(&listener.options, "", &listener.module, &mut found);
    }
    let hosts = config.hosts().iter().map(|host| &config.host(host).options);
    for options in std::iter::once(&config.global).chain(hosts) {
        look(options, "c2s", "", &mut found);
        look(options, "s2s", "", &mut found);
    }
    // Hosts share what they don't say themselves.
    let mut told = HashSet::new();
    found.retain(|one: &Diagnostic| told.insert(one.one_line()));
    found
}

fn look(options: &Options, prefix: &str, place: &str, found: &mut Vec<Diagnostic>) {
    for (name, why) in WITHOUT_EFFECT {
        let name = named(prefix, name);
        let Some(setting) = options.setting(&name).filter(|setting| setting.set) else { continue };
        if setting.value != Value::Bool(false) {
            let message = format!("`{name}` has no effect: {why}");
            found.push(
                Diagnostic::warning(&setting.node.at, path(place, &name), message).suggest("remove it"),
            );
        }
    }
    let [protocols, ciphers] = names(prefix);
    let wish = wish(options, prefix);
    let (fatal, faults) = match read(&wish) {
        Ok((_, faults)) => (false, faults),
        Err(fault) => (true, vec![fault]),
    };
    for fault in faults {
        let blamed = match &fault {
            PolicyFault::UnknownOption(_) | PolicyFault::Weaker(_) => &protocols,
            PolicyFault::NothingLeft if wish[1].is_none() => &protocols,
            _ => &ciphers,
        };
        let Some(setting) = options.setting(blamed) else { continue };
        let (at, path) = (&setting.node.at, path(place, blamed));
        found.push(match fatal {
            true => Diagnostic::error(at, path, fault.to_string()),
            false => Diagnostic::warning(at, path, fault.to_string()),
        });
    }
}

fn path(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("listen.{place}.{name}") }
}
