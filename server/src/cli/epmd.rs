//! `nightjar epmd`: the port mapper alone, for machines on which several nodes run.

use std::io::Write as _;
use std::process::ExitCode;

use nightjar_net_dist::epmd::{self, EpmdSettings};
use tokio::signal::unix::{SignalKind, signal};

use super::print;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port
    #[arg(long, value_name = "PORT", env = "ERL_EPMD_PORT", default_value_t = EpmdSettings::default().port, global = true)]
    port: u16,
    /// Addresses to listen on beside 127.0.0.1 and ::1, with commas between them
    #[arg(
        long,
        value_name = "ADDRESSES",
        env = "ERL_EPMD_ADDRESS",
        default_value = "",
        hide_default_value = true
    )]
    address: String,
    #[command(subcommand)]
    question: Option<Question>,
}

#[derive(clap::Subcommand)]
enum Question {
    /// Print the nodes that the running epmd knows
    Names,
    /// End the running epmd, if it knows no node
    Kill,
}

/// Runs an epmd until it is stopped, or asks the one that runs.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let work = async {
        match arguments.question {
            None => serve(arguments).await,
            Some(Question::Names) => ask(arguments, &epmd::Request::Names).await,
            Some(Question::Kill) => ask(arguments, &epmd::Request::Kill).await,
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(work)) {
        Ok(text) => print(text.trim_end()),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "epmd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> anyhow::Result<String> {
    let addresses = epmd::addresses(&arguments.address).map_err(anyhow::Error::msg)?;
    let server = epmd::serve(&EpmdSettings { port: arguments.port, addresses, start: true })?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        () = server.stopped() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok("epmd: stopped".to_owned())
}

async fn ask(arguments: &Arguments, request: &epmd::Request) -> anyhow::Result<String> {
    let at = EpmdSettings { port: arguments.port, ..EpmdSettings::default() }.local();
    match epmd::ask(at, request).await? {
        epmd::Answer::Names { port, nodes } => {
            let lines = nodes.iter().map(|(name, port)| format!("\nname {name} at port {port}"));
            Ok(format!("epmd: up and running on port {port} with data:{}", lines.collect::<String>()))
        }
        epmd::Answer::Text(text) if text == "OK" => Ok("Killed".to_owned()),
        epmd::Answer::Text(_) => anyhow::bail!("Killing not allowed - living nodes in database."),
        other => anyhow::bail!("{other:?}"),
    }
}
