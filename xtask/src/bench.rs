//! `cargo xtask bench`: Nightjar, Debian's ejabberd and Prosody in turn with the same work, in one run.

use crate::shell::{cargo, has, is_root, must, root, target};
use crate::suite::setup;
use anyhow::{Result, ensure};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The peers' Debian packages, with the database drivers and the tool that makes their archives' files.
const EJABBERD: &[&str] = &["ejabberd", "erlang-p1-sqlite3", "sqlite3"];
const COTURN: &[&str] = &["coturn"];
const MOSQUITTO: &[&str] = &["mosquitto"];
const PROSODY: &[&str] = &["prosody", "lua-sec", "lua-dbi-sqlite3", "sqlite3"];
/// What the neighbour of `bench/s2s` runs in.
const NEIGHBOUR: &[&str] = &["python3-venv", "iproute2"];

/// Without an argument everything is compared; the arguments are those of `nightjar-bench compare`, those after `s2s`
/// of `bench/s2s/links.py`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let peers = args.iter().skip_while(|arg| *arg != "--peers").nth(1);
    let usual = match args.first().map(String::as_str) {
        Some("turn") => "coturn,ejabberd,nightjar",
        Some("mqtt") => "mosquitto,ejabberd,nightjar",
        Some("s2s") => "ejabberd,prosody,nightjar",
        _ => "relay,ejabberd,prosody,nightjar",
    };
    let peers = peers.map_or(usual, String::as_str);
    install(peers)?;
    let is_s2s = args.first().is_some_and(|suite| suite == "s2s");
    let mut compare = if is_s2s { links(args.get(1..).unwrap_or_default())? } else { suites(args, peers)? };
    let nightjar = target().join("release/nightjar");
    let status =
        compare.arg("--home").arg(target().join("bench")).arg("--nightjar").arg(nightjar).status()?;
    ensure!(status.success(), "the comparison failed");
    Ok(())
}

/// The comparisons of `nightjar-bench`.
fn suites(args: &[String], peers: &str) -> Result<Command> {
    build(if peers.contains("nightjar") { &["nightjar-bench", "nightjar"] } else { &["nightjar-bench"] })?;
    let mut compare = Command::new(target().join("release/nightjar-bench"));
    compare.arg("compare").args(args);
    Ok(compare)
}

/// The comparison of links between servers.
fn links(args: &[String]) -> Result<Command> {
    install("neighbour")?;
    setup::python()?;
    // As the other comparisons do: another set of packages has other features of dependencies, and is built anew.
    build(&["nightjar-bench", "nightjar"])?;
    let mut compare = Command::new(setup::python_program());
    compare.arg(root().join("bench/s2s/links.py")).args(args);
    Ok(compare)
}

fn build(packages: &[&str]) -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--release"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    ensure!(build.status()?.success(), "the release build failed");
    Ok(())
}

fn install(peers: &str) -> Result<()> {
    let packages = [
        ("coturn", COTURN),
        ("mosquitto", MOSQUITTO),
        ("ejabberd", EJABBERD),
        ("prosody", PROSODY),
        ("neighbour", NEIGHBOUR),
    ];
    let mut missing: Vec<&str> = packages
        .iter()
        .filter(|(peer, _)| peers.contains(peer))
        .flat_map(|(_, packages)| packages.iter().copied())
        .filter(|package| !is_installed(package))
        .collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    ensure!(is_root() && has("apt-get"), "missing Debian packages: {}", missing.join(" "));
    let _quiet = NoServices::new()?;
    must("apt-update", Command::new("apt-get").args(["-q", "update"]))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y", "--no-install-recommends", "install"]);
    must("apt-install-peers", install.args(missing))?;
    Ok(())
}

fn is_installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

/// While this lives Debian starts no service that it installs: the peers are run from homes of their own.
pub(crate) struct NoServices(Option<PathBuf>);

impl NoServices {
    pub(crate) fn new() -> Result<Self> {
        let path = Path::new("/usr/sbin/policy-rc.d");
        if path.exists() {
            return Ok(Self(None));
        }
        File::create(path)?.write_all(b"#!/bin/sh\nexit 101\n")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(Self(Some(path.to_owned())))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}
