//! What others find when they look for a host (RFC 6120 §3.2, XEP-0368, RFC 7712).

use std::net::IpAddr;

use nightjar_config::{Config, ListenerConfig, Value};
use sha2::{Digest as _, Sha256, Sha512};

use crate::Examination;
use crate::certificates::{Chain, covering, public_key};
use crate::finding::Finding;
use crate::look::{ascii, flag, is_private, is_public, line, value};

/// Records of one kind under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The records; none if the name has none, or doesn't exist.
    pub records: Vec<T>,
    /// Whether DNSSEC vouches for them.
    pub secure: bool,
}

/// A name server didn't answer, or with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsFailure(pub String);

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// The machine, in lower case and without a dot at its end; empty for "there is no such service".
    pub target: String,
    /// Its port.
    pub port: u16,
}

/// A TLSA record (RFC 6698 §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// Certificate usage.
    pub usage: u8,
    /// 0 for the certificate, 1 for its public key.
    pub selector: u8,
    /// 0 for all of it, 1 for its SHA-256, 2 for its SHA-512.
    pub matching: u8,
    /// What has to be equal.
    pub data: Vec<u8>,
}

/// Who answers questions about names.
pub trait Resolver {
    /// SRV records.
    ///
    /// # Errors
    /// If nobody answered.
    fn srv(&self, name: &str) -> Result<Answer<Srv>, DnsFailure>;
    /// A and AAAA records.
    ///
    /// # Errors
    /// If nobody answered.
    fn addresses(&self, name: &str) -> Result<Answer<IpAddr>, DnsFailure>;
    /// TLSA records.
    ///
    /// # Errors
    /// If nobody answered.
    fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsFailure>;
}

/// A service that is found by SRV records.
struct Service {
    /// The first labels of the records' name.
    label: &'static str,
    /// What is missing where there is no record.
    missing: &'static str,
    listener: fn(&ListenerConfig) -> bool,
    tls: bool,
}

const SERVICES: [Service; 5] = [
    Service {
        label: "_xmpp-client._tcp",
        missing: "dns-srv-client",
        listener: |one| one.module == *"ejabberd_c2s" && !flag(&one.options, "tls"),
        tls: true,
    },
    Service {
        label: "_xmpps-client._tcp",
        missing: "dns-srv-direct-tls",
        listener: |one| one.module == *"ejabberd_c2s" && flag(&one.options, "tls"),
        tls: true,
    },
    Service {
        label: "_xmpp-server._tcp",
        missing: "dns-srv-server",
        listener: |one| one.module == *"ejabberd_s2s_in" && !flag(&one.options, "tls"),
        tls: true,
    },
    Service {
        label: "_xmpps-server._tcp",
        missing: "dns-srv-direct-tls",
        listener: |one| one.module == *"ejabberd_s2s_in" && flag(&one.options, "tls"),
        tls: true,
    },
    Service {
        label: "_stun._udp",
        missing: "dns-srv-stun",
        listener: |one| one.module == *"ejabberd_stun" && one.transport == nightjar_config::Transport::Udp,
        tls: false,
    },
];

/// Whether other servers can connect.
pub(crate) fn has_servers(config: &Config) -> bool {
    config.listeners().iter().any(|one| one.module == *"ejabberd_s2s_in" && is_public(one))
}

/// The domains of a host's services, as far as other servers have to find them.
pub(crate) fn subdomains(config: &Config, host: &str) -> Vec<(String, Option<nightjar_firewall::Line>)> {
    let mut found = Vec::new();
    for (module, options) in &config.host(host).modules {
        // The directory of users is there only when it is asked for.
        if *module == *"mod_vcard" && !flag(options, "search") {
            continue;
        }
        let listed = value(options, "hosts").items().iter().filter_map(Value::as_str);
        let mut names: Vec<String> = listed.map(str::to_owned).collect();
        if names.is_empty() {
            names.extend(value(options, "host").as_str().map(str::to_owned));
        }
        let at = line(options, "hosts").or_else(|| line(options, "host"));
        found.extend(
            names
                .into_iter()
                .filter(|name| name != host)
                .map(|name| (name.replace("@HOST@", host), at.clone())),
        );
    }
    found
}

pub(crate) fn check(examination: &Examination<'_>, chains: &[Chain], found: &mut Vec<Finding>) {
    let Some(resolver) = examination.resolver else { return };
    for host in examination.config.hosts().iter().filter(|host| !is_private(host)) {
        if let Err(DnsFailure(reason)) = look_up(examination, resolver, host, chains, found) {
            let what = format!("the names of {host} could not be asked: {reason}");
            let fix = "check /etc/resolv.conf, or leave names out with --no-dns";
            found.push(Finding::new("dns-failed", what, fix));
            // The next host would wait as long.
            return;
        }
    }
}

