//! Where a domain's servers are: SRV records (RFC 6120 §3.2, XEP-0368), addresses, and what DNSSEC proves.

mod order;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use nightjar_base::Random;
use nightjar_text::Text;
use parking_lot::Mutex;

use super::failure::Failure;
use super::options::Family;
use super::steps::Trace;
use super::verify::Tlsa;
use order::Service;

/// Answers kept, of either kind.
const CACHED_MAX: u64 = 8192;
/// How long a domain that isn't there is not asked for again.
const NEGATIVE_SECONDS_MAX: u64 = 300;
/// How often the file with the name servers is looked at.
const FILE_CHECKED_EVERY: Duration = Duration::from_secs(5);
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// Servers of one domain that are tried.
const TARGETS_MAX: usize = 16;
/// Addresses of one server that are tried.
const ADDRESSES_MAX: usize = 16;

/// How the DNS is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DnsOptions {
    /// For one try (`s2s_dns_timeout`).
    pub timeout: Duration,
    /// Tries beyond the first (`s2s_dns_retries`).
    pub retries: usize,
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
pub(super) struct Resolver {
    options: DnsOptions,
    asking: Mutex<Option<Asking>>,
    path: String,
}

struct Asking {
    plain: Arc<TokioResolver>,
    /// Checks DNSSEC's signatures itself. Only asked about TLSA: where the name servers don't pass signatures on it
    /// answers nothing.
    validating: Option<Arc<TokioResolver>>,
    changed: Option<std::time::SystemTime>,
    checked: std::time::Instant,
}

impl Resolver {
    /// The name servers of `/etc/resolv.conf`, whatever they are at the time.
    pub fn system(options: DnsOptions) -> Self {
        Self::of_file(options, RESOLV_CONF)
    }

