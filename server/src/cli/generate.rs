//! `nightjar generate`: what a package has besides the program, made from the command line's own declaration.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap_complete::Shell;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What is written
    #[arg(value_enum)]
    what: What,
    /// The folder it is written to
    folder: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// Manual pages
    Man,
    /// Completion for bash, zsh and fish
    Completion,
}

/// Writes the files of one kind.
pub(crate) fn run(arguments: &Arguments, command: clap::Command) -> ExitCode {
    let written = std::fs::create_dir_all(&arguments.folder).and_then(|()| match arguments.what {
        What::Man => man(&arguments.folder, command),
        What::Completion => completion(&arguments.folder, command),
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use io::Write as _;
            let _ = writeln!(io::stderr(), "nightjar: {}: {error}", arguments.folder.display());
            ExitCode::FAILURE
        }
    }
}

/// A page for the program and for each of its commands; ejabberdctl's is that of `nightjar ctl`.
fn man(folder: &Path, command: clap::Command) -> io::Result<()> {
    clap_mangen::generate_to(command, folder)?;
    std::fs::write(folder.join("ejabberdctl.8"), ".so man1/nightjar-ctl.1\n")
}

fn completion(folder: &Path, mut command: clap::Command) -> io::Result<()> {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "nightjar", folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
