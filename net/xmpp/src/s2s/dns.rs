//! Where a domain's servers are: SRV records (RFC 6120 §3.2, XEP-0368), addresses, and what DNSSEC proves.

mod dane;
mod message;
mod order;
mod questions;
mod server;

use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::Hosts;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use nightjar_base::Random;
use nightjar_text::Text;
use parking_lot::Mutex;

use super::failure::Failure;
use super::options::Family;
use super::steps::Trace;
use dane::Validator;
use order::Service;
use questions::Questions;

pub(super) use dane::Dane;

/// Answers kept, of either kind.
const CACHED_MAX: usize = 8192;
/// How often the files about names are looked at.
const FILES_CHECKED_EVERY: Duration = Duration::from_secs(5);
/// When one of two questions has a useful answer, the other one gets so long yet (RFC 8305 §3).
const OTHER_ANSWER: Duration = Duration::from_secs(1);
const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// Servers of one domain that are tried.
const TARGETS_MAX: usize = 16;
/// Addresses of one server that are tried.
const ADDRESSES_MAX: usize = 16;

/// How the DNS is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DnsOptions {
    /// For one try (`s2s_dns_timeout`).
    pub timeout: Duration,
    /// Tries beyond the first (`s2s_dns_retries`).
    pub retries: usize,
    /// The file with keys that are trusted in place of the root's (`dnssec_trust_anchors`).
    pub anchors: Option<Text>,
}

/// One of a domain's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Its host name or address, without the final dot.
    pub name: Text,
    pub port: u16,
    /// Connections begin with TLS (XEP-0368).
    pub direct_tls: bool,
    /// It is the domain itself or its address: nothing but the domain says so.
    pub is_domain: bool,
}

/// Asks the system's name servers.
///
/// Plain questions don't go through hickory's resolver: a question of its costs a socket and 18 KB, so that a few
/// thousand domains whose name servers are silent would take all there is.
pub(super) struct Resolver {
    options: DnsOptions,
    known: Mutex<Option<Known>>,
    resolv_conf: String,
    hosts: String,
}

/// What the files say.
#[derive(Clone)]
struct Known {
    questions: Arc<Questions>,
    hosts: Arc<Hosts>,
    /// Checks DNSSEC's signatures itself. Only asked about TLSA: where the name servers don't pass signatures on it
    /// answers nothing.
    validator: Option<Arc<Validator>>,
    changed: [Option<SystemTime>; 3],
    checked: Instant,
}

impl Resolver {
    /// The name servers of `/etc/resolv.conf` and the addresses in `/etc/hosts`, whatever they are at the time.
    pub fn system(options: DnsOptions) -> Self {
        Self::of_files(options, RESOLV_CONF, HOSTS)
    }

    fn of_files(options: DnsOptions, resolv_conf: &str, hosts: &str) -> Self {
        let (resolv_conf, hosts) = (resolv_conf.to_owned(), hosts.to_owned());
        Self { options, known: Mutex::new(None), resolv_conf, hosts }
    }

    /// A domain's servers, in the order in which they are to be tried; the domain itself where the DNS names none.
    pub async fn targets(
        &self,
        domain: &str,
        default_port: u16,
        random: &dyn Random,
        trace: &mut Trace,
    ) -> Result<Vec<Target>, Failure> {
        if let Some(ip) = literal(domain) {
            return Ok(vec![own(&ip.to_string(), default_port)]);
        }
        let ascii = idna::domain_to_ascii(domain)
            .map_err(|_| Failure::NotFound("the domain can't be written in the DNS".to_owned()))?;
        let mut steps = trace.alike();
        let (direct, starttls) = either(
            pin!(self.services(&ascii, "_xmpps-server", &mut steps)),
            pin!(self.services(&ascii, "_xmpp-server", trace)),
            |found| matches!(found, Ok(found) if !found.is_empty()),
        )
        .await;
        trace.append(steps);
        let direct = direct.and_then(Result::ok).unwrap_or_default();
        let is_usable = direct.iter().any(|service| !service.target.is_empty());
        let starttls = match starttls {
            // Silence is no permission to connect to what the domain may not have named.
            Some(Err(failure)) if !is_usable => return Err(failure),
            starttls => starttls.and_then(Result::ok).unwrap_or_default(),
        };
        // A target of "." for direct TLS says only that there is no direct TLS.
        if !is_usable && starttls.is_empty() {
            return Ok(vec![own(&ascii, default_port)]);
        }
        let direct = direct.into_iter().map(|service| Service { direct_tls: true, ..service });
        let all: Vec<Service> = direct.chain(starttls).collect();
        let targets: Vec<Target> =
            order::order(all, random).into_iter().map(Service::into_target).take(TARGETS_MAX).collect();
        // RFC 2782: a target of "." says that there is no such service here.
        if targets.is_empty() {
            return Err(Failure::NotFound("its DNS says that it has no server".to_owned()));
        }
        Ok(targets)
    }

