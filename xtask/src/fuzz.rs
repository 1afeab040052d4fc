//! A bounded run of every fuzz target of `fuzz/`, from the corpora committed there.
//!
//! libFuzzer and its coverage need only flags that the stable compiler takes, so no other tool is installed.
//! Our crates have (nearly) no `unsafe`: what a run looks for is panics, endless loops and memory without bound.

use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Coverage as `cargo fuzz` asks for it.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    let mut seconds = 10;
    let mut targets = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            seconds = rest
                .next()
                .context("--seconds needs a number")?
                .parse()
                .context("--seconds needs a number")?;
        } else {
            targets.push(argument.clone());
        }
    }
    let tally = run(&targets, seconds)?;
    println!("{tally}");
    Ok(tally.failed == 0)
}

/// Runs the targets named, or all, `seconds` each.
pub(crate) fn run(names: &[String], seconds: u32) -> Result<Tally> {
    let folder = shell::root().join("fuzz");
    let mut targets = targets(&folder)?;
    if let Some(unknown) = names.iter().find(|name| !targets.contains(name)) {
        bail!("there is no fuzz target `{unknown}`; there are {}", targets.join(", "));
    }
    targets.retain(|target| names.is_empty() || names.contains(target));
    let built = shell::target().join("fuzz");
    let mut build = shell::cargo();
    build.args(["build", "--release", "--quiet", "--target", &host()?]).current_dir(&folder);
    build.env("CARGO_TARGET_DIR", &built).env("RUSTFLAGS", FLAGS);
    shell::must("fuzz-build", &mut build)?;
    let programs = built.join(host()?).join("release");
    let mut sum = Tally::default();
    for target in &targets {
        let tally = run_one(target, programs.join(target), seconds)?;
        println!("fuzz {target}: {tally}");
        sum += tally;
    }
    Ok(sum)
}

fn run_one(target: &str, program: PathBuf, seconds: u32) -> Result<Tally> {
    let folder = shell::root().join("fuzz");
    // New inputs go to a folder of their own: the committed corpus changes only by hand.
    let found = shell::work().join("fuzz").join(target);
    let artifacts = folder.join("artifacts").join(target);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-timeout=10", "-rss_limit_mb=1024", "-max_len=16384", "-print_final_stats=1"]);
    command.arg(&found).arg(folder.join("corpus").join(target));
    let dictionary = folder.join("dictionaries").join(format!("{target}.dict"));
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let finished = shell::logged(&format!("fuzz-{target}"), &mut command)?;
    if !finished.success {
        println!("{}", shell::tail(&finished.output, 40));
    }
    Ok(Tally::of(finished.success))
}

fn targets(folder: &std::path::Path) -> Result<Vec<String>> {
    let mut targets: Vec<String> = fs::read_dir(folder.join("targets"))?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    targets.sort();
    Ok(targets)
}

/// The compiler's own platform. Naming it keeps the flags away from build scripts and macros.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc names no host")?.to_owned())
}
