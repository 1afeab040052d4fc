//! `nightjar check`

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use nightjar_config::{Severity, diagnostic};

use super::print;
use crate::home::Home;
use crate::node::read_config;

/// The file has mistakes.
const MISTAKES: u8 = 1;
/// The file can't be read.
const UNREADABLE: u8 = 2;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file; the built-in one if left out
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print a JSON array of mistakes and remarks
    #[arg(long)]
    json: bool,
}

/// Reads a configuration without any side effect.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let home = Home::locate(None);
    let readable = arguments.config.as_ref().is_none_or(|file| std::fs::File::open(file).is_ok());
    let found = match read_config(arguments.config.as_ref(), &home) {
        Ok((_, remarks)) => remarks,
        Err(mistakes) => mistakes,
    };
    let mistakes = found.iter().filter(|found| found.severity == Severity::Error).count();
    if arguments.json {
        print(&diagnostic::render_json(&found));
    } else {
        let remarks = found.len() - mistakes;
        let text = diagnostic::render(&found, std::io::stdout().is_terminal());
        let verdict = if mistakes == 0 { "fine" } else { "not usable" };
        let count = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        print(&format!("{text}{verdict}: {}, {}", count(mistakes, "mistake"), count(remarks, "remark")));
    }
    match mistakes {
        0 => ExitCode::SUCCESS,
        _ if !readable => ExitCode::from(UNREADABLE),
        _ => ExitCode::from(MISTAKES),
    }
}
