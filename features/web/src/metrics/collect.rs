//! The figures, taken when they are asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_base::attempts::Protocol;
use nightjar_base::http::HttpStats;
use nightjar_base::metrics::{Family, Kind, Value};
use nightjar_base::{Host, Kernel};
use nightjar_store::BreakerState;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::process::Process;

/// All figures as text.
///
/// # Errors
/// If they can't be written, which memory can't fail at.
pub(super) fn figures(kernel: &Arc<Kernel>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("nightjar");
    registry.register_collector(Box::new(Figures(Arc::clone(kernel))));
    let mut text = String::with_capacity(4096);
    text::encode(&mut text, &registry)?;
    Ok(text)
}

struct Figures(Arc<Kernel>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

type Label = (&'static str, String);

struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: i64) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?)
    }

    fn count(&mut self, name: &str, help: &str, value: &AtomicU64) -> fmt::Result {
        let value = ConstCounter::new(value.load(Ordering::Relaxed));
        value.encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauges(&mut self, name: &str, help: &str, values: &[([Label; 1], i64)]) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values
            .iter()
            .try_for_each(|(labels, value)| ConstGauge::new(*value).encode(encoder.encode_family(labels)?))
    }

    fn counts<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: &[([Label; N], u64)],
    ) -> fmt::Result {
        let mut encoder: MetricEncoder<'_> =
            self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values
            .iter()
            .try_for_each(|(labels, value)| ConstCounter::new(*value).encode(encoder.encode_family(labels)?))
    }

    /// Figures of whoever has registered some.
    fn family(&mut self, family: &Family) -> fmt::Result {
        let kind = match family.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        let mut encoder = self.0.encode_descriptor(family.name, family.help, None, kind)?;
        if let [only] = family.samples.as_slice()
            && only.labels.is_empty()
        {
            return write(encoder, family.kind, only.value);
        }
        family
            .samples
            .iter()
            .try_for_each(|sample| write(encoder.encode_family(&sample.labels)?, family.kind, sample.value))
    }
}

fn write(encoder: MetricEncoder<'_>, kind: Kind, value: Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Count(count)) => ConstCounter::new(count).encode(encoder),
        (Kind::Counter, Value::Real(real)) => ConstCounter::new(real).encode(encoder),
        (Kind::Gauge, Value::Count(count)) => ConstGauge::new(count).encode(encoder),
        (Kind::Gauge, Value::Real(real)) => ConstGauge::new(real).encode(encoder),
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        self.server(&mut writer)?;
        self.process(&mut writer)?;
        self.hosts(&mut writer)?;
        self.commands(&mut writer)?;
        self.http(&mut writer)?;
        self.0.metrics.collect().iter().try_for_each(|family| writer.family(family))
    }
}

impl Figures {
    fn server(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let version = [([("version", env!("CARGO_PKG_VERSION").to_owned())], 1)];
        writer.gauges("build_info", "The server's version; always 1", &version)?;
        let up = self.0.clock.unix_micros().saturating_sub(self.0.started_micros()).div_euclid(1_000_000);
        writer.gauge("uptime", "Time since the start", Some(&Unit::Seconds), up)
    }

    fn process(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let own = Process::read();
        if let Some(seconds) = own.cpu_seconds {
            let help = "User and system time since the start";
            let seconds_total = ConstCounter::new(seconds);
            let encoder =
                writer.0.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?;
            seconds_total.encode(encoder)?;
        }
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        if let Some(bytes) = own.resident_bytes {
            writer.gauge("process_resident_memory", "Memory in use", Some(&Unit::Bytes), signed(bytes))?;
        }
        if let Some(count) = own.descriptors {
            writer.gauge("process_open_descriptors", "Open files and sockets", None, signed(count))?;
        }
        if let Some(count) = own.threads {
            writer.gauge("process_threads", "Threads", None, signed(count))?;
        }
        Ok(())
    }

    fn hosts(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let hosts = self.0.hosts();
        let of_each = |value: &dyn Fn(&Host) -> i64| -> Vec<([Label; 1], i64)> {
            hosts.iter().map(|host| ([("host", host.name.to_string())], value(host))).collect()
        };
        let mut online: BTreeMap<String, i64> = BTreeMap::new();
        for session in self.0.sessions.collect(|_| true) {
            *online.entry(session.jid.domain().to_owned()).or_default() += 1;
        }
        let sessions = of_each(&|host| online.get(host.name.as_str()).copied().unwrap_or(0));
        writer.gauges("sessions", "Connected resources", &sessions)?;
        let ready = of_each(&|host| i64::from(host.store.health().breaker == BreakerState::Closed));
        writer.gauges("store_ready", "Whether the host's database works", &ready)?;
        let pending = of_each(&|host| i64::try_from(host.store.health().pending).unwrap_or(i64::MAX));
        writer.gauges("store_pending_writes", "Writes accepted and not yet durable", &pending)?;
        let mut attempts = Vec::new();
        for host in &hosts {
            for protocol in Protocol::ALL {
                let (succeeded, failed) = host.attempts.of(protocol);
                for (result, count) in [("success", succeeded), ("failure", failed)] {
                    let labels = [
                        ("host", host.name.to_string()),
                        ("protocol", protocol.name().to_owned()),
                        ("result", result.to_owned()),
                    ];
                    attempts.push((labels, count));
                }
            }
        }
        writer.counts("authentications", "Attempts to authenticate", &attempts)
    }

    fn commands(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let counts = &self.0.commands.counts;
        writer.count("commands_called", "Administration commands that were run", &counts.called)?;
        writer.count(
            "commands_failed",
            "Administration commands that were run and failed",
            &counts.failed,
        )?;
        writer.count(
            "commands_refused",
            "Administration commands that the caller may not run",
            &counts.refused,
        )
    }

    fn http(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let stats = self.0.shared::<HttpStats>();
        writer.count("http_connections", "HTTP connections accepted", &stats.connections)?;
        let open = i64::try_from(stats.connections_open.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        writer.gauge("http_connections_open", "HTTP connections that are open", None, open)?;
        writer.count("http_requests", "HTTP requests understood", &stats.requests)?;
        let answers = [("4xx", &stats.responses_4xx), ("5xx", &stats.responses_5xx)];
        let answers =
            answers.map(|(class, count)| ([("class", class.to_owned())], count.load(Ordering::Relaxed)));
        writer.counts("http_errors", "HTTP answers that tell of an error", &answers)
    }
}
