//! `cargo xtask dist`: what a distribution takes. `packaging/` holds the texts; those that follow from the program or
//! from another file are generated into it, and checked to be fresh.

mod debian;
mod lint;

use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The unit that `nightjar init` writes: the packages' is the same one with the package's places in it.
const UNIT: &str = "system/install/data/nightjar.service";
/// The configuration that holds when none is given.
const CONFIGURATION: &str = "kernel/config/data/nightjar.yml";

const USAGE: &str = "usage: cargo xtask dist [--files | --check]";

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            let program = program(true)?;
            write(&generated(&program)?)?;
            let made = debian::package(&program, &shell::target().join("dist"), debian::Compression::Small)?;
            println!("made {}", made.display());
            Ok(true)
        }
        ["--files"] => {
            write(&generated(&program(false)?)?)?;
            Ok(true)
        }
        ["--check"] => {
            program(false)?;
            let tally = check()?;
            println!("dist: {tally}");
            Ok(tally.failed == 0)
        }
        _ => bail!(USAGE),
    }
}

/// Are the generated files fresh, do systemd and the shells take ours, and does the package install?
pub(crate) fn check() -> Result<Tally> {
    let program = shell::binary();
    let mut tally = Tally::of(are_fresh(&generated(&program)?));
    tally += lint::check()?;
    let made = debian::package(&program, &shell::work().join("dist"), debian::Compression::None)?;
    tally += Tally::of(debian::installs(&made)?);
    Ok(tally)
}

/// `NIGHTJAR_BIN`, or a build of the program.
fn program(is_release: bool) -> Result<PathBuf> {
    if std::env::var_os("NIGHTJAR_BIN").is_some() {
        return Ok(shell::binary());
    }
    let mut build = shell::cargo();
    build.args(["build", "--package", "nightjar", "--quiet"]);
    if is_release {
        build.args(["--release", "--locked"]);
    }
    shell::must("dist-build", &mut build)?;
    Ok(shell::target().join(if is_release { "release" } else { "debug" }).join("nightjar"))
}

/// The generated files by their path below `packaging/`.
fn generated(program: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (what, folder) in [("man", "man"), ("completion", "completion")] {
        let made = shell::work().join("generated").join(folder);
        if made.exists() {
            fs::remove_dir_all(&made)?;
        }
        let mut generate = Command::new(program);
        // Pages tell of variables, not of what they are just now.
        shell::must("generate", generate.args(["generate", what]).arg(&made).env_remove("NIGHTJAR_HOME"))?;
        for entry in fs::read_dir(&made)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(format!("{folder}/{name}"), fs::read(entry.path())?);
        }
    }
    files.insert("systemd/nightjar.service".to_owned(), unit(&read(UNIT)?).into_bytes());
    let container = container_configuration(&read(CONFIGURATION)?);
    files.insert("container/nightjar.yml".to_owned(), container.into_bytes());
    Ok(files)
}

/// The unit of a package: its places are known, so that systemd makes the folders and homes of people are hidden.
fn unit(template: &str) -> String {
    let mut text = template
        .replace("# Written by `nightjar init`.\n", "# Generated from the unit of `nightjar init`.\n");
    for (word, value) in [
        ("{user}", "nightjar\nGroup=nightjar"),
        ("{program:unit}", "/usr/bin/nightjar"),
        ("{file:unit}", "/etc/nightjar/nightjar.yml"),
        ("ReadWritePaths={home:unit}", FOLDERS),
        ("{home:unit}", "/var/lib/nightjar"),
    ] {
        text = text.replace(word, value);
    }
    text
}

const FOLDERS: &str = "ProtectHome=true\nStateDirectory=nightjar\nStateDirectoryMode=0700\nRuntimeDirectory=nightjar\n\
                       RuntimeDirectoryMode=0750";

/// Loopback is another container's business: inside one every address is listened on.
fn container_configuration(template: &str) -> String {
    template.replace("    ip: 127.0.0.1\n", "    ip: \"::\"\n").replace(
        "Only this machine can: use ip: \"::\" to listen on every address.",
        "Every address of the container; what is published decides who can.",
    )
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(shell::root().join(path)).with_context(|| format!("cannot read {path}"))
}

fn packaging() -> PathBuf {
    shell::root().join("packaging")
}

fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    for path in stale(files)? {
        fs::remove_file(packaging().join(path))?;
    }
    for (path, text) in files {
        let path = packaging().join(path);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        fs::write(path, text)?;
    }
    println!("wrote {} files of packaging/", files.len());
    Ok(())
}

/// Files of folders that are generated as a whole, which the program no longer makes.
fn stale(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in ["man", "completion"] {
        let Ok(entries) = fs::read_dir(packaging().join(folder)) else { continue };
        for entry in entries {
            let path = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            if !files.contains_key(&path) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn are_fresh(files: &BTreeMap<String, Vec<u8>>) -> bool {
    let differs = |(path, text): &(&String, &Vec<u8>)| {
        !fs::read(packaging().join(path)).is_ok_and(|present| present == **text)
    };
    let mut wrong: Vec<String> = files.iter().filter(differs).map(|(path, _)| path.clone()).collect();
    wrong.extend(stale(files).unwrap_or_default());
    for path in &wrong {
        println!("packaging/{path} is stale; run `cargo xtask dist --files`");
    }
    wrong.is_empty()
}

#[cfg(test)]
mod tests;
