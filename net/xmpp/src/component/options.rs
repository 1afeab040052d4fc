//! A listener's options as the driver uses them.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_config::access::{AccessRef, ShaperRef};
use nightjar_config::{ListenerConfig, Value};
use nightjar_net_listen::ListenOptions;
use nightjar_net_listen::options::listen_options;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::Limits;
use nightjar_xmpp::component::Settings;

/// "infinity" for one stanza: larger than any component sends, small enough to be held.
const STANZA_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Before the secret's proof nothing is due but a header and 40 digits.
const BYTES_BEFORE_AUTH: u32 = 10_000;

pub(super) struct ListenerOptions {
    pub direct_tls: bool,
    pub access: AccessRef,
    pub shaper: ShaperRef,
    /// The secret of each domain that components may serve.
    pub hosts: Vec<(Text, Secret)>,
    /// The secret for any other domain, where `hosts` names none.
    pub password: Option<Secret>,
    pub check_from: bool,
    pub global_routes: bool,
    pub settings: Arc<Settings>,
    pub mailbox_capacity: usize,
    pub send_timeout: Option<Duration>,
    pub listen: ListenOptions,
}

impl ListenerOptions {
    pub fn read(listener: &ListenerConfig, kernel: &Kernel) -> Self {
        let options = &listener.options;
        let limits = Limits::default();
        let stanza_bytes = options.limit("max_stanza_size").unwrap_or(STANZA_BYTES_MAX).min(STANZA_BYTES_MAX);
        let stanza_bytes = u32::try_from(stanza_bytes).unwrap_or(u32::MAX).max(BYTES_BEFORE_AUTH);
        let password = options.opt_text("password").filter(|password| !password.is_empty());
        let hosts = options.map("hosts").iter().filter_map(|(domain, value)| {
            let secret = field(value, "password").or_else(|| password.clone())?;
            Some((domain.clone(), Secret::from(&*secret)))
        });
        let settings = Settings {
            limits_before_auth: Limits { stanza_bytes: BYTES_BEFORE_AUTH, ..limits },
            limits: Limits { stanza_bytes, ..limits },
            negotiation_timeout: kernel
                .config()
                .global
                .duration("negotiation_timeout")
                .unwrap_or(Duration::from_secs(120)),
        };
        Self {
            direct_tls: options.bool("tls"),
            access: options.access("access"),
            shaper: options.shaper(if options.is_set("shaper") { "shaper" } else { "shaper_rule" }),
            hosts: hosts.collect(),
            password: password
                .filter(|_| options.map("hosts").is_empty())
                .map(|secret| Secret::from(&*secret)),
            check_from: options.bool("check_from"),
            global_routes: options.bool("global_routes"),
            settings: Arc::new(settings),
            mailbox_capacity: usize::try_from(options.int("max_fsm_queue")).unwrap_or(10_000).max(1),
            send_timeout: options.duration("send_timeout"),
            listen: listen_options(listener),
        }
    }

    /// The secret of a domain's component; none if no component may serve it.
    pub fn secret(&self, domain: &str) -> Option<&Secret> {
        let own = self.hosts.iter().find(|(host, _)| *host == *domain).map(|(_, secret)| secret);
        own.or(self.password.as_ref())
    }

    /// The domains that are routed to a component that has asked for one of them.
    pub fn routes(&self, asked: &str) -> Vec<Text> {
        match self.global_routes && !self.hosts.is_empty() {
            true => self.hosts.iter().map(|(host, _)| host.clone()).collect(),
            false => vec![Text::new(asked)],
        }
    }

    /// Whether a component that has asked for a domain may send in the name of another one.
    pub fn may_send_from(&self, asked: &str, domain: &str) -> bool {
        let is_own = domain == asked || self.hosts.iter().any(|(host, _)| *host == *domain);
        !self.check_from || is_own
    }
}

/// A field of an option's value.
pub(super) fn field(value: &Value, name: &str) -> Option<Text> {
    let Value::Map(fields) = value else { return None };
    match fields.iter().find(|(field, _)| **field == *name)? {
        (_, Value::Text(text)) => Some(text.clone()),
        (_, Value::Int(number)) => Some(Text::from(number.to_string())),
        _ => None,
    }
}
