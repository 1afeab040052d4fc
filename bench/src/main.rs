//! `nightjar-bench`: loads any XMPP server on this machine and says what it cost, and compares servers.

// Nothing outside a program can reach into it: `pub` here means "for other modules".
#![allow(unreachable_pub)]

mod certificate;
mod client;
mod framing;
mod histogram;
mod mqtt;
mod peers;
mod process;
mod relay;
mod report;
mod scram;
mod socket;
mod target;
mod turn;
mod work;

use anyhow::Result;
use clap::{Parser, Subcommand};
use report::Report;
use std::{future::Future, io::Write, path::PathBuf};
use target::Target;
use tokio::task::LocalSet;

/// Loads an XMPP server on this machine, and measures throughput, latency, CPU time and memory.
///
/// Accounts must exist: create them with `register` or with the server's own tool.
#[derive(Debug, Parser)]
#[command(name = "nightjar-bench", version)]
struct Cli {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create accounts by in-band registration (XEP-0077)
    Register {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::register::Options,
    },
    /// Log in and out again, as often as possible
    Login {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::login::Options,
    },
    /// Hold idle sessions and measure what one costs in memory
    Idle {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::idle::Options,
    },
    /// Pairs of users who send each other messages, a fixed number in flight
    Chat {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::chat::Options,
    },
    /// Chat as `chat` does, then count what the archive holds (XEP-0313)
    ArchiveStore {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::chat::Options,
    },
    /// Fill archives, then read them in pages
    ArchivePage {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::page::Options,
    },
    /// Call administration commands over HTTP
    Api {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::api::Options,
    },
    /// Load an MQTT server
    Mqtt {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        options: work::mqtt::Options,
    },
    /// Serve as a bare relay of bytes between each two connections: the floor for `chat --bare`
    Relay {
        /// Port to listen on, on 127.0.0.1
        #[arg(long)]
        port: u16,
    },
    /// Send every datagram back: the floor for relays of TURN
    Echo {
        /// Port to listen on, on 127.0.0.1
        #[arg(long)]
        port: u16,
    },
    /// Write a self-signed certificate and its key (P-256) as one PEM file
    Certificate {
        #[arg(long, default_value = "localhost")]
        domain: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// Run servers in turn with the same work and print ratios
    Compare(peers::compare::Options),
}

fn main() -> Result<()> {
    let Cli { json, command } = Cli::parse();
    match command {
        Command::Register { target, options } => show(json, run(work::register::run(&target, &options))?),
        Command::Login { target, options } => show(json, run(work::login::run(&target, &options))?),
        Command::Idle { target, options } => show(json, run(work::idle::run(&target, &options))?),
        Command::Chat { target, options } => show(json, run(work::chat::run(&target, &options))?),
        Command::ArchiveStore { target, options } => show(json, run(work::store::run(&target, &options))?),
        Command::ArchivePage { target, options } => show(json, run(work::page::run(&target, &options))?),
        Command::Api { target, options } => show(json, run(work::api::run(&target, &options))?),
        Command::Mqtt { target, options } => show(json, run(work::mqtt::run(&target, &options))?),
        Command::Relay { port } => run(relay::run(port)),
        Command::Echo { port } => turn::echo::run(port),
        Command::Certificate { domain, out } => certificate::write(&domain, &out),
        Command::Compare(options) => peers::compare::run(&options, json),
    }
}

/// One thread: the machine's other cores are the server's.
fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}

fn show(json: bool, report: Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(())
}
