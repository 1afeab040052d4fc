//! `nightjar manual`: what the documentation is made of.

use std::process::ExitCode;

use super::print;
use crate::node::with_declarations;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Markdown (what it prints in any case)
    #[arg(long)]
    markdown: bool,
    /// A JSON schema of the configuration file instead
    #[arg(long, conflicts_with = "markdown")]
    schema: bool,
}

/// Prints what the declarations say.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let make = if arguments.schema { nightjar_config::json_schema } else { nightjar_config::manual };
    print(&with_declarations(make))
}
