//! What DNSSEC proves about certificates: TLSA records (RFC 6698, RFC 7712 §3).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::TrustAnchors;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};

use super::{DnsOptions, Target, plain};
use crate::s2s::verify::Tlsa;

/// How long what DNSSEC says is waited for.
const PROOF_TIME: Duration = Duration::from_secs(5);

/// What DNSSEC says about the certificate of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::s2s) enum Dane {
    /// Nothing that counts: there are no records, nobody has signed them, or the name servers keep signatures back.
    #[default]
    Unsaid,
    /// It must be one of these.
    Records(Vec<Tlsa>),
    /// The domain has said by DNSSEC where its server is, but which certificate it has can't be learned: whoever keeps
    /// the answer back must not have his way (RFC 7673 §3).
    Silent,
    /// The signatures are wrong, though others are right: nothing that the DNS says about the domain can be believed
    /// (RFC 6698 §4.1).
    Bogus,
}

/// Checks DNSSEC's signatures itself, as it asks the name servers of the system.
pub(super) struct Validator {
    resolver: TokioResolver,
    /// The zones whose keys are trusted without proof.
    anchored: Vec<Name>,
}

impl Validator {
    /// None, and a line in the log, if the trusted keys can't be read: nothing is proved then.
    pub fn new(config: &ResolverConfig, system: &ResolverOpts, wanted: &DnsOptions) -> Option<Self> {
        let mut builder: ResolverBuilder<TokioRuntimeProvider> =
            TokioResolver::builder_with_config(config.clone(), TokioRuntimeProvider::default());
        let mut options = system.clone();
        options.timeout = wanted.timeout;
        options.attempts = wanted.retries.saturating_add(1);
        options.validate = true;
        options.edns0 = true;
        *builder.options_mut() = options;
        let mut anchored = vec![Name::root()];
        if let Some(file) = wanted.anchors.as_deref() {
            match anchors(Path::new(file)) {
                Ok((keys, zones)) => {
                    builder = builder.with_trust_anchor(Arc::new(keys));
                    anchored = zones;
                }
                Err(why) => {
                    tracing::error!(
                        file,
                        why,
                        "dnssec_trust_anchors can't be read: no TLSA record is believed"
                    );
                    return None;
                }
            }
        }
        builder.build().ok().map(|resolver| Self { resolver, anchored })
    }

    /// Where a domain's SRV record names the server, it must be proved, too.
    pub async fn dane(&self, domain: &str, target: &Target) -> Dane {
        let service = if target.direct_tls { "_xmpps-server" } else { "_xmpp-server" };
        let asked = async {
            if !target.is_domain {
                let named = match self.secure(&format!("{service}._tcp.{domain}."), RecordType::SRV).await {
                    // Nobody has said that the domain is signed.
                    Err(Unproved::Silent) => return Ok(Vec::new()),
                    named => named?,
                };
                let is_target = |data: &RData| matches!(data, RData::SRV(srv) if srv.port == target.port && *plain(&srv.target) == *target.name);
                if !named.iter().any(is_target) {
                    return Ok(Vec::new());
                }
            }
            self.secure(&format!("_{}._tcp.{}.", target.port, target.name), RecordType::TLSA).await
        };
        match asked.await {
            Ok(records) => {
                let tlsa = records.iter().filter_map(of_record).collect::<Vec<_>>();
                if tlsa.is_empty() { Dane::Unsaid } else { Dane::Records(tlsa) }
            }
            Err(Unproved::Silent) if target.is_domain => Dane::Unsaid,
            Err(Unproved::Silent) => Dane::Silent,
            Err(Unproved::Forged) if self.sees_signatures().await => Dane::Bogus,
            Err(Unproved::Forged) => Dane::Unsaid,
        }
    }

    /// Only what DNSSEC proves.
    async fn secure(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, Unproved> {
        let Ok(name) = Name::from_ascii(name) else { return Ok(Vec::new()) };
        match tokio::time::timeout(PROOF_TIME, self.resolver.lookup(name, kind)).await {
            Ok(Ok(lookup)) => {
                let records = lookup.answers().iter().filter(|record| record.record_type() == kind);
                Ok(records
                    .filter(|record| record.proof.is_secure())
                    .map(|record| record.data.clone())
                    .collect())
            }
            Ok(Err(NetError::Dns(DnsError::DnssecBogus))) => Err(Unproved::Forged),
            Ok(Err(NetError::Dns(DnsError::Nsec { proof, .. }))) if proof.is_bogus() => Err(Unproved::Forged),
            Ok(Err(NetError::Dns(DnsError::Nsec { .. } | DnsError::NoRecordsFound(_)))) => Ok(Vec::new()),
            Ok(Err(_)) | Err(_) => Err(Unproved::Silent),
        }
    }

    /// Whether signatures come through the name servers at all. To one that keeps them back everything looks forged.
    async fn sees_signatures(&self) -> bool {
        for zone in &self.anchored {
            let keys = self.secure(&zone.to_ascii(), RecordType::DNSKEY).await;
            if keys.is_ok_and(|keys| !keys.is_empty()) {
                return true;
            }
        }
        false
    }
}

/// Why nothing is known.
enum Unproved {
    /// A signature is missing where there must be one, or wrong.
    Forged,
    /// There was no answer in time, or none that says anything.
    Silent,
}

/// The keys of a file with DNSKEY records, and whose they are.
fn anchors(file: &Path) -> Result<(TrustAnchors, Vec<Name>), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let keys: TrustAnchors = text.parse().map_err(|error| format!("{error}"))?;
    if keys.is_empty() {
        return Err("there is no DNSKEY record in it".to_owned());
    }
    let owners = text.lines().filter(|line| !line.starts_with(';'));
    let owners = owners.filter_map(|line| line.split_whitespace().next());
    let mut zones: Vec<Name> = owners.filter_map(|owner| Name::from_ascii(owner).ok()).collect();
    zones.dedup();
    Ok((keys, zones))
}

fn of_record(data: &RData) -> Option<Tlsa> {
    let RData::TLSA(record) = data else { return None };
    Some(Tlsa {
        usage: record.cert_usage.into(),
        selector: record.selector.into(),
        matching: record.matching.into(),
        data: record.cert_data.clone(),
    })
}