    /// The addresses of a target, those of the first family first, then in turn (RFC 8305 §4).
    pub async fn addresses(
        &self,
        target: &Target,
        families: &[Family],
        trace: &mut Trace,
    ) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(ip) = target.name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, target.port)]);
        }
        let wants = |family| families.contains(&family);
        let (v6, v4) = either(
            pin!(self.ips(&target.name, RecordType::AAAA, wants(Family::V6))),
            pin!(self.ips(&target.name, RecordType::A, wants(Family::V4))),
            |found| matches!(found, Ok(ips) if !ips.is_empty()),
        )
        .await;
        let late = || Err(Failure::NameServers("timeout".to_owned()));
        let (v6, v4) = (v6.unwrap_or_else(late), v4.unwrap_or_else(late));
        let name = &target.name;
        for (kind, answer) in [("AAAA", &v6), ("A", &v4)] {
            match answer {
                Ok(ips) if ips.is_empty() => {}
                Ok(ips) => trace.ok("DNS", || format!("{kind} {name}: {}", join(ips))),
                Err(failure) => trace.failed("DNS", || format!("{kind} {name}: {failure}")),
            }
        }
        let failure = v6.as_ref().err().or(v4.as_ref().err()).cloned();
        let (v6, v4) = (v6.unwrap_or_default(), v4.unwrap_or_default());
        let (first, second) = if families.first() == Some(&Family::V4) { (v4, v6) } else { (v6, v4) };
        let all: Vec<_> = order::in_turn(first, second)
            .take(ADDRESSES_MAX)
            .map(|ip| SocketAddr::new(ip, target.port))
            .collect();
        match failure {
            _ if !all.is_empty() => Ok(all),
            Some(failure) => Err(failure),
            None => Err(Failure::NotFound(format!("{name} has no address"))),
        }
    }

    /// What DNSSEC says about the certificate of a target that a domain has named (RFC 7712 §3).
    pub async fn dane(&self, domain: &str, target: &Target) -> Dane {
        let validator = self.known().ok().and_then(|known| known.validator);
        match (validator, idna::domain_to_ascii(domain)) {
            (Some(validator), Ok(ascii)) => validator.dane(&ascii, target).await,
            _ => Dane::Unsaid,
        }
    }

    async fn services(
        &self,
        domain: &str,
        service: &str,
        trace: &mut Trace,
    ) -> Result<Vec<Service>, Failure> {
        let question = format!("{service}._tcp.{domain}");
        let begun = Instant::now();
        let answer = self.ask(&question, RecordType::SRV).await;
        let took = begun.elapsed().as_millis();
        match answer {
            Ok(data) => {
                let found: Vec<_> = data.iter().filter_map(Service::of_record).collect();
                trace.ok("DNS", || format!("SRV {question}: {} ({took} ms)", join(&found)));
                Ok(found)
            }
            Err(Failure::NotFound(why)) => {
                trace.ok("DNS", || format!("SRV {question}: none, {why} ({took} ms)"));
                Ok(Vec::new())
            }
            Err(failure) => {
                trace.failed("DNS", || format!("SRV {question}: {failure} ({took} ms)"));
                Err(failure)
            }
        }
    }

    async fn ips(&self, name: &str, kind: RecordType, wanted: bool) -> Result<Vec<IpAddr>, Failure> {
        if !wanted {
            return Ok(Vec::new());
        }
        let data = match self.ask(name, kind).await {
            Err(Failure::NotFound(_)) => return Ok(Vec::new()),
            other => other?,
        };
        Ok(data
            .iter()
            .filter_map(|data| match data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })
            .collect())
    }

    /// The data of all records of a kind. Each name is asked for as it is: search lists are not for domains of others.
    async fn ask(&self, name: &str, kind: RecordType) -> Result<Arc<[RData]>, Failure> {
        let known = self.known()?;
        let query = Query::query(fully_qualified(name)?, kind);
        if let Some(found) = known.hosts.lookup_static_host(&query) {
            return Ok(found.answers().iter().map(|record| record.data.clone()).collect());
        }
        known.questions.ask(&Arc::new(query)).await
    }

    /// What the files say; they are read anew if they have changed.
    fn known(&self) -> Result<Known, Failure> {
        let mut slot = self.known.lock();
        if let Some(known) = slot.as_mut() {
            if known.checked.elapsed() < FILES_CHECKED_EVERY {
                return Ok(known.clone());
            }
            if known.changed == self.changed() {
                known.checked = Instant::now();
                return Ok(known.clone());
            }
        }
        let known = self.read()?;
        Ok(slot.insert(known).clone())
    }

    fn changed(&self) -> [Option<SystemTime>; 3] {
        [Some(&*self.resolv_conf), Some(&*self.hosts), self.options.anchors.as_deref()]
            .map(|path| std::fs::metadata(path?).and_then(|file| file.modified()).ok())
    }

    fn read(&self) -> Result<Known, Failure> {
        let changed = self.changed();
        let failed =
            |error: &dyn std::fmt::Display| Failure::NameServers(format!("{}: {error}", self.resolv_conf));
        let bytes = std::fs::read(&self.resolv_conf).map_err(|error| failed(&error))?;
        let (config, system) =
            hickory_resolver::system_conf::parse_resolv_conf(&bytes).map_err(|error| failed(&error))?;
        let mut servers: Vec<SocketAddr> = Vec::new();
        for server in config.name_servers() {
            let port = server.connections.first().map_or(53, |connection| connection.port);
            servers.push(SocketAddr::new(server.ip, port));
        }
        let mut hosts = Hosts::default();
        // A system without the file has no names of its own.
        if let Ok(bytes) = std::fs::read(&self.hosts) {
            let _ = hosts.read_hosts_conf(bytes.as_slice());
        }
        Ok(Known {
            questions: Arc::new(Questions::new(&servers, self.options.clone())),
            hosts: Arc::new(hosts),
            validator: Validator::new(&config, &system, &self.options).map(Arc::new),
            changed,
            checked: Instant::now(),
        })
    }
}

