//! Licences, sources and duplicates of every dependency, by `deny.toml`.
//!
//! The rules are written in cargo-deny's format and a machine that has cargo-deny may run it; building it
//! takes longer than all our other checks, so the three that need no network are done here.

use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

#[derive(Debug, Default, PartialEq, Eq)]
struct Rules {
    /// SPDX names.
    licences: Vec<String>,
    /// Packages of which more than one version may be in the tree.
    duplicates: Vec<String>,
    sources: Vec<String>,
    banned: Vec<String>,
}

struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// Absent for the workspace's own.
    source: Option<String>,
}

pub(crate) fn command(_: &[String]) -> Result<bool> {
    let tally = check()?;
    println!("licences: {tally}");
    Ok(tally.failed == 0)
}

pub(crate) fn check() -> Result<Tally> {
    let rules =
        Rules::read(&fs::read_to_string(shell::root().join("deny.toml")).context("cannot read deny.toml")?);
    let packages = packages()?;
    let complaints = [
        packages.iter().filter_map(|package| licence_complaint(&rules, package)).collect(),
        packages.iter().filter_map(|package| source_complaint(&rules, package)).collect(),
        duplicates(&rules, &packages),
    ];
    let mut tally = Tally::default();
    for complaints in complaints {
        tally += Tally::of(complaints.is_empty());
        for complaint in complaints {
            println!("{complaint}");
        }
    }
    Ok(tally)
}

/// Everything that is compiled for some target we build for.
fn packages() -> Result<Vec<Package>> {
    let mut command = shell::cargo();
    command.args([
        "metadata",
        "--format-version",
        "1",
        "--all-features",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ]);
    let output = command.output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)))?;
    let reached: Vec<&str> =
        list(&metadata["resolve"]["nodes"]).filter_map(|node| node["id"].as_str()).collect();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(list(&metadata["packages"])
        .filter(|package| package["id"].as_str().is_some_and(|id| reached.contains(&id)))
        .filter_map(|package| {
            Some(Package {
                name: text(&package["name"])?,
                version: text(&package["version"])?,
                licence: text(&package["license"]),
                source: text(&package["source"]),
            })
        })
        .collect())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn licence_complaint(rules: &Rules, package: &Package) -> Option<String> {
    let Package { name, version, .. } = package;
    let Some(expression) = &package.licence else {
        return Some(format!("{name} {version} states no licence"));
    };
    match spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX) {
        Err(_) => Some(format!("{name} {version}: the licence `{expression}` is no SPDX expression")),
        Ok(parsed) if parsed.evaluate(|wanted| rules.licences.contains(&wanted.to_string())) => None,
        Ok(_) => Some(format!("{name} {version}: the licence `{expression}` is not allowed in deny.toml")),
    }
}

fn source_complaint(rules: &Rules, package: &Package) -> Option<String> {
    let Package { name, version, .. } = package;
    if rules.banned.contains(name) {
        return Some(format!("{name} {version} is banned in deny.toml"));
    }
    let source = package.source.as_ref()?;
    let registry = source.starts_with("registry+");
    (!registry && !rules.sources.contains(source)).then(|| format!("{name} {version} comes from {source}"))
}

fn duplicates(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let mut complaints = Vec::new();
    for (name, versions) in &versions {
        if versions.len() > 1 && !rules.duplicates.iter().any(|allowed| allowed == name) {
            complaints.push(format!(
                "{name} is in the tree {} times: {}",
                versions.len(),
                versions.join(", ")
            ));
        }
    }
    for name in &rules.duplicates {
        if versions.get(name.as_str()).is_none_or(|versions| versions.len() < 2) {
            complaints.push(format!("{name} is no duplicate any more: take it off deny.toml's list"));
        }
    }
    complaints
}

impl Rules {
    /// Reads the few lists we use; deny.toml keeps one string or one inline table a line.
    fn read(text: &str) -> Rules {
        let mut rules = Rules::default();
        let mut section = "";
        let mut list = "";
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if line.starts_with('[') && line.ends_with(']') {
                section = line.trim_matches(['[', ']']);
            } else if let Some((key, _)) = line.split_once(" = [") {
                list = key;
            } else if line == "]" {
                list = "";
            }
            let wanted = match (section, list) {
                ("licenses", "allow") => &mut rules.licences,
                ("bans", "skip") => &mut rules.duplicates,
                ("bans", "deny") => &mut rules.banned,
                ("sources", "allow-git") => &mut rules.sources,
                _ => continue,
            };
            if let Some(name) = line.split('"').nth(1) {
                wanted.push(name.to_owned());
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests;
