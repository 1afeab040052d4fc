//! `cargo xtask TASK`: everything the project does to itself.
#![allow(clippy::print_stdout, reason = "a command line tool speaks on standard output")]

mod bench;
mod changelog;
mod dist;
mod docs;
mod fuzz;
mod interop;
mod licences;
mod parity;
mod shell;
mod suite;
mod tally;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK [OPTIONS]

Tasks
  test [--only PART[,PART…]] [--list]   everything continuous integration runs, set-up included
  tidy                                  layers, lengths, forbidden words and calls
  parity [--missing KIND | --prune]     how much of ejabberd is known, declared and built
  docs [--check]                        writes docs/manual/ from the option declarations
  dist [--files | --check]              the Debian package; packaging/ is generated as far as it follows from the program
  licences                              licences, sources and duplicates of all dependencies
  interop [SUITE…]                      real clients against a real server
  fuzz [--seconds N] [TARGET…]          a bounded run of the fuzz targets
  bench [c2s|s2s|turn|mqtt] [OPTIONS]   Nightjar beside Debian's ejabberd, Prosody and others, see docs/performance.md
  changelog [--release VERSION]         shows, or moves into CHANGELOG.md, the fragments of changelog.d/

NIGHTJAR_BIN in the environment names another program to test than the one of the debug build.

Examples
  cargo xtask test --only tidy,unit
  cargo xtask interop main_job
  cargo xtask fuzz --seconds 60 xml
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return ExitCode::from(2);
    };
    let done = match task.as_str() {
        "test" => suite::command(rest),
        "tidy" => tidy::command(rest),
        "parity" => parity::command(rest),
        "docs" => docs::command(rest),
        "dist" => dist::command(rest),
        "licences" => licences::command(rest),
        "interop" => interop::command(rest),
        "fuzz" => fuzz::command(rest),
        "bench" => bench::run(rest).map(|()| true),
        "changelog" => changelog::command(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => Err(anyhow::anyhow!("there is no task `{other}`; see `cargo xtask help`")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
