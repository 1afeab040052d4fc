//! The comparison: the same work for each server in turn, in one run.

use super::{
    Kind, Setup,
    configuration::Place,
    plan::{Amount, Work},
    results::Results,
    server::{Server, free_port},
};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::{fs, io::Write, path::PathBuf};

/// A family of work that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Client connections: logins, idle sessions, chat, archive
    C2s,
    /// Relays of TURN over UDP
    Turn,
    /// Clients of MQTT
    Mqtt,
}

impl Suite {
    fn setups(self) -> &'static [Setup] {
        match self {
            Self::C2s => &[Setup::Chat, Setup::Archive],
            Self::Turn => &[Setup::Turn],
            Self::Mqtt => &[Setup::Mqtt],
        }
    }

    fn peers(self) -> Vec<Kind> {
        match self {
            Self::C2s => vec![Kind::Relay, Kind::Ejabberd, Kind::Prosody, Kind::Nightjar],
            Self::Turn => vec![Kind::Echo, Kind::Coturn, Kind::Ejabberd, Kind::Nightjar],
            Self::Mqtt => vec![Kind::Mosquitto, Kind::Ejabberd, Kind::Nightjar],
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What to compare
    #[arg(value_enum, default_value = "c2s")]
    suite: Suite,
    /// Servers to measure; all that do such work where this isn't given
    #[arg(long, value_enum, value_delimiter = ',')]
    peers: Vec<Kind>,
    /// Only work whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Times everything is measured; the median counts
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Seconds measured per work
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Idle sessions
    #[arg(long, default_value_t = 2000)]
    sessions: usize,
    /// Seconds that sessions stay idle before their memory is taken
    #[arg(long, default_value_t = 15.0)]
    settle: f64,
    /// Pairs that chat
    #[arg(long, default_value_t = 25)]
    pairs: usize,
    /// Accounts that exist at least when the time to get ready is taken
    #[arg(long, default_value_t = 0)]
    accounts: usize,
    /// Folder for the servers' homes and the report
    #[arg(long, default_value = "target/bench")]
    home: PathBuf,
    /// Nightjar's binary, a release build
    #[arg(long, default_value = "target/release/nightjar")]
    nightjar: PathBuf,
}

/// Prints tables in Markdown (or the JSON) and writes `report.json` beside the servers' homes. A work that fails for
/// one server is a gap in the tables with the reason below, and doesn't end the run.
pub fn run(options: &Options, json: bool) -> Result<()> {
    let peers = if options.peers.is_empty() { options.suite.peers() } else { options.peers.clone() };
    let options = &Options { peers, ..options.clone() };
    fs::create_dir_all(&options.home)?;
    let mut results = Results::new(&options.peers);
    for round in 1..=options.rounds.max(1) {
        for &setup in options.suite.setups() {
            progress(&format!("round {round} of {}, {} set-up", options.rounds.max(1), setup.name()));
            compare(options, setup, &mut results)?;
        }
    }
    let path = options.home.join("report.json");
    fs::write(&path, serde_json::to_string_pretty(&results.json())?)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&results.json())?)?;
    } else {
        writeln!(out, "{}\nEvery figure of every round: {}", results.tables(), path.display())?;
    }
    Ok(())
}

fn compare(options: &Options, setup: Setup, results: &mut Results) -> Result<()> {
    let works: Vec<Work> =
        setup.works().iter().copied().filter(|work| work.name().contains(&options.only)).collect();
    let amount = Amount {
        seconds: options.seconds,
        sessions: options.sessions,
        settle: options.settle,
        pairs: options.pairs,
        accounts: options.accounts,
    };
    let kinds: Vec<Kind> =
        options.peers.iter().copied().filter(|kind| works.iter().any(|work| work.suits(*kind))).collect();
    let mut servers = Vec::new();
    for kind in kinds {
        progress(&format!("  starting {}", kind.name()));
        match start(options, setup, kind, &amount) {
            Ok(server) => servers.push(server),
            Err(error) => results.fail(kind, setup.name(), &error),
        }
    }
    for work in works {
        for server in &mut servers {
            let kind = server.place.kind;
            if !work.suits(kind) {
                continue;
            }
            if work.needs_fresh_server() {
                if let Err(error) = server.restart() {
                    results.fail(kind, &work.name(), &error);
                    continue;
                }
                results.ready(kind, server.ready);
            }
            let measured = work.measure(server, &amount);
            progress(&match &measured {
                Ok(report) => format!("  {}: {report}", kind.name()),
                Err(error) => format!("  {}: {} FAILED: {error:#}", kind.name(), work.name()),
            });
            results.add(kind, work, measured);
        }
    }
    Ok(())
}

/// A server with its accounts.
fn start(options: &Options, setup: Setup, kind: Kind, amount: &Amount) -> Result<Server> {
    let nightjar = std::path::absolute(&options.nightjar)?;
    let server = Server::start(place(options, setup, kind)?, &nightjar)?;
    setup.register(&server, amount).context("creating accounts")?;
    Ok(server)
}

fn place(options: &Options, setup: Setup, kind: Kind) -> Result<Place> {
    let home = fs::canonicalize(&options.home)?.join(format!("{}-{}", kind.name(), setup.name()));
    Ok(Place {
        kind,
        setup,
        home,
        port: free_port()?,
        port_tls: free_port()?,
        port_http: free_port()?,
        port_turn: free_port()?,
        port_mqtt: free_port()?,
        port_mqtt_tls: free_port()?,
    })
}

/// A line for the person who waits; the results go to standard output.
fn progress(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", line.trim_end());
}
