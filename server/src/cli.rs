//! The command line.

mod check;
mod doctor;
mod epmd;
mod erlang;
mod firewall;
mod generate;
mod init;
mod manual;
mod start;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// An XMPP server that reads ejabberd's configuration.
#[derive(Parser)]
#[command(
    name = "nightjar",
    version,
    after_help = "Examples:\n  nightjar                                 start with nothing configured, for this machine only\n  \
                  nightjar start --config ejabberd.yml     start with a configuration\n  \
                  nightjar check --config ejabberd.yml     tell every mistake in it\n  \
                  nightjar init --host example.org         write a configuration for a real deployment\n  \
                  nightjar doctor                          tell what is wrong with an installation\n  \
                  nightjar firewall print --format nft     write rules for what has to get through\n  \
                  nightjar ctl status                      ask the running node\n  \
                  nightjar ctl help commands               what it can be asked"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start a node in the foreground (what happens without a command, too)
    Start(start::Arguments),
    /// Read a configuration and report every mistake. Exit code: 0 fine, 1 mistakes, 2 can't be read
    Check(check::Arguments),
    /// Tell what is wrong with an installation. Exit code: 0 clean, 1 warnings, 2 something critical
    Doctor(doctor::Arguments),
    /// What a firewall has to let through
    Firewall(firewall::Arguments),
    /// Write a configuration, folders and a unit for a real deployment; never over anything. Exit code: 0 written,
    /// 1 not, 3 a file was there already
    Init(init::Arguments),
    /// Administer a running node: nightjar ctl [--home DIR] COMMAND…
    #[command(disable_help_flag = true)]
    Ctl {
        /// The command and its arguments; `help` tells which there are
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Write what a package has besides the program
    #[command(hide = true)]
    Generate(generate::Arguments),
    /// Tell nodes of this machine each other's ports, as Erlang's epmd does
    Epmd(epmd::Arguments),
    /// Print the manual of all options
    #[command(hide = true)]
    Manual(manual::Arguments),
    /// Print the version
    Version,
}

/// Does what the command line says.
pub(crate) fn run() -> ExitCode {
    match Cli::parse().command {
        None => start::run(start::Arguments::default()),
        Some(Command::Start(arguments)) => start::run(arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Ctl { words }) => crate::ctl(words, false),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Firewall(arguments)) => firewall::run(&arguments),
        Some(Command::Generate(arguments)) => generate::run(&arguments, Cli::command()),
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Epmd(arguments)) => epmd::run(&arguments),
        Some(Command::Manual(arguments)) => manual::run(&arguments),
        Some(Command::Version) => print(concat!("nightjar ", env!("CARGO_PKG_VERSION"))),
    }
}

/// Prints a text and a line's end. A reader that went away is no failure.
fn print(text: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests;
