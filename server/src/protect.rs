//! What of the file system the configuration names: who may read it, and which of it the sandbox leaves.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nightjar_config::{Config, Endpoint, Node as Tree, OptionSpec, Options, Value};
use nightjar_sandbox::landlock::Paths;
use nightjar_sandbox::rights::{Finding, Sensitivity, check, check_parents, check_tree, holds_key};

use crate::certificates;
use crate::home::Home;
use crate::node::with_declarations;

/// Folders that hold far more than a configuration: of these only the file itself is read.
const WIDE: &[&str] = &["/", "/etc", "/tmp", "/var/tmp", "/root", "/home"];

/// Checks every sensitive file: the home with all in it, the configuration, keys of certificates. What is ours and
/// open to others is closed to them. Returns a remark for each file that wasn't right.
///
/// # Errors
/// The files that others could read and that aren't ours, each with the command that puts it right. With
/// `allow_exposed` they are remarks.
pub(crate) fn check_files(
    home: &Home,
    file: Option<&Path>,
    config: &Config,
    allow_exposed: bool,
) -> anyhow::Result<Vec<String>> {
    let mut findings = check_tree(home.path()).with_context(|| home.path().display().to_string())?;
    findings.extend(check_parents(home.path()));
    let configuration = file.map(|_| sources(config)).unwrap_or_default();
    for path in &configuration {
        findings.extend(shared(path)?);
        findings.extend(check_parents(path));
    }
    for path in certificate_files(config).iter().filter(|path| holds_key(path)) {
        findings.extend(shared(path)?);
    }
    findings.retain(|found| *found != Finding::Fine);
    let refused = findings.iter().filter(|found| matches!(found, Finding::Refused { .. })).count();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    if refused > 0 && !allow_exposed {
        bail!(
            "nothing was started, because others could get at what is secret; put it right, or add \
             --allow-exposed-files\n  {}",
            lines.join("\n  ")
        );
    }
    Ok(lines)
}

/// The finding on a file that root may own. One that this user can't read couldn't be read at a reload either.
fn shared(path: &Path) -> anyhow::Result<Option<Finding>> {
    let finding = check(path, Sensitivity::Shared).with_context(|| path.display().to_string())?;
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && finding == Finding::Fine => {
            let group = rustix::process::getegid().as_raw();
            let path = path.display();
            bail!("{path} can't be read by this user; run: chgrp {group} {path} && chmod 640 {path}")
        }
        _ => Ok(Some(finding)),
    }
}

/// What the sandbox leaves of the file system. Folders that don't exist are not in it.
pub(crate) fn paths(home: &Home, log: Option<&Path>, config: &Config, writable: &[PathBuf]) -> Paths {
    let mut paths = Paths::default();
    paths.write.push(home.path().to_owned());
    paths.write.extend(log.and_then(Path::parent).map(here));
    paths.write.extend(writable.iter().cloned());
    let pid_file = std::env::var_os("EJABBERD_PID_PATH").map(PathBuf::from);
    paths.write.extend(pid_file.as_deref().and_then(Path::parent).map(here));
    for path in sources(config) {
        read_beside(&mut paths, &path);
    }
    for path in certificate_files(config) {
        read_beside(&mut paths, &path);
    }
    paths.read.extend(certificate_folders(config));
    for listener in config.listeners() {
        if let Endpoint::Unix(socket) = listener.endpoint() {
            paths.sockets.extend(socket.parent().map(here));
        }
    }
    for host in config.hosts() {
        let options = &config.host(host).options;
        let is_file = options.typed("sql_type").as_str() == Some("sqlite");
        let database = options.typed("sql_database").as_str().filter(|_| is_file).map(PathBuf::from);
        paths.write.extend(database.as_deref().and_then(Path::parent).map(here));
    }
    for named in named_paths(config) {
        match (named.is_written, named.path.is_dir()) {
            (true, true) => paths.write.push(named.path),
            (true, false) => paths.write.extend(named.path.parent().map(here)),
            (false, true) => paths.read.push(named.path),
            (false, false) => read_beside(&mut paths, &named.path),
        }
    }
    paths.with_system()
}