/// Both results; when one of them is good, the other one only if it comes soon.
async fn either<T>(
    mut first: Pin<&mut impl Future<Output = T>>,
    mut second: Pin<&mut impl Future<Output = T>>,
    is_good: impl Fn(&T) -> bool,
) -> (Option<T>, Option<T>) {
    tokio::select! {
        done = &mut first => {
            let time = if is_good(&done) { OTHER_ANSWER } else { Duration::MAX };
            (Some(done), tokio::time::timeout(time, second).await.ok())
        }
        done = &mut second => {
            let time = if is_good(&done) { OTHER_ANSWER } else { Duration::MAX };
            (tokio::time::timeout(time, first).await.ok(), Some(done))
        }
    }
}

fn own(name: &str, port: u16) -> Target {
    Target { name: Text::new(name), port, direct_tls: false, is_domain: true }
}

/// A domain that is an address, with or without the brackets of IPv6.
fn literal(domain: &str) -> Option<IpAddr> {
    let inner = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(domain);
    inner.parse().ok()
}

fn fully_qualified(name: &str) -> Result<Name, Failure> {
    let mut parsed = Name::from_ascii(name)
        .map_err(|_| Failure::NotFound("the domain can't be written in the DNS".to_owned()))?;
    parsed.set_fqdn(true);
    Ok(parsed)
}

/// A name without its final dot.
fn plain(name: &Name) -> Text {
    let text = name.to_ascii().to_ascii_lowercase();
    Text::new(text.strip_suffix('.').unwrap_or(&text))
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
