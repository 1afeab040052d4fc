//! The server.

mod accounts;
mod backends;
mod banner;
mod boot;
mod certificates;
mod cli;
mod clock;
mod commands;
mod ctl;
mod erlang;
mod features;
mod first_account;
mod home;
mod hosts;
mod listeners;
mod logs;
mod node;
mod options;
mod pid_file;
mod process;
mod protect;
mod reload;
mod signals;
mod supervisor;
#[cfg(test)]
mod testing;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_default();
    // Scripts call it hundreds of times: nothing but the question itself is made ready for it.
    if Path::new(&program).file_name().is_some_and(|name| name == "ejabberdctl") {
        return ctl(arguments.collect(), true);
    }
    let mut arguments = arguments.peekable();
    if arguments.next_if(|word| word == "ctl").is_some() {
        return ctl(arguments.collect(), false);
    }
    cli::run()
}

/// `nightjar ctl`, or `ejabberdctl`
fn ctl(words: Vec<String>, is_ejabberdctl: bool) -> ExitCode {
    match ctl::flags::parse(words) {
        Ok(flags) => ctl::client::run(flags, is_ejabberdctl),
        Err(why) => {
            ctl::client::print(&ctl::render::Output::new(format!("Error: {why}"), ctl::render::USAGE))
        }
    }
}
