//! `nightjar init`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use nightjar_config::{Environment, load_with};
use nightjar_install::{InstallError, Plan, Request};
use nightjar_jid::Jid;

use crate::node::with_declarations;

#[cfg(test)]
mod tests;

/// A file was there already.
const EXISTS: u8 = 3;
/// Who runs a node that root sets up.
const SYSTEM_USER: &str = "nightjar";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The domain that is served
    #[arg(long, value_name = "DOMAIN")]
    host: String,
    /// The folder for configuration, certificates and home
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The local part of the administrator's account
    #[arg(long, value_name = "NAME", default_value = "admin")]
    admin: String,
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Writes what a deployment needs, and never over anything.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    use std::io::Write as _;
    match init(arguments) {
        Ok(text) => {
            let _ = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "nightjar: {error:#}");
            let exists = matches!(error.downcast_ref(), Some(InstallError::Exists(_)));
            if exists { ExitCode::from(EXISTS) } else { ExitCode::FAILURE }
        }
    }
}

/// What is printed.
fn init(arguments: &Arguments) -> anyhow::Result<String> {
    let plan = plan(arguments)?;
    check(&plan)?;
    if arguments.dry_run {
        return Ok(rehearsed(&plan));
    }
    plan.write()?;
    let mut text = String::new();
    for path in plan.files.iter().map(|file| &file.path).chain(&plan.folders) {
        let _ = writeln!(text, "wrote {}", path.display());
    }
    Ok(format!("{text}\n{}", plan.next_steps))
}

fn plan(arguments: &Arguments) -> anyhow::Result<Plan> {
    let (admin, host) = (&arguments.admin, &arguments.host);
    let account: Jid =
        format!("{admin}@{host}").parse().with_context(|| format!("{admin}@{host} is no account"))?;
    let Some(local) = account.local().filter(|_| account.resource().is_none()) else {
        anyhow::bail!("{admin}@{host} is no account");
    };
    let request = Request {
        host: account.domain().to_owned(),
        folder: std::path::absolute(&arguments.dir).context("--dir")?,
        admin: local.to_owned(),
        program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/usr/bin/nightjar")),
        user: user(),
    };
    Ok(Plan::new(&request))
}

/// Who is to run the node: whoever sets it up, but not root.
fn user() -> String {
    let uid = rustix::process::geteuid();
    if uid.is_root() {
        return SYSTEM_USER.to_owned();
    }
    std::env::var("USER").unwrap_or_else(|_| uid.as_raw().to_string())
}

/// A configuration that this server would refuse is not written.
fn check(plan: &Plan) -> anyhow::Result<()> {
    let file = plan.configuration().context("there is no configuration")?;
    let files = BTreeMap::from([(file.path.clone(), file.text.clone().into_bytes())]);
    let path: &Path = &file.path;
    let loaded =
        with_declarations(|declarations| load_with(path, declarations, &Environment::default(), &files));
    let mistakes = loaded.err().unwrap_or_default();
    ensure!(
        mistakes.is_empty(),
        "{}",
        mistakes.first().map(|mistake| mistake.one_line()).unwrap_or_default()
    );
    Ok(())
}

fn rehearsed(plan: &Plan) -> String {
    let mut text = String::new();
    for folder in &plan.folders {
        let _ = writeln!(text, "### folder {} (0700)", folder.display());
    }
    for file in &plan.files {
        let _ = writeln!(text, "\n### file {} ({:04o})\n\n{}", file.path.display(), file.mode, file.text);
    }
    format!("{text}{}", plan.next_steps)
}
