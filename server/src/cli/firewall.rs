//! `nightjar firewall`

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use nightjar_config::diagnostic;
use nightjar_config::units::Network;
use nightjar_firewall::{Request, openings, render};

use super::erlang::ErlangArguments;
use crate::home::Home;
use crate::node::read_config;

#[cfg(test)]
mod tests;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print what the configuration opens, as a table or as rules. Exit code: 0 printed, 1 not
    Print(Print),
}

#[derive(clap::Args, Default)]
struct Print {
    /// A table for a person, or rules for a firewall
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only what this zone has to reach
    #[arg(long, value_enum)]
    zone: Option<Zone>,
    /// The configuration file; the built-in one if left out
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Machines of the cluster, as an address or a range; may be repeated
    #[arg(long, value_name = "CIDR")]
    cluster_address: Vec<String>,
    #[command(flatten)]
    erlang: ErlangArguments,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Table,
    Nft,
    Ufw,
    Firewalld,
    Iptables,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Zone {
    Public,
    Cluster,
    Local,
}

/// Prints rules; changes nothing.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Command::Print(print) = &arguments.command;
    match text(print) {
        Ok(text) => {
            let _ = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "nightjar: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn text(print: &Print) -> anyhow::Result<String> {
    let network = |text: &String| {
        Network::parse(text)
            .with_context(|| format!("--cluster-address {text}: neither an address nor a range"))
    };
    let cluster = print.cluster_address.iter().map(network).collect::<anyhow::Result<Vec<_>>>()?;
    let erlang = print.erlang.read()?;
    let config = match read_config(print.config.as_ref(), &Home::locate(None)) {
        Ok((config, _)) => config,
        Err(mistakes) => {
            let _ = write!(
                std::io::stderr(),
                "{}",
                diagnostic::render(&mistakes, std::io::stderr().is_terminal())
            );
            bail!("the configuration has mistakes");
        }
    };
    let request = Request { format: print.format.into(), zone: print.zone.map(Into::into), cluster };
    Ok(render(&openings(&config, erlang.as_ref()), &request))
}

impl From<Format> for nightjar_firewall::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Nft => Self::Nft,
            Format::Ufw => Self::Ufw,
            Format::Firewalld => Self::Firewalld,
            Format::Iptables => Self::Iptables,
        }
    }
}

impl From<Zone> for nightjar_firewall::Zone {
    fn from(zone: Zone) -> Self {
        match zone {
            Zone::Public => Self::Public,
            Zone::Cluster => Self::Cluster,
            Zone::Local => Self::Local,
        }
    }
}
