//! Questions to the real DNS.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tokio::runtime::Runtime;

use crate::dns::{Answer, DnsFailure, Resolver, Srv, Tlsa};

#[cfg(test)]
mod tests;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// The resolver of the system. Not to be used inside another asynchronous runtime: it waits.
pub struct Hickory {
    runtime: Runtime,
    plain: TokioResolver,
    /// For TLSA only: a forwarder that strips signatures makes every other answer fail.
    validating: TokioResolver,
}

impl Hickory {
    /// The name servers of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// If there are none, or no threads.
    pub fn new() -> io::Result<Hickory> {
        Hickory::with(|| TokioResolver::builder_tokio().map_err(io::Error::other), TIMEOUT)
    }

    fn with(
        builder: impl Fn() -> io::Result<ResolverBuilder<TokioRuntimeProvider>>,
        timeout: Duration,
    ) -> io::Result<Hickory> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let resolver = |validate| {
            let mut builder = builder()?;
            let options = builder.options_mut();
            options.timeout = timeout;
            options.attempts = ATTEMPTS;
            options.validate = validate;
            builder.build().map_err(io::Error::other)
        };
        let (plain, validating) = {
            let _entered = runtime.enter();
            (resolver(false)?, resolver(true)?)
        };
        Ok(Hickory { runtime, plain, validating })
    }

    fn ask<T>(
        &self,
        resolver: &TokioResolver,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Answer<T>, DnsFailure> {
        // With a dot at its end no search domain is tried.
        let name = format!("{}.", name.trim_end_matches('.'));
        match self.runtime.block_on(resolver.lookup(name.as_str(), kind)) {
            Ok(lookup) => {
                let answers = lookup.answers();
                let records: Vec<T> = answers.iter().filter_map(|record| read(&record.data)).collect();
                let secure = !records.is_empty() && answers.iter().all(|record| record.proof.is_secure());
                Ok(Answer { records, secure })
            }
            Err(error) => nothing(&error),
        }
    }
}

fn nothing<T>(error: &NetError) -> Result<Answer<T>, DnsFailure> {
    if error.is_no_records_found() || error.is_nx_domain() {
        return Ok(Answer { records: Vec::new(), secure: false });
    }
    Err(DnsFailure(error.to_string()))
}

impl Resolver for Hickory {
    fn srv(&self, name: &str) -> Result<Answer<Srv>, DnsFailure> {
        self.ask(&self.plain, name, RecordType::SRV, |data| match data {
            RData::SRV(srv) => {
                let target = srv.target.to_ascii().to_ascii_lowercase();
                let target = target.strip_suffix('.').unwrap_or(&target).to_owned();
                Some(Srv { target, port: srv.port })
            }
            _ => None,
        })
    }

    fn addresses(&self, name: &str) -> Result<Answer<IpAddr>, DnsFailure> {
        let mut all = self.ask(&self.plain, name, RecordType::A, |data| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            _ => None,
        })?;
        let more = self.ask(&self.plain, name, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        })?;
        all.records.extend(more.records);
        Ok(all)
    }

    fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsFailure> {
        self.ask(&self.validating, name, RecordType::TLSA, |data| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        })
    }
}