fn look_up(
    examination: &Examination<'_>,
    resolver: &dyn Resolver,
    domain: &str,
    chains: &[Chain],
    found: &mut Vec<Finding>,
) -> Result<(), DnsFailure> {
    let host = &ascii(domain);
    let listeners = examination.config.listeners();
    let served = |service: &Service| -> Vec<&ListenerConfig> {
        listeners.iter().filter(|one| is_public(one) && (service.listener)(one)).collect()
    };
    let services: Vec<(&Service, Vec<&ListenerConfig>)> = SERVICES
        .iter()
        .map(|service| (service, served(service)))
        .filter(|(_, served)| !served.is_empty())
        .collect();
    if services.is_empty() {
        return Ok(());
    }
    let addresses = resolver.addresses(host)?.records;
    let mut answers = Vec::new();
    for (service, listeners) in services {
        answers.push((service, listeners, resolver.srv(&format!("{}.{host}", service.label))?));
    }
    if addresses.is_empty() && answers.iter().all(|(_, _, answer)| answer.records.is_empty()) {
        let what = format!("{host} has neither an address nor SRV records");
        found.push(Finding::new("dns-unreachable", what, example(host, "_xmpp-client._tcp", 5222)));
        return Ok(());
    }
    for (service, listeners, answer) in &answers {
        if answer.records.is_empty() {
            let port = listeners.first().map_or(0, |listener| listener.port);
            let what = format!("there is no record {}.{host}", service.label);
            found.push(Finding::new(service.missing, what, example(host, service.label, port)));
        }
        for record in &answer.records {
            let one = Found { resolver, host, service, listeners, secure: answer.secure, chains };
            one.check(record, found)?;
        }
    }
    if has_servers(examination.config) {
        for (name, at) in subdomains(examination.config, domain) {
            let name = ascii(&name);
            let records = resolver.srv(&format!("_xmpp-server._tcp.{name}"))?.records;
            if records.is_empty() && resolver.addresses(&name)?.records.is_empty() {
                let what = format!("{name} has neither an address nor SRV records");
                let fix = example(&name, "_xmpp-server._tcp", 5269);
                found.push(Finding::new("dns-service-missing", what, fix).at(at));
            }
        }
    }
    Ok(())
}

/// The line of a zone file.
fn example(host: &str, label: &str, port: u16) -> String {
    format!("add to the zone: {label}.{host}. 3600 IN SRV 5 0 {port} {host}.")
}

/// An SRV record and whose it is.
struct Found<'a> {
    resolver: &'a dyn Resolver,
    host: &'a str,
    service: &'a Service,
    listeners: &'a [&'a ListenerConfig],
    secure: bool,
    chains: &'a [Chain],
}

impl Found<'_> {
    fn check(&self, record: &Srv, found: &mut Vec<Finding>) -> Result<(), DnsFailure> {
        let name = format!("{}.{}", self.service.label, self.host);
        let Srv { target, port } = record;
        if target.is_empty() {
            let what = format!("{name} points to nothing");
            let port = self.listeners.first().map_or(0, |listener| listener.port);
            found.push(Finding::new("dns-srv-refused", what, example(self.host, self.service.label, port)));
            return Ok(());
        }
        if !self.listeners.iter().any(|listener| listener.port == *port) {
            let what = format!("{name} points to port {port} of {target}");
            let ports: Vec<String> =
                self.listeners.iter().map(|listener| listener.port.to_string()).collect();
            let fix = format!("let it point to port {}", ports.join(" or "));
            let at = self.listeners.first().and_then(|listener| line(&listener.options, "port"));
            found.push(Finding::new("dns-srv-port", what, fix).at(at));
        }
        if self.resolver.addresses(target)?.records.is_empty() {
            let what = format!("{name} points to {target}, which has no address");
            let fix = format!("add an A or AAAA record for {target}");
            found.push(Finding::new("dns-srv-target", what, fix));
            return Ok(());
        }
        if self.service.tls {
            self.tlsa(target, *port, found);
        }
        Ok(())
    }

    fn tlsa(&self, target: &str, port: u16, found: &mut Vec<Finding>) {
        let name = format!("_{port}._tcp.{target}");
        // Without an answer that DNSSEC vouches for there is nothing to be said (RFC 7712 §5).
        let Ok(answer) = self.resolver.tlsa(&name) else { return };
        let Some(chain) = covering(self.chains, self.host).next() else { return };
        if answer.records.is_empty() {
            if self.secure {
                let digest = chain
                    .certificates
                    .first()
                    .and_then(|leaf| public_key(leaf))
                    .map(|key| Sha256::digest(&key));
                let digest: String = digest.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
                let what = format!("there is no record {name}");
                let fix = format!("add to the zone: {name}. 3600 IN TLSA 3 1 1 {digest}");
                found.push(Finding::new("dns-tlsa-missing", what, fix));
            }
        } else if answer.secure && !answer.records.iter().any(|record| vouches(record, chain)) {
            let what = format!("no record {name} fits the certificate of {}", self.host);
            let fix = "publish the record of the new certificate before it is used";
            found.push(Finding::new("dns-tlsa-mismatch", what, fix));
        }
    }
}

/// Whether a record is about this chain (RFC 6698 §2.1): about its first certificate, or one of its authorities.
fn vouches(record: &Tlsa, chain: &Chain) -> bool {
    let fits = |certificate: &Vec<u8>| {
        let selected = match record.selector {
            0 => Some(certificate.clone()),
            1 => public_key(certificate),
            _ => None,
        };
        let Some(selected) = selected else { return false };
        match record.matching {
            0 => selected == record.data,
            1 => Sha256::digest(&selected).as_slice() == record.data,
            2 => Sha512::digest(&selected).as_slice() == record.data,
            _ => false,
        }
    };
    match record.usage {
        1 | 3 => chain.certificates.first().is_some_and(fits),
        _ => chain.certificates.iter().skip(1).any(fits),
    }
}
