//! The parts that are cargo's. Every build is of the whole workspace with one profile, so that
//! features resolve alike and nothing is compiled twice.

use super::Context;
use crate::shell::{self, Finished};
use crate::tally::Tally;
use anyhow::{Result, bail};
use std::process::Command;

/// A test program with a runner of its own, which plays all scripts against one server.
const SCENARIOS: &str = "scenarios";

pub(crate) fn fmt() -> Result<Tally> {
    verdict("fmt", shell::cargo().args(["fmt", "--all", "--check"]))
}

pub(crate) fn clippy() -> Result<Tally> {
    let mut command = shell::cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]);
    verdict("clippy", &mut command)
}

pub(crate) fn build() -> Result<Tally> {
    verdict("build", shell::cargo().args(["build", "--workspace", "--lib", "--bins", "--tests", "--quiet"]))
}

pub(crate) fn unit(context: &mut Context) -> Result<Tally> {
    let databases = context.databases()?.variables();
    let mut tally = tests(&databases)?;
    // nextest leaves out the examples in documentation.
    if shell::has("cargo-nextest") {
        let mut command = shell::cargo();
        command.args(["test", "--workspace", "--doc", "--quiet"]);
        let finished = shell::logged("doc", &mut command)?;
        tally += counted("doc", &finished, Tally::in_libtest)?;
    }
    Ok(tally)
}

pub(crate) fn scenarios(context: &mut Context) -> Result<Tally> {
    context.installed()?;
    let mut command = shell::cargo();
    command
        .args(["test", "--workspace", "--test", SCENARIOS, "--quiet"])
        .env("NIGHTJAR_BIN", shell::binary());
    let finished = shell::logged("scenarios", &mut command)?;
    counted("scenarios", &finished, Tally::last_in)
}

/// Runs the unit tests with nextest, or with cargo's own runner where nextest is not installed.
fn tests(variables: &[(String, String)]) -> Result<Tally> {
    let mut command = shell::cargo();
    let nextest = shell::has("cargo-nextest");
    if nextest {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"]);
        command.args(["--final-status-level", "slow", "--filterset", &format!("not binary({SCENARIOS})")]);
    } else {
        command.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    }
    command.env("NIGHTJAR_BIN", shell::binary()).envs(variables.iter().cloned());
    let finished = shell::logged("unit", &mut command)?;
    counted("unit", &finished, if nextest { Tally::in_nextest } else { Tally::in_libtest })
}

fn counted(name: &str, finished: &Finished, count: fn(&str) -> Option<Tally>) -> Result<Tally> {
    if !finished.success {
        println!("{}", shell::tail(&finished.output, 150));
    }
    match count(&finished.output) {
        Some(tally) if finished.success || tally.failed > 0 => Ok(tally),
        // Every test passed and yet the runner failed, or nothing was counted: no success.
        Some(tally) => Ok(Tally { failed: 1, ..tally }),
        None if finished.success => bail!("{name}: the runner counted nothing"),
        None => Ok(Tally::FAILED),
    }
}

fn verdict(name: &str, command: &mut Command) -> Result<Tally> {
    let finished = shell::logged(name, command)?;
    if !finished.success {
        println!("{}", shell::tail(&finished.output, 80));
    }
    Ok(Tally::of(finished.success))
}
