//! Brings what the tests need and the machine lacks: Debian packages when we are root,
//! Python and npm packages in folders below cargo's target.

use crate::shell;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tool, a Debian package that has it, and how to see that it is there.
struct Need {
    package: &'static str,
    present: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need { package: "postgresql", present: || postgres_folder().is_some() },
    Need {
        package: "mariadb-server",
        present: || shell::has("mariadbd") && shell::has("mariadb-install-db"),
    },
    Need { package: "openssl", present: || shell::has("openssl") },
    Need { package: "python3-venv", present: has_venv },
    Need { package: "nodejs", present: || shell::has("node") },
    Need { package: "npm", present: || shell::has("npm") },
    Need { package: "systemd", present: || shell::has("systemd-analyze") },
    Need { package: "g++", present: || shell::has("c++") },
    // Its ejabberdctl administers our nodes; its server is never started here.
    Need { package: "ejabberd", present: || Path::new("/usr/sbin/ejabberdctl").exists() },
    Need { package: "erlang-base", present: || shell::has("erl") },
    Need { package: "prosody", present: || shell::has("prosody") },
    Need { package: "iproute2", present: || shell::has("ip") },
    Need { package: "mosquitto-clients", present: || shell::has("mosquitto_pub") },
    Need { package: "coturn", present: || shell::has("turnutils_uclient") },
    Need { package: "chromium", present: || shell::has("chromium") },
    Need { package: "nftables", present: || shell::has("nft") },
    Need { package: "iptables", present: || shell::has("iptables-restore") },
];

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What could not be had, each with what to do about it.
    pub complaints: Vec<String>,
}

/// Set-up in full. What is there already costs nothing.
pub(crate) fn all() -> Outcome {
    let mut outcome = Outcome::default();
    for step in [debian, python, npm] {
        if let Err(error) = step() {
            outcome.complaints.push(format!("{error:#}"));
        }
    }
    outcome
}

/// The folder with PostgreSQL's server programs, of the newest version installed.
pub(crate) fn postgres_folder() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("postgres").is_file() && folder.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// The Python of the virtual environment with the test clients.
pub(crate) fn python_program() -> PathBuf {
    shell::work().join("venv/bin/python")
}

/// The folder whose `node_modules` has the test clients.
pub(crate) fn npm_folder() -> PathBuf {
    shell::work().join("npm")
}

fn has_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn debian() -> Result<()> {
    let missing: Vec<&str> = NEEDS.iter().filter(|need| !(need.present)()).map(|need| need.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !shell::is_root() || !shell::has("apt-get") {
        bail!("missing on this machine: {}; install them (Debian's names) or run as root", missing.join(" "));
    }
    let _quiet = crate::bench::NoServices::new()?;
    shell::must("apt-update", Command::new("apt-get").args(["-q", "update"]))?;
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install.args(["-q", "install", "--yes", "--no-install-recommends"]).args(&missing);
    shell::must("apt-install", &mut install)?;
    Ok(())
}

/// The virtual environment with the test clients.
pub(crate) fn python() -> Result<()> {
    let wanted = shell::root().join("tests/interop/requirements.txt");
    let folder = shell::work().join("venv");
    fresh(&wanted, &folder, || {
        shell::must("venv", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(python_program());
        install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted);
        shell::must("pip", &mut install)?;
        Ok(())
    })
}

fn npm() -> Result<()> {
    let source = shell::root().join("tests/interop");
    let folder = npm_folder();
    fresh(&source.join("package-lock.json"), &folder, || {
        fs::create_dir_all(&folder)?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(source.join(name), folder.join(name))?;
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        shell::must("npm", &mut install)?;
        Ok(())
    })
}

/// Installs unless the folder's stamp says that this very list was installed.
fn fresh(list: &Path, folder: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(stamp, wanted)?;
    Ok(())
}
