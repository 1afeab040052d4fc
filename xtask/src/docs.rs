//! The manual that is generated from the option declarations: `nightjar manual --markdown`
//! prints it, this task keeps it in docs/manual/.

use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::process::Command;

const PAGE: &str = "docs/manual/options.md";

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    let mut build = shell::cargo();
    build.args(["build", "--package", "nightjar", "--quiet"]);
    shell::must("docs-build", &mut build)?;
    match arguments {
        [] => {
            let path = shell::root().join(PAGE);
            fs::create_dir_all(path.parent().context("the page has no folder")?)?;
            fs::write(path, generated()?)?;
            println!("wrote {PAGE}");
            Ok(true)
        }
        [check] if check == "--check" => {
            let tally = check_page()?;
            println!("docs: {tally}");
            Ok(tally.failed == 0)
        }
        _ => bail!("usage: cargo xtask docs [--check]"),
    }
}

/// Is the page in the repository what the program says now?
pub(crate) fn check() -> Result<Tally> {
    check_page()
}

fn check_page() -> Result<Tally> {
    let wanted = generated()?;
    let present = fs::read_to_string(shell::root().join(PAGE)).unwrap_or_default();
    if present == wanted {
        return Ok(Tally::PASSED);
    }
    let line = wanted.lines().zip(present.lines()).position(|(new, old)| new != old);
    let line = line.unwrap_or_else(|| wanted.lines().count().min(present.lines().count()));
    println!("{PAGE} is stale from line {}; run `cargo xtask docs`", line + 1);
    Ok(Tally::FAILED)
}

/// The manual as the program prints it.
pub(crate) fn generated() -> Result<String> {
    let output = Command::new(shell::binary()).args(["manual", "--markdown"]).output();
    let output = output.with_context(|| format!("cannot run {}", shell::binary().display()))?;
    if !output.status.success() {
        bail!("`nightjar manual --markdown` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