    fn of_file(options: DnsOptions, path: &str) -> Self {
        Self { options, asking: Mutex::new(None), path: path.to_owned() }
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
        let (direct, starttls) = tokio::join!(
            self.services(&ascii, "_xmpps-server", &mut steps),
            self.services(&ascii, "_xmpp-server", trace),
        );
        trace.append(steps);
        let (direct, starttls) = match (direct, starttls) {
            (Err(failure), Err(_)) => return Err(failure),
            (direct, starttls) => (direct.unwrap_or_default(), starttls.unwrap_or_default()),
        };
        let all: Vec<Service> = direct
            .into_iter()
            .map(|service| Service { direct_tls: true, ..service })
            .chain(starttls)
            .collect();
        if all.is_empty() {
            return Ok(vec![own(&ascii, default_port)]);
        }
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
        let (v6, v4) = tokio::join!(
            self.ips(&target.name, RecordType::AAAA, wants(Family::V6)),
            self.ips(&target.name, RecordType::A, wants(Family::V4)),
        );
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

    /// The TLSA records of a target (RFC 7712 §3), and whether DNSSEC proves that the domain has named it. Empty unless
    /// both are proven.
    pub async fn tlsa(&self, domain: &str, target: &Target) -> Vec<Tlsa> {
        let Some(resolver) = self.validating() else { return Vec::new() };
        let Ok(ascii) = idna::domain_to_ascii(domain) else { return Vec::new() };
        let service = if target.direct_tls { "_xmpps-server" } else { "_xmpp-server" };
        if !target.is_domain {
            let named = secure(&resolver, &format!("{service}._tcp.{ascii}."), RecordType::SRV).await;
            let is_named = named.iter().any(|data| {
                matches!(data, RData::SRV(srv) if srv.port == target.port && *plain(&srv.target) == *target.name)
            });
            if !is_named {
                return Vec::new();
            }
        }
        let question = format!("_{}._tcp.{}.", target.port, target.name);
        let records = secure(&resolver, &question, RecordType::TLSA).await;
        records
            .into_iter()
            .filter_map(|data| if let RData::TLSA(tlsa) = data { Some(of_record(&tlsa)) } else { None })
            .collect()
    }

    async fn services(
        &self,
        domain: &str,
        service: &str,
        trace: &mut Trace,
    ) -> Result<Vec<Service>, Failure> {
        let question = format!("{service}._tcp.{domain}");
        match self.ask(&question, RecordType::SRV).await {
            Ok(data) => {
                let found: Vec<_> = data.into_iter().filter_map(Service::of_record).collect();
                trace.ok("DNS", || format!("SRV {question}: {}", join(&found)));
                Ok(found)
            }
            Err(failure @ Failure::NotFound(_)) => {
                trace.ok("DNS", || format!("SRV {question}: none ({failure})"));
                Ok(Vec::new())
            }
            Err(failure) => {
                trace.failed("DNS", || format!("SRV {question}: {failure}"));
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
            .into_iter()
            .filter_map(|data| match data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })
            .collect())
    }

    /// The data of all records of a kind. Each name is asked for as it is: search lists are not for domains of others.
    async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, Failure> {
        let resolver = self.plain()?;
        let name = fully_qualified(name)?;
        let tries = u32::try_from(self.options.retries).unwrap_or(u32::MAX).saturating_add(1);
        let all = self.options.timeout.saturating_mul(tries).saturating_add(Duration::from_secs(1));
        match tokio::time::timeout(all, resolver.lookup(name, kind)).await {
            Err(_) => Err(Failure::NameServers("timeout".to_owned())),
            Ok(Err(error)) => Err(failure_of(&error)),
            Ok(Ok(lookup)) => Ok(lookup
                .answers()
                .iter()
                .filter(|record| record.record_type() == kind)
                .map(|record| record.data.clone())
                .collect()),
        }
    }

    fn plain(&self) -> Result<Arc<TokioResolver>, Failure> {
        let mut asking = self.asking.lock();
        self.refresh(&mut asking)?;
        asking
            .as_ref()
            .map(|asking| Arc::clone(&asking.plain))
            .ok_or_else(|| Failure::NameServers("none are configured".to_owned()))
    }

    fn validating(&self) -> Option<Arc<TokioResolver>> {
        let mut asking = self.asking.lock();
        self.refresh(&mut asking).ok()?;
        asking.as_ref().and_then(|asking| asking.validating.clone())
    }

    /// Reads the file with the name servers anew if it has changed.
    fn refresh(&self, asking: &mut Option<Asking>) -> Result<(), Failure> {
        if asking.as_ref().is_some_and(|asking| asking.checked.elapsed() < FILE_CHECKED_EVERY) {
            return Ok(());
        }
        let changed = std::fs::metadata(&self.path).and_then(|file| file.modified()).ok();
        if let Some(asking) = asking.as_mut().filter(|asking| asking.changed == changed) {
            asking.checked = std::time::Instant::now();
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| Failure::NameServers(format!("{}: {error}", self.path));
        let bytes = std::fs::read(&self.path).map_err(|error| failed(&error))?;
        let (config, system) =
            hickory_resolver::system_conf::parse_resolv_conf(&bytes).map_err(|error| failed(&error))?;
        *asking = Some(Asking {
            plain: Arc::new(self.build(&config, &system, false).map_err(|error| failed(&error))?),
            validating: self.build(&config, &system, true).ok().map(Arc::new),
            changed,
            checked: std::time::Instant::now(),
        });
        Ok(())
    }

    fn build(
        &self,
        config: &ResolverConfig,
        system: &ResolverOpts,
        validate: bool,
    ) -> Result<TokioResolver, NetError> {
        let mut builder: ResolverBuilder<TokioRuntimeProvider> =
            TokioResolver::builder_with_config(config.clone(), TokioRuntimeProvider::default());
        let mut options = system.clone();
        options.timeout = self.options.timeout;
        options.attempts = self.options.retries.saturating_add(1);
        options.cache_size = CACHED_MAX;
        options.negative_max_ttl = Some(Duration::from_secs(NEGATIVE_SECONDS_MAX));
        options.validate = validate;
        options.edns0 = true;
        *builder.options_mut() = options;
        builder.build()
    }
}

/// Only what DNSSEC proves.
async fn secure(resolver: &TokioResolver, name: &str, kind: RecordType) -> Vec<RData> {
    let Ok(name) = Name::from_ascii(name) else { return Vec::new() };
    let Ok(Ok(lookup)) = tokio::time::timeout(Duration::from_secs(5), resolver.lookup(name, kind)).await
    else {
        return Vec::new();
    };
    let records = lookup.answers().iter().filter(|record| record.record_type() == kind);
    records.filter(|record| record.proof.is_secure()).map(|record| record.data.clone()).collect()
}

fn of_record(record: &hickory_resolver::proto::rr::rdata::TLSA) -> Tlsa {
    Tlsa {
        usage: record.cert_usage.into(),
        selector: record.selector.into(),
        matching: record.matching.into(),
        data: record.cert_data.clone(),
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

fn failure_of(error: &NetError) -> Failure {
    if error.is_nx_domain() {
        return Failure::NotFound("NXDOMAIN".to_owned());
    }
    if error.is_no_records_found() {
        return Failure::NotFound("there is no such record".to_owned());
    }
    Failure::NameServers(error.to_string())
}

fn join<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
