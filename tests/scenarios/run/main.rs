//! Plays every script of `tests/scenarios/scripts/` against one server, a few at a time.
//!
//! `cargo test --test scenarios [-- WORDS]` plays those whose file name has the words. The program is `NIGHTJAR_BIN`,
//! or the one of the same build.
#![allow(clippy::print_stdout, reason = "a test runner speaks on standard output")]

use anyhow::{Context as _, Result};
use nightjar_scenarios::play::play;
use nightjar_scenarios::script::Script;
use nightjar_scenarios::server::Server;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

const AT_ONCE: usize = 4;
const CONFIGURATION: &str = include_str!("../server.yml.in");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Test runners ask for a list of tests first; a script is none to them.
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let words = arguments.into_iter().find(|argument| !argument.starts_with('-')).unwrap_or_default();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error:#}");
            println!("scenarios: 0 passed, 1 failed, 0 skipped");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &str) -> Result<bool> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts: Vec<PathBuf> = fs::read_dir(folder.join("scripts"))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "scenario"))
        .filter(|path| path.to_string_lossy().contains(words))
        .collect();
    scripts.sort();
    scripts.reverse();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let beside = target.with_file_name("debug").join("nightjar");
    let program = std::env::var_os("NIGHTJAR_BIN").map_or(beside, PathBuf::from);
    let server = Server::start(&program, CONFIGURATION, &target.join("scenarios"))?;
    let (passed, failed) = (AtomicU32::new(0), AtomicU32::new(0));
    let scripts = Mutex::new(scripts);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(path) = scripts.lock().ok().and_then(|mut scripts| scripts.pop()) {
                    let counter = if told(&path, &server) { &passed } else { &failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (passed, failed) = (passed.into_inner(), failed.into_inner());
    println!("scenarios: {passed} passed, {failed} failed, 0 skipped");
    Ok(failed == 0 && passed > 0)
}

/// Plays one script and tells how it went.
fn told(path: &Path, server: &Server) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match one(path, server, &name) {
        Ok(()) => {
            println!("ok {name}");
            true
        }
        Err(error) => {
            println!("FAIL {name}: {error:#}");
            false
        }
    }
}

fn one(path: &Path, server: &Server, name: &str) -> Result<()> {
    let script = Script::parse(&fs::read_to_string(path)?).context("the script")?;
    // Addresses are short and in lower case.
    play(
        &script,
        server,
        &name.to_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "-"),
    )
}
