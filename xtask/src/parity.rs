//! How much of ejabberd is known, built and tested.
//!
//! Known is what the tables of facts list; declared is what the code says it has; built is what of that a test names.
//! Something declared that no test names is a claim nobody can check: it must stand in `docs/parity/untested.tsv`, a list
//! that only shrinks, or the task fails.

mod built;
mod covers;

use crate::shell;
use crate::tally::Tally;
use anyhow::{Context as _, Result, bail};
use covers::Covers;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Option,
    Module,
    ModuleOption,
    Listener,
    ListenerOption,
    Command,
    Xep,
}

const KINDS: [Kind; 7] = [
    Kind::Option,
    Kind::Module,
    Kind::ModuleOption,
    Kind::Listener,
    Kind::ListenerOption,
    Kind::Command,
    Kind::Xep,
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Option => "option",
            Kind::Module => "module",
            Kind::ModuleOption => "module-option",
            Kind::Listener => "listener",
            Kind::ListenerOption => "listener-option",
            Kind::Command => "command",
            Kind::Xep => "xep",
        })
    }
}

/// Something ejabberd has; `scope` is the module or listener of an option, empty for others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) scope: String,
    pub(crate) name: String,
}

impl Item {
    fn new(kind: Kind, scope: &str, name: &str) -> Item {
        Item { kind, scope: scope.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scope.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}.{}", self.scope, self.name)
        }
    }
}

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    if std::env::var_os("NIGHTJAR_BIN").is_none() {
        shell::must("parity-build", shell::cargo().args(["build", "--package", "nightjar", "--quiet"]))?;
    }
    let ledger = Ledger::read()?;
    match arguments {
        [] => {
            let tally = ledger.told();
            println!("parity: {tally}");
            Ok(tally.failed == 0)
        }
        [missing, kind] if missing == "--missing" => {
            let Some(kind) = KINDS.iter().find(|known| known.to_string() == *kind) else {
                bail!(
                    "there is no kind `{kind}`; there are {}",
                    KINDS.map(|kind| kind.to_string()).join(", ")
                );
            };
            for item in
                ledger.known.iter().filter(|item| item.kind == *kind && !ledger.declared.contains(item))
            {
                println!("{item}");
            }
            Ok(true)
        }
        [prune] if prune == "--prune" => {
            ledger.prune()?;
            Ok(true)
        }
        _ => bail!("usage: cargo xtask parity [--missing KIND | --prune]"),
    }
}

/// Three checks: the tests listed exist, nothing is claimed without a test, the list of exceptions is true.
pub(crate) fn check() -> Result<Tally> {
    Ok(Ledger::read()?.told())
}

struct Ledger {
    known: BTreeSet<Item>,
    declared: BTreeSet<Item>,
    /// Declared, and a test names it.
    built: BTreeSet<Item>,
    /// What untested.tsv lists, as `kind item`.
    untested: BTreeSet<String>,
    complaints: Vec<String>,
}

impl Ledger {
    fn read() -> Result<Ledger> {
        let sources = built::sources()?;
        let known = known()?;
        let read = |path: &str| fs::read_to_string(shell::root().join(path)).with_context(|| path.to_owned());
        let list = read("docs/parity/covers.tsv")?;
        let covers = Covers::new(&sources, &list);
        let mut declared = built::all(&crate::docs::generated()?, &sources, &known);
        declared.extend(covers.specifications());
        let built = declared.iter().filter(|item| covers.test_of(item).is_some()).cloned().collect();
        let untested = read("docs/parity/untested.tsv")?;
        let untested = untested.lines().skip(1).map(|line| line.replacen('\t', " ", 1)).collect();
        Ok(Ledger { known, declared, built, untested, complaints: covers.complaints() })
    }

    fn told(&self) -> Tally {
        let count =
            |items: &BTreeSet<Item>, kind: Kind| items.iter().filter(|item| item.kind == kind).count();
        println!("{:<16} {:>8} {:>8} {:>8}", "", "known", "declared", "built");
        for kind in KINDS {
            let [known, declared, built] =
                [&self.known, &self.declared, &self.built].map(|items| count(items, kind));
            println!("{kind:<16} {known:>8} {declared:>8} {built:>8}");
        }
        let mut tally = Tally::default();
        for complaints in [&self.complaints, &self.claims(), &self.no_longer()] {
            complaints.iter().for_each(|complaint| println!("{complaint}"));
            tally += Tally::of(complaints.is_empty());
        }
        tally
    }

    fn claims(&self) -> Vec<String> {
        let claims = self.declared.difference(&self.built).map(|item| format!("{} {item}", item.kind));
        claims
            .filter(|claim| !self.untested.contains(claim))
            .map(|claim| format!("{claim}: no test names it"))
            .collect()
    }

    /// Takes off untested.tsv what is tested by now.
    fn prune(&self) -> Result<()> {
        let gone: BTreeSet<String> = self
            .no_longer()
            .iter()
            .filter_map(|line| Some(line.split_once(':')?.0.replacen(' ', "\t", 1)))
            .collect();
        let path = shell::root().join("docs/parity/untested.tsv");
        let text = fs::read_to_string(&path)?;
        let kept: Vec<&str> = text.lines().filter(|line| !gone.contains(*line)).collect();
        fs::write(path, kept.join("\n") + "\n")?;
        println!("{} lines taken off docs/parity/untested.tsv", gone.len());
        Ok(())
    }

    fn no_longer(&self) -> Vec<String> {
        let claims: BTreeSet<String> =
            self.declared.difference(&self.built).map(|item| format!("{} {item}", item.kind)).collect();
        self.untested.difference(&claims).map(|line| format!("{line}: take it off untested.tsv")).collect()
    }
}

fn known() -> Result<BTreeSet<Item>> {
    let mut known = BTreeSet::new();
    let mut add = |path: &str, make: fn(&[&str]) -> Option<Item>| -> Result<()> {
        let text = fs::read_to_string(shell::root().join(path)).with_context(|| path.to_owned())?;
        known.extend(text.lines().skip(1).filter_map(|line| make(&line.split('\t').collect::<Vec<_>>())));
        Ok(())
    };
    add("kernel/config/data/toplevel.tsv", |row| outer_item(Kind::Option, "", row.first()?))?;
    add("kernel/config/data/modules.tsv", |row| Some(Item::new(Kind::Module, "", row.first()?)))?;
    add("kernel/config/data/module_options.tsv", |row| {
        outer_item(Kind::ModuleOption, row.first()?, row.get(1)?)
    })?;
    add("kernel/config/data/listeners.tsv", |row| Some(Item::new(Kind::Listener, "", row.first()?)))?;
    add("kernel/config/data/listeners.tsv", |row| {
        outer_item(Kind::ListenerOption, row.first()?, row.get(1)?)
    })?;
    add("xtask/data/commands.tsv", |row| Some(Item::new(Kind::Command, "", row.first()?)))?;
    add("xtask/data/xeps.tsv", |row| {
        row.first().filter(|name| name.starts_with("XEP-")).map(|name| Item::new(Kind::Xep, "", name))
    })?;
    Ok(known)
}

/// An option; one inside another's value (a dot in its name) is counted with the outer one.
fn outer_item(kind: Kind, scope: &str, name: &str) -> Option<Item> {
    (!name.contains(['.', '['])).then(|| Item::new(kind, scope, name))
}
