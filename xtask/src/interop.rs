//! Real clients against a real server. Each file of `tests/interop/suites/` is one suite; the
//! comments on top of it say how it is run (see tests/interop/README.md):
//!
//! - `server: FILE` starts a server of its own with that configuration, `server: none` starts none
//!   (the suite starts and kills its own, from the same variables);
//! - `databases: yes` names PostgreSQL and MariaDB, running, in the variables of the contract tests;
//! - `seconds: N` is the time it may take.

mod server;

use crate::shell::{self, Running};
use crate::suite::databases::Databases;
use crate::suite::setup;
use crate::tally::Tally;
use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use server::Server;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// Suites wait more than they compute, so a few at a time use the machine better than one.
const AT_ONCE: usize = 3;

struct Suite {
    name: String,
    path: PathBuf,
    configuration: Option<String>,
    databases: bool,
    limit: Duration,
}

/// What names the databases to a suite.
type Variables = [(String, String)];

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    for complaint in setup::all().complaints {
        println!("set-up: {complaint}");
    }
    if std::env::var_os("NIGHTJAR_BIN").is_none() {
        shell::must("build", shell::cargo().args(["build", "--workspace", "--bins", "--quiet"]))?;
    }
    let tally = run(arguments, None)?;
    println!("{tally}");
    Ok(tally.failed == 0)
}

/// Runs the suites named, or all. Databases are started for those that want them, unless there are some.
pub(crate) fn run(names: &[String], databases: Option<&Variables>) -> Result<Tally> {
    let mut suites = suites()?;
    if let Some(unknown) = names.iter().find(|name| !suites.iter().any(|suite| suite.name == **name)) {
        bail!("there is no interop suite `{unknown}`");
    }
    suites.retain(|suite| names.is_empty() || names.contains(&suite.name));
    let wanted = databases.is_none() && suites.iter().any(|suite| suite.databases);
    let started = if wanted { Some(Databases::start()?) } else { None };
    let started_variables = started.as_ref().map(Databases::variables);
    let databases = databases.or(started_variables.as_deref()).unwrap_or_default();
    // The longest first, so that none is left alone at the end.
    suites.sort_by_key(|suite| suite.limit);
    let waiting = Mutex::new(suites);
    let sum = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(suite) = waiting.lock().ok().and_then(|mut waiting| waiting.pop()) {
                    let tally = run_one(&suite, databases).unwrap_or_else(|error| {
                        println!("{}: {error:#}", suite.name);
                        Tally::FAILED
                    });
                    println!("{}: {tally}", suite.name);
                    if let Ok(mut sum) = sum.lock() {
                        *sum += tally;
                    }
                }
            });
        }
    });
    sum.into_inner().map_err(|_| anyhow::anyhow!("a suite's runner panicked"))
}

fn suites() -> Result<Vec<Suite>> {
    let folder = shell::root().join("tests/interop/suites");
    let mut suites = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let extension = path.extension().unwrap_or_default();
        if extension != "py" && extension != "mjs" {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        suites.push(described(name, path, &text)?);
    }
    Ok(suites)
}

fn described(name: String, path: PathBuf, text: &str) -> Result<Suite> {
    let header = |key: &str| {
        text.lines()
            .take_while(|line| line.starts_with('#') || line.starts_with("//"))
            .find_map(|line| line.trim_start_matches(['#', '/', ' ']).strip_prefix(key)?.strip_prefix(':'))
            .map(str::trim)
    };
    let server = header("server").with_context(|| format!("{name}: the header names no server"))?;
    let seconds = header("seconds").unwrap_or("120").parse().with_context(|| format!("{name}: seconds"))?;
    let configuration = (server != "none").then(|| server.to_owned());
    let databases = header("databases") == Some("yes");
    Ok(Suite { name, path, configuration, databases, limit: Duration::from_secs(seconds) })
}

fn run_one(suite: &Suite, databases: &Variables) -> Result<Tally> {
    let home = shell::work().join("interop").join(&suite.name);
    let mut server = Server::prepare(&home, suite.configuration.as_deref().unwrap_or("nightjar.yml.in"))?;
    if suite.configuration.is_some() {
        server.start()?;
    }
    let (output, in_time) = run_client(suite, &server, databases)?;
    let mut tally = Tally::last_in(&output);
    if !in_time {
        println!("{}: not finished after {} s", suite.name, suite.limit.as_secs());
        tally = None;
    }
    let mut tally = tally.unwrap_or(Tally::FAILED);
    for complaint in server.complaints() {
        println!("{}: {complaint}", suite.name);
        tally += Tally::FAILED;
    }
    if tally.failed > 0 || tally.skipped > 0 {
        let verdicts: Vec<&str> =
            output.lines().filter(|line| line.starts_with("FAIL") || line.starts_with("SKIP")).collect();
        println!("{}", if verdicts.is_empty() { shell::tail(&output, 30) } else { verdicts.join("\n") });
        println!("   all of it: {}", home.display());
    }
    Ok(tally)
}

/// The suite's output, and whether it ended in its time.
fn run_client(suite: &Suite, server: &Server, databases: &Variables) -> Result<(String, bool)> {
    let interop = shell::root().join("tests/interop");
    let mut command = if suite.path.extension().is_some_and(|extension| extension == "mjs") {
        Command::new("node")
    } else {
        let mut python = Command::new(setup::python_program());
        python.env("PYTHONPATH", interop.join("lib")).env("PYTHONDONTWRITEBYTECODE", "1").arg("-u");
        python
    };
    command.arg(&suite.path).current_dir(server.home()).envs(server.variables());
    command.env("NJ_SUITE", &suite.name).env("NJ_NPM", setup::npm_folder());
    if suite.databases {
        command.envs(databases.iter().cloned());
    }
    let log = server.home().join("suite.log");
    let mut running = Running::start(&mut command, &log, Signal::TERM)?;
    let in_time = running.wait(suite.limit);
    let clean = running.succeeded();
    drop(running);
    let output = String::from_utf8_lossy(&fs::read(Path::new(&log))?).into_owned();
    // A closing line without failures does not excuse an exit code that says otherwise.
    let said_so = Tally::last_in(&output).is_some_and(|tally| tally.failed > 0);
    Ok(if clean || said_so {
        (output, in_time)
    } else {
        (format!("{output}\n0 passed, 1 failed, 0 skipped\n"), in_time)
    })
}

#[cfg(test)]
mod tests;
