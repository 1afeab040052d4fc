//! What a run measured, for people and for programs.

use crate::{
    histogram::Latency,
    process::{Memory, Process},
};
use anyhow::Result;
use serde::Serialize;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// One measurement. "CPU" is user and system time of the whole process tree, per unit, in microseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub work: String,
    pub unit: &'static str,
    pub units: u64,
    pub seconds: f64,
    pub per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_us: Option<f64>,
    pub client_cpu_us: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<SessionMemory>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Memory of idle sessions. Bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SessionMemory {
    /// The server before any session.
    pub server: Memory,
    /// Growth of the server's resident memory, per session.
    pub user_per_session: f64,
    /// Growth of its anonymous memory, per session.
    pub anonymous_per_session: f64,
    /// Growth of the kernel's socket memory, per session; both ends, and whatever else the machine did meanwhile.
    pub kernel_per_session: f64,
    /// CPU time the server used per session and second while all were idle, in microseconds.
    pub idle_cpu_us: f64,
}

/// The measured part of a run, from `open` to `close`.
#[derive(Debug)]
pub struct Window {
    started: Instant,
    server: Option<Process>,
    server_cpu: Duration,
    client_cpu: Duration,
}

impl Window {
    pub fn open(pid: Option<u32>) -> Result<Self> {
        let server = pid.map(Process::new);
        let server_cpu = server.map(|process| process.cpu()).transpose()?.unwrap_or_default();
        Ok(Self { started: Instant::now(), server, server_cpu, client_cpu: Process::this().own_cpu()? })
    }

    pub fn close(self, work: String, unit: &'static str, units: u64) -> Result<Report> {
        let seconds = self.started.elapsed().as_secs_f64();
        let per_unit = |spent: Duration| spent.as_secs_f64() * 1e6 / units.max(1) as f64;
        let server_cpu_us = match self.server {
            Some(process) => Some(per_unit(process.cpu()?.saturating_sub(self.server_cpu))),
            None => None,
        };
        let client_cpu_us = per_unit(Process::this().own_cpu()?.saturating_sub(self.client_cpu));
        Ok(Report {
            work,
            unit,
            units,
            seconds,
            per_second: units as f64 / seconds,
            server_cpu_us,
            client_cpu_us,
            latency_us: None,
            memory: None,
            notes: Vec::new(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, unit, units, seconds, per_second, .. } = self;
        writeln!(out, "{work}")?;
        writeln!(out, "  {units} {unit}s in {seconds:.1} s, {per_second:.0} per second")?;
        if let Some(server) = self.server_cpu_us {
            writeln!(
                out,
                "  CPU per {unit}: server {server:.1} µs, this client {:.1} µs",
                self.client_cpu_us
            )?;
        }
        if let Some(Latency { p50, p90, p99, max }) = self.latency_us {
            writeln!(out, "  latency: p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs, max {max:.0} µs")?;
        }
        if let Some(memory) = &self.memory {
            let kib = |bytes: f64| bytes / 1024.0;
            let mib = memory.server.resident as f64 / 1048576.0;
            writeln!(out, "  server before the sessions: {mib:.1} MiB resident")?;
            writeln!(
                out,
                "  per session: {:.1} KiB resident ({:.1} anonymous), kernel {:.1} KiB for both ends, {:.2} µs of CPU a second",
                kib(memory.user_per_session),
                kib(memory.anonymous_per_session),
                kib(memory.kernel_per_session),
                memory.idle_cpu_us
            )?;
        }
        for note in &self.notes {
            writeln!(out, "  {note}")?;
        }
        Ok(())
    }
}