/// What a configuration names and a sandbox that holds already doesn't leave. It can't be widened any more.
pub(crate) fn outside(sandbox: &Paths, config: &Config) -> Vec<PathBuf> {
    let mut missing = BTreeSet::new();
    let named = named_paths(config);
    let read = sources(config).into_iter().chain(certificate_files(config));
    let read = read.chain(certificate_folders(config));
    let read = read.chain(named.iter().filter(|named| !named.is_written).map(|named| named.path.clone()));
    missing.extend(read.filter(|path| !sandbox.allows_reading(path)));
    for named in named.iter().filter(|named| named.is_written) {
        let folder = if named.path.is_dir() { named.path.clone() } else { here(parent(&named.path)) };
        if !sandbox.allows_writing(&folder) {
            missing.insert(named.path.clone());
        }
    }
    for listener in config.listeners() {
        if let Endpoint::Unix(socket) = listener.endpoint()
            && !sandbox.allows_sockets(&here(parent(&socket)))
        {
            missing.insert(socket);
        }
    }
    missing.into_iter().collect()
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// The folder, or the current one where a path is only a name.
fn here(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

fn read_beside(paths: &mut Paths, file: &Path) {
    let folder = here(parent(file)).canonicalize().unwrap_or_default();
    let users_home = std::env::var_os("HOME").is_some_and(|home| folder == Path::new(&home));
    if users_home || WIDE.iter().any(|wide| folder == Path::new(wide)) {
        paths.read.push(file.to_owned());
    } else {
        paths.read_beside(file);
    }
}

/// The files a configuration was read from.
fn sources(config: &Config) -> Vec<PathBuf> {
    fn walk(node: &Tree, names: &mut BTreeSet<String>) {
        names.insert(node.at.source.name.clone());
        node.items().iter().for_each(|item| walk(item, names));
        node.entries().iter().for_each(|entry| walk(&entry.value, names));
    }
    let mut names = BTreeSet::new();
    walk(config.tree(), &mut names);
    // Text that is in no file has a description in angle brackets for a name.
    names.iter().filter(|name| !name.is_empty() && !name.starts_with('<')).map(PathBuf::from).collect()
}

fn certificate_files(config: &Config) -> Vec<PathBuf> {
    let patterns = config.global.texts("certfiles");
    patterns.iter().flat_map(|pattern| certificates::expand(Path::new(pattern.as_str()))).collect()
}

/// Where certificates come that aren't there yet: the folders before the first * or ?.
fn certificate_folders(config: &Config) -> Vec<PathBuf> {
    let patterns = config.global.texts("certfiles");
    patterns.iter().filter_map(|pattern| fixed_folder(Path::new(pattern.as_str()))).collect()
}

fn fixed_folder(pattern: &Path) -> Option<PathBuf> {
    let is_fixed =
        |part: &std::path::Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let fixed: PathBuf = pattern.components().take_while(is_fixed).collect();
    (fixed != pattern && fixed.components().count() > 1).then_some(fixed)
}

/// A path that an option names.
struct Named {
    path: PathBuf,
    is_written: bool,
}

/// The paths of all options whose declared type is a file or folder.
fn named_paths(config: &Config) -> Vec<Named> {
    let mut found = Vec::new();
    with_declarations(|declared| {
        let mut collect = |specs: &[OptionSpec], options: &Options| {
            for spec in specs.iter().filter(|spec| spec.kind == "map") {
                let setting = options.setting(spec.name).map(|setting| &setting.value);
                nested(setting, &mut |text| {
                    found.push(Named { path: PathBuf::from(text), is_written: false });
                });
            }
            for spec in specs.iter().filter(|spec| names_a_path(spec.kind)) {
                let setting = options.setting(spec.name).map(|setting| &setting.value);
                texts(setting, &mut |text| {
                    found
                        .push(Named { path: PathBuf::from(text), is_written: spec.kind.contains("(write)") });
                });
            }
        };
        collect(declared.toplevel, &config.global);
        for host in config.hosts() {
            let host = config.host(host);
            collect(declared.toplevel, &host.options);
            for spec in declared.modules {
                host.module(spec.name).into_iter().for_each(|options| collect(spec.options, options));
            }
        }
        for listener in config.listeners() {
            let spec = declared.listeners.iter().find(|spec| listener.module == *spec.name);
            spec.into_iter().for_each(|spec| collect(spec.options, &listener.options));
        }
    });
    // Words may stand where a path may: `ram`.
    found.retain(|named| named.path.is_absolute() || named.path.exists());
    found
}

/// `file`, `PEM file`, `dir(write)`, `bool|file(write)`.
fn names_a_path(kind: &str) -> bool {
    kind.split('|').any(|kind| matches!(kind, "file" | "file(write)" | "PEM file" | "dir" | "dir(write)"))
}

/// The `certfile`s inside an option that has a shape of its own.
fn nested(value: Option<&Value>, found: &mut dyn FnMut(&str)) {
    for (key, value) in value.map(Value::entries).unwrap_or_default() {
        match value {
            Value::Text(text) if key.as_str() == "certfile" => found(text.as_str()),
            value => nested(Some(value), found),
        }
    }
}

fn texts(value: Option<&Value>, found: &mut dyn FnMut(&str)) {
    match value {
        Some(Value::Text(text)) => found(text.as_str()),
        Some(Value::List(items)) => items.iter().for_each(|item| texts(Some(item), found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
