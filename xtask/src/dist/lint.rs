//! What systemd and the shells say of our files.

use super::packaging;
use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// How exposed the service may be, of 10 (`systemd-analyze security`).
const EXPOSURE_MAX: f32 = 1.5;

/// Files and the shells that have to understand them.
const SCRIPTS: &[(&str, &str)] = &[
    ("sh", "debian/postinst"),
    ("sh", "debian/prerm"),
    ("sh", "debian/postrm"),
    ("bash", "completion/nightjar.bash"),
];

pub(super) fn check() -> Result<Tally> {
    let mut tally = Tally::default();
    for (program, script) in SCRIPTS {
        let mut command = Command::new(program);
        tally += silent(script, command.arg("-n").arg(packaging().join(script)))?;
    }
    if !shell::has("systemd-analyze") {
        println!("systemd-analyze is not installed: the units were not checked");
        tally += Tally { passed: 0, failed: 0, skipped: 1 };
        return Ok(tally);
    }
    let units = shell::work().join("units");
    runnable_units(&units)?;
    for name in ["nightjar.service", "nightjar.socket"] {
        let mut command = Command::new("systemd-analyze");
        tally += silent(name, command.args(["verify", "--man=no"]).arg(units.join(name)))?;
    }
    tally += Tally::of(is_protected(&units.join("nightjar.service"))?);
    Ok(tally)
}

/// Our units with a program in them that this machine has, as `verify` looks for it.
fn runnable_units(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in ["nightjar.service", "nightjar.socket"] {
        let text = fs::read_to_string(packaging().join("systemd").join(name))?;
        fs::write(folder.join(name), text.replace("/usr/bin/nightjar", "/bin/true"))?;
    }
    Ok(())
}

/// Holds when the program succeeds and has nothing to say.
fn silent(what: &str, command: &mut Command) -> Result<Tally> {
    let finished = shell::logged("lint", command)?;
    let holds = finished.success && finished.output.trim().is_empty();
    if !holds {
        println!("{what}: {}", finished.output.trim());
    }
    Ok(Tally::of(holds))
}

fn is_protected(unit: &Path) -> Result<bool> {
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--offline=true", "--no-pager"]).arg(unit).env("SYSTEMD_COLORS", "0");
    let said = shell::must("security", &mut command)?;
    let level = exposure(&said).with_context(|| format!("no level in:\n{}", shell::tail(&said, 5)))?;
    println!("systemd-analyze security: {level} of 10, at most {EXPOSURE_MAX}");
    Ok(level <= EXPOSURE_MAX)
}

/// The number in `→ Overall exposure level for nightjar.service: 1.3 OK`.
fn exposure(said: &str) -> Option<f32> {
    let (_, rest) = said.split_once("Overall exposure level")?;
    rest.split_once(": ")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests;
