//! What a comparison found: medians, ratios, tables.

use super::{Kind, plan::Work};
use crate::report::Report;
use anyhow::{Error, Result};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};

/// All measurements, in the order in which they were made.
#[derive(Debug)]
pub struct Results {
    peers: Vec<Kind>,
    rows: Vec<Row>,
    reports: Vec<(Kind, Report)>,
    failures: Vec<String>,
    load: String,
}

/// One figure of all servers.
#[derive(Debug)]
struct Row {
    name: String,
    unit: &'static str,
    values: Vec<(Kind, f64)>,
    /// Not part of the main table: rates and latencies, which depend on the machine's other load
    detail: bool,
}

impl Results {
    pub fn new(peers: &[Kind]) -> Self {
        Self {
            peers: peers.to_vec(),
            rows: Vec::new(),
            reports: Vec::new(),
            failures: Vec::new(),
            load: load(),
        }
    }

    pub fn ready(&mut self, kind: Kind, time: Duration) {
        self.value("from start to ready", "ms", kind, time.as_secs_f64() * 1000.0, false);
    }

    pub fn add(&mut self, kind: Kind, work: Work, measured: Result<Report>) {
        let name = work.name();
        match measured {
            Ok(report) => {
                self.figures(kind, &name, &report);
                self.reports.push((kind, report));
            }
            Err(error) => self.fail(kind, &name, &error),
        }
    }

    /// Keeps the reason for a gap.
    pub fn fail(&mut self, kind: Kind, what: &str, error: &Error) {
        self.failures.push(format!("{}, {what}: {error:#}", kind.name()));
    }

    fn figures(&mut self, kind: Kind, name: &str, report: &Report) {
        if let Some(memory) = &report.memory {
            let kib = |bytes: f64| bytes / 1024.0;
            self.value(
                "server without sessions",
                "MiB",
                kind,
                memory.server.resident as f64 / 1_048_576.0,
                false,
            );
            self.value(name, "KiB", kind, kib(memory.user_per_session), false);
            self.value(
                &format!("{name}, kernel, both ends"),
                "KiB",
                kind,
                kib(memory.kernel_per_session),
                true,
            );
            self.value(&format!("{name}, CPU per second"), "µs", kind, memory.idle_cpu_us, true);
            return;
        }
        if let Some(cpu) = report.server_cpu_us {
            self.value(name, "µs of CPU", kind, cpu, false);
        }
        self.value(name, "per second", kind, report.per_second, true);
        if let Some(latency) = report.latency_us {
            self.value(name, "µs, p50", kind, latency.p50, true);
            self.value(name, "µs, p99", kind, latency.p99, true);
        }
        self.value(name, "µs of the client's CPU", kind, report.client_cpu_us, true);
    }

    fn value(&mut self, name: &str, unit: &'static str, kind: Kind, value: f64, detail: bool) {
        match self.rows.iter_mut().find(|row| row.name == name && row.unit == unit) {
            Some(row) => row.values.push((kind, value)),
            None => self.rows.push(Row { name: name.into(), unit, values: vec![(kind, value)], detail }),
        }
    }

    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let values: Vec<_> = row.values.iter().map(|(kind, value)| json!([kind.name(), value])).collect();
            json!({ "name": row.name, "unit": row.unit, "values": values })
        });
        let reports =
            self.reports.iter().map(|(kind, report)| json!({ "peer": kind.name(), "report": report }));
        json!({
            "figures": rows.collect::<Vec<_>>(),
            "reports": reports.collect::<Vec<_>>(),
            "failures": self.failures,
            "machine": self.machine(),
        })
    }

    /// Two tables in Markdown: CPU time and memory with ratios, then rates and latencies; then what failed.
    pub fn tables(&self) -> String {
        let mut text = self.table("CPU time and memory", false);
        text.push_str(&self.table("Rates and latencies", true));
        for failure in &self.failures {
            let _ = writeln!(text, "No figure: {failure}");
        }
        let _ = writeln!(text, "{}", self.machine());
        text
    }

    /// Says how busy the machine was otherwise, for the reader who compares runs.
    fn machine(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        format!("{cores} cores, load average {} before and {} after", self.load, load())
    }

    fn table(&self, title: &str, detail: bool) -> String {
        let others: Vec<Kind> = match self.peers.contains(&Kind::Nightjar) {
            true => self.peers.iter().copied().filter(|kind| *kind != Kind::Nightjar).collect(),
            false => Vec::new(),
        };
        let mut text = format!("\n{title}\n\n| figure | unit |");
        for kind in &self.peers {
            let _ = write!(text, " {} |", kind.name());
        }
        for kind in &others {
            let _ = write!(text, " {} ÷ nightjar |", kind.name());
        }
        let columns = self.peers.len() + others.len();
        let _ = writeln!(text, "\n|---|---|{}", "---:|".repeat(columns));
        for row in self.rows.iter().filter(|row| row.detail == detail) {
            let _ = write!(text, "| {} | {} |", row.name, row.unit);
            for kind in &self.peers {
                let _ = write!(text, " {} |", row.median(*kind).map_or("–".into(), round));
            }
            for kind in &others {
                let _ = write!(text, " {} |", row.ratio(*kind).map_or("–".into(), round));
            }
            text.push('\n');
        }
        text
    }
}

impl Row {
    fn median(&self, kind: Kind) -> Option<f64> {
        let mut values: Vec<f64> =
            self.values.iter().filter(|(of, _)| *of == kind).map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() % 2 {
            0 => Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0),
            _ => values.get(middle).copied(),
        }
    }

    fn ratio(&self, kind: Kind) -> Option<f64> {
        let nightjar = self.median(Kind::Nightjar).filter(|value| *value > 0.0)?;
        Some(self.median(kind)? / nightjar)
    }
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Three digits, whole numbers from 100 on with their thousands apart.
fn round(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests;
