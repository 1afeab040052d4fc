//! `cargo xtask test`: set-up, then every check in order, each with its closing line.

mod cargo;
pub(crate) mod databases;
pub(crate) mod setup;

use crate::tally::Tally;
use crate::{dist, docs, fuzz, interop, licences, parity, shell, tidy};
use anyhow::{Result, anyhow, bail};
use databases::Databases;
use std::time::Instant;

/// What the parts may ask for.
pub(crate) struct Context {
    /// Nothing may be skipped.
    pub ci: bool,
    databases: Option<Databases>,
    setup: Option<std::thread::JoinHandle<setup::Outcome>>,
    installed: Option<setup::Outcome>,
}

struct Part {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Context) -> Result<Tally>,
}

/// In the order of what fails soonest: what needs no build, what needs one, what needs servers.
const PARTS: &[Part] = &[
    Part { name: "fmt", about: "rustfmt has nothing to change", run: |_| cargo::fmt() },
    Part { name: "tidy", about: "layers, lengths, forbidden words and calls", run: |_| tidy::check() },
    Part {
        name: "licences",
        about: "licences, sources and duplicates of dependencies",
        run: |_| licences::check(),
    },
    Part { name: "clippy", about: "clippy without a warning", run: |_| cargo::clippy() },
    Part { name: "build", about: "every crate and test builds", run: |_| cargo::build() },
    Part { name: "parity", about: "nothing claimed that no test covers", run: |_| parity::check() },
    Part { name: "docs", about: "the generated manual is fresh", run: |_| docs::check() },
    Part { name: "dist", about: "packaging is fresh, units are tight, the package installs", run: dist },
    Part { name: "unit", about: "unit tests, databases included", run: cargo::unit },
    Part { name: "scenarios", about: "scripts of who sends and who receives", run: cargo::scenarios },
    Part { name: "interop", about: "real clients against a real server", run: interop },
    Part { name: "fuzz", about: "a few seconds of every fuzz target", run: fuzz },
];

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    let parts = chosen(arguments)?;
    let mut context = Context {
        ci: std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false"),
        databases: None,
        setup: None,
        installed: None,
    };
    if parts.iter().any(|part| ["dist", "unit", "scenarios", "interop", "fuzz"].contains(&part.name)) {
        // Packages arrive while the compiler works.
        context.setup = Some(std::thread::spawn(setup::all));
    }
    let start = Instant::now();
    let mut sum = Tally::default();
    for part in parts {
        sum += run(part, &mut context);
    }
    println!(
        "\n{:.0} seconds in all; logs are in {}",
        start.elapsed().as_secs_f32(),
        shell::work().join("logs").display()
    );
    let skipped_in_ci = context.ci && sum.skipped > 0;
    if skipped_in_ci {
        println!("nothing may be skipped here: {} skipped", sum.skipped);
    }
    println!("{sum}");
    Ok(sum.failed == 0 && !skipped_in_ci)
}

fn run(part: &Part, context: &mut Context) -> Tally {
    println!("\n== {} ({})", part.name, part.about);
    let start = Instant::now();
    let tally = (part.run)(context).unwrap_or_else(|error| {
        println!("{error:#}");
        Tally::FAILED
    });
    println!("{}: {tally}", part.name);
    println!("   {:.1} s", start.elapsed().as_secs_f32());
    tally
}

fn chosen(arguments: &[String]) -> Result<Vec<&'static Part>> {
    match arguments {
        [] => Ok(PARTS.iter().collect()),
        [list] if list == "--list" => {
            for part in PARTS {
                println!("{:<10} {}", part.name, part.about);
            }
            Ok(Vec::new())
        }
        [only, names] if only == "--only" => names
            .split(',')
            .map(|name| {
                PARTS
                    .iter()
                    .find(|part| part.name == name)
                    .ok_or_else(|| anyhow!("there is no part `{name}`; --list shows them"))
            })
            .collect(),
        _ => bail!("usage: cargo xtask test [--only PART[,PART…]] [--list]"),
    }
}

impl Context {
    /// What set-up could install; waits for it.
    pub(crate) fn installed(&mut self) -> Result<&setup::Outcome> {
        if self.installed.is_none() {
            let outcome = match self.setup.take() {
                Some(thread) => thread.join().map_err(|_| anyhow!("set-up panicked"))?,
                None => setup::all(),
            };
            for line in &outcome.complaints {
                println!("set-up: {line}");
            }
            self.installed = Some(outcome);
        }
        self.installed.as_ref().ok_or_else(|| anyhow!("set-up left nothing"))
    }

    /// PostgreSQL and MariaDB, started at the first call.
    fn databases(&mut self) -> Result<&Databases> {
        if self.databases.is_none() {
            self.installed()?;
            self.databases = Some(Databases::start()?);
        }
        self.databases.as_ref().ok_or_else(|| anyhow!("no databases"))
    }
}

fn dist(context: &mut Context) -> Result<Tally> {
    context.installed()?;
    dist::check()
}

fn interop(context: &mut Context) -> Result<Tally> {
    context.installed()?;
    let databases = context.databases()?.variables();
    interop::run(&[], Some(&databases))
}

fn fuzz(context: &mut Context) -> Result<Tally> {
    context.installed()?;
    fuzz::run(&[], 5)
}

#[cfg(test)]
mod tests;
