//! Who may use whom: the table of ARCHITECTURE.md, read off manifests, `use` lines and paths in code.

use super::File;
use super::source::{code, imports};
use std::collections::BTreeMap;

/// What a layer may depend on among our own crates (whole layers, or single crates by their folder), and which crates and paths of others it may not name.
struct Layer {
    folder: &'static str,
    may_use: &'static [&'static str],
    never_crates: &'static [&'static str],
    never_paths: &'static [&'static str],
}

const DATABASE_DRIVERS: &[&str] = &["rusqlite", "tokio-postgres", "mysql_async", "libsqlite3-sys"];

const LAYERS: &[Layer] = &[
    Layer {
        folder: "wire",
        may_use: &["wire"],
        never_crates: &[
            "tokio",
            "mio",
            "socket2",
            "rustix",
            "libc",
            "rand",
            "getrandom",
            "tracing-subscriber",
            "rusqlite",
            "tokio-postgres",
            "mysql_async",
            "jiff",
        ],
        never_paths: &[
            "tokio",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
            "Instant::now",
            "SystemTime::now",
            "rand::rng",
            "rand::random",
            "thread_rng",
            "OsRng",
            "getrandom",
        ],
    },
    Layer {
        folder: "kernel",
        may_use: &["wire", "kernel"],
        never_crates: DATABASE_DRIVERS,
        never_paths: &["tokio::net", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener"],
    },
    Layer {
        folder: "features",
        may_use: &["wire", "kernel"],
        never_crates: &["rusqlite", "tokio-postgres", "mysql_async", "libsqlite3-sys", "socket2", "rustls"],
        never_paths: &["tokio::net", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener"],
    },
    Layer { folder: "backends", may_use: &["wire", "kernel"], never_crates: &[], never_paths: &[] },
    Layer {
        folder: "net",
        may_use: &["wire", "kernel", "net/listen"],
        never_crates: DATABASE_DRIVERS,
        never_paths: &[],
    },
    Layer {
        folder: "system",
        may_use: &["wire", "kernel", "system"],
        never_crates: DATABASE_DRIVERS,
        never_paths: &[],
    },
    Layer {
        folder: "server",
        may_use: &["wire", "kernel", "features", "backends", "net", "system"],
        never_crates: &[],
        never_paths: &[],
    },
];

impl Layer {
    fn may_use(&self, package: &Package) -> bool {
        self.may_use.iter().any(|folder| *folder == package.layer_folder() || *folder == package.folder)
    }
}

/// Longest chain of our own crates, counted in steps from one to the next.
const DEEPEST: usize = 6;

/// One of our crates as its manifest tells.
struct Package {
    name: String,
    folder: String,
    dependencies: Vec<String>,
}

pub(crate) fn complaints(files: &[File]) -> Vec<String> {
    let packages: Vec<Package> = files.iter().filter_map(Package::read).collect();
    let mut complaints = Vec::new();
    for package in &packages {
        complaints.extend(dependency_complaints(package, &packages));
        let depth = depth(package, &packages, DEEPEST + 1);
        if depth > DEEPEST {
            complaints.push(format!(
                "{}/Cargo.toml: {depth} internal dependencies deep, at most {DEEPEST}",
                package.folder
            ));
        }
    }
    for file in files {
        complaints.extend(path_complaints(file, &packages));
    }
    complaints
}

fn layer(path: &str) -> Option<&'static Layer> {
    let folder = path.split('/').next()?;
    LAYERS.iter().find(|layer| layer.folder == folder)
}

fn dependency_complaints(package: &Package, packages: &[Package]) -> Vec<String> {
    let place = format!("{}/Cargo.toml", package.folder);
    let mut complaints = Vec::new();
    for dependency in &package.dependencies {
        let own = packages.iter().find(|other| other.name == *dependency);
        if own.is_some_and(|own| own.folder == "server") {
            complaints.push(format!("{place}: the program ({dependency}) is used by nothing"));
        }
        let Some(layer) = layer(&package.folder) else { continue };
        if layer.never_crates.contains(&dependency.as_str()) {
            complaints.push(format!("{place}: {} never uses {dependency}", layer.folder));
        }
        if let Some(own) = own
            && !layer.may_use(own)
        {
            complaints.push(format!("{place}: {} may not use {dependency} of {}", layer.folder, own.folder));
        }
    }
    complaints
}

/// Forbidden paths in code, tests left out: they may own a clock or a file.
fn path_complaints(file: &File, packages: &[Package]) -> Vec<String> {
    let Some(layer) = layer(&file.path) else { return Vec::new() };
    if !file.path.ends_with(".rs") || is_test(&file.path) {
        return Vec::new();
    }
    let code = code(&file.text);
    let mut seen: BTreeMap<usize, String> = BTreeMap::new();
    for (line, path) in imports(&code) {
        let root = path.split("::").next().unwrap_or_default().replace('_', "-");
        let foreign =
            packages.iter().find(|package| package.name == root && !file.path.starts_with(&package.folder));
        let sideways = foreign.filter(|foreign| !layer.may_use(foreign));
        let never = layer.never_paths.iter().find(|never| names(&path, never));
        let what = never.map(|never| (*never).to_owned()).or(sideways.map(|foreign| foreign.name.clone()));
        if let Some(what) = what {
            seen.insert(line, what);
        }
    }
    for (number, line) in code.lines().enumerate() {
        if let Some(never) = layer.never_paths.iter().find(|never| names(line, never)) {
            seen.entry(number + 1).or_insert_with(|| (*never).to_owned());
        }
    }
    seen.iter()
        .map(|(line, what)| format!("{}:{line}: {} never uses {what}", file.path, layer.folder))
        .collect()
}

pub(crate) fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

/// Does the path `never`, as whole names, stand in `text`? A single lower-case name means a crate,
/// and then only where a path begins.
fn names(text: &str, never: &str) -> bool {
    let word = |character: char| character.is_alphanumeric() || character == '_';
    let crate_name = !never.contains("::") && never.chars().all(|character| character.is_lowercase());
    text.match_indices(never).any(|(place, _)| {
        let before = &text[..place];
        let after = &text[place + never.len()..];
        let begins =
            !before.ends_with(word) && !(crate_name && (before.ends_with("::") || before.ends_with('.')));
        begins && if crate_name { after.starts_with("::") } else { !after.starts_with(word) }
    })
}

fn depth(package: &Package, packages: &[Package], limit: usize) -> usize {
    if limit == 0 {
        return 0;
    }
    let below =
        package.dependencies.iter().filter_map(|name| packages.iter().find(|other| other.name == *name));
    below.map(|below| 1 + depth(below, packages, limit - 1)).max().unwrap_or(0)
}

impl Package {
    /// Reads `name` and the keys of `[dependencies]` and `[build-dependencies]`; tests may depend on what they like.
    fn read(file: &File) -> Option<Package> {
        let folder = file.path.strip_suffix("/Cargo.toml")?;
        let mut package =
            Package { name: String::new(), folder: folder.to_owned(), dependencies: Vec::new() };
        let mut section = "";
        for line in file.text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name.trim_matches('[').trim_matches(']');
                // `[dependencies.name]` is a section for one.
                if let Some(("dependencies" | "build-dependencies", name)) = section.split_once('.') {
                    package.dependencies.push(name.to_owned());
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let key = key.split('.').next().unwrap_or(key).trim().trim_matches('"');
            match section {
                "package" if key == "name" => value.trim().trim_matches('"').clone_into(&mut package.name),
                "dependencies" | "build-dependencies" if !key.starts_with('#') => {
                    package.dependencies.push(key.to_owned())
                }
                _ => {}
            }
        }
        (!package.name.is_empty()).then_some(package)
    }

    fn layer_folder(&self) -> &str {
        self.folder.split('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
