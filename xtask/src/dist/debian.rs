//! The Debian package: a folder laid out as the system's, and dpkg-deb.

use super::{CONFIGURATION, packaging, read};
use crate::shell;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone, Copy)]
pub(super) enum Compression {
    Small,
    None,
}

/// Files of `packaging/` and where the package has them. A folder means all files in it.
const PLACES: &[(&str, &str)] = &[
    ("systemd", "usr/lib/systemd/system"),
    ("sysusers.d", "usr/lib/sysusers.d"),
    ("tmpfiles.d", "usr/lib/tmpfiles.d"),
    ("logrotate", "etc/logrotate.d"),
    ("completion/nightjar.bash", "usr/share/bash-completion/completions/nightjar"),
    ("completion/_nightjar", "usr/share/zsh/vendor-completions/_nightjar"),
    ("completion/nightjar.fish", "usr/share/fish/vendor_completions.d/nightjar.fish"),
    ("debian/copyright", "usr/share/doc/nightjar/copyright"),
];

/// What dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Builds the package with this program in `folder`; its path.
pub(super) fn package(program: &Path, folder: &Path, compression: Compression) -> Result<PathBuf> {
    ensure!(shell::has("dpkg-deb"), "dpkg-deb is not installed: packages are built on Debian");
    let tree = folder.join("nightjar");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    lay_out(program, &tree, compression)?;
    let (version, architecture) = (version(program)?, architecture()?);
    let control = fs::read_to_string(packaging().join("debian/control.in"))?
        .replace("@VERSION@", &version)
        .replace("@ARCHITECTURE@", &architecture)
        .replace("@LIBC@", &libc(program)?);
    put(&tree.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    for script in SCRIPTS {
        put(&tree.join("DEBIAN").join(script), &fs::read(packaging().join("debian").join(script))?, 0o755)?;
    }
    put(&tree.join("DEBIAN/conffiles"), &fs::read(packaging().join("debian/conffiles"))?, 0o644)?;
    let package = folder.join(format!("nightjar_{version}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    build.arg("--root-owner-group").arg(match compression {
        Compression::Small => "-Zxz",
        Compression::None => "-Znone",
    });
    shell::must("dpkg-deb", build.arg("--build").arg(&tree).arg(&package))?;
    Ok(package)
}

fn lay_out(program: &Path, tree: &Path, compression: Compression) -> Result<()> {
    let binary = tree.join("usr/bin/nightjar");
    put(&binary, &fs::read(program).with_context(|| program.display().to_string())?, 0o755)?;
    if matches!(compression, Compression::Small) && shell::has("strip") {
        shell::must("strip", Command::new("strip").arg("--strip-debug").arg(&binary))?;
    }
    // Not in PATH: the package ejabberd may be there, too.
    fs::create_dir_all(tree.join("usr/lib/nightjar/bin"))?;
    symlink("../../../bin/nightjar", tree.join("usr/lib/nightjar/bin/ejabberdctl"))?;
    put(&tree.join("etc/nightjar/nightjar.yml"), read(CONFIGURATION)?.as_bytes(), 0o640)?;
    for (from, to) in PLACES {
        let from = packaging().join(from);
        if from.is_dir() {
            for file in files(&from)? {
                put(&tree.join(to).join(name(&file)), &fs::read(&file)?, 0o644)?;
            }
        } else {
            put(&tree.join(to), &fs::read(&from)?, 0o644)?;
        }
    }
    for page in files(&packaging().join("man"))? {
        let section = page.extension().unwrap_or_default().to_string_lossy().into_owned();
        // The package of ejabberd has an ejabberdctl(8).
        if section == "8" {
            continue;
        }
        let place = tree.join(format!("usr/share/man/man{section}")).join(name(&page));
        put(&place, &fs::read(&page)?, 0o644)?;
        shell::must("gzip", Command::new("gzip").arg("-9nf").arg(&place))?;
    }
    let changes = tree.join("usr/share/doc/nightjar/changelog");
    put(&changes, read("CHANGELOG.md")?.as_bytes(), 0o644)?;
    shell::must("gzip", Command::new("gzip").arg("-9nf").arg(&changes))?;
    Ok(())
}

/// Does the package install into an empty root, be configured there, and go away again?
pub(super) fn installs(package: &Path) -> Result<bool> {
    if !shell::is_root() {
        // Owners of files are root's to give.
        let listed = shell::must("dpkg-contents", Command::new("dpkg-deb").arg("--contents").arg(package))?;
        return Ok(["./usr/bin/nightjar", "./etc/nightjar/nightjar.yml"]
            .iter()
            .all(|path| listed.contains(path)));
    }
    let root = shell::work().join("dist/root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for folder in ["var/lib/dpkg/updates", "var/lib/dpkg/info", "etc"] {
        fs::create_dir_all(root.join(folder))?;
    }
    for (file, text) in [
        ("var/lib/dpkg/status", ""),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
    ] {
        fs::write(root.join(file), text)?;
    }
    let dpkg = |name: &str, words: &[&std::ffi::OsStr]| {
        let mut command = Command::new("dpkg");
        // Scripts run outside the root, and are told where it is (DPKG_ROOT).
        command
            .arg(format!("--root={}", root.display()))
            .args(["--force-script-chrootless", "--force-depends"]);
        shell::must(name, command.args(words))
    };
    dpkg("dpkg-install", &["--install".as_ref(), package.as_ref()])?;
    let mode = |path: &str| fs::metadata(root.join(path)).map(|found| found.permissions().mode() & 0o777);
    let group = |path: &str| -> Result<u32> {
        use std::os::unix::fs::MetadataExt as _;
        Ok(fs::metadata(root.join(path))?.gid())
    };
    let holds = mode("etc/nightjar/nightjar.yml")? == 0o640
        && group("etc/nightjar/nightjar.yml")? == group("var/lib/nightjar")?
        && group("var/lib/nightjar")? != 0
        && mode("var/lib/nightjar")? == 0o700;
    let checked = Command::new(root.join("usr/lib/nightjar/bin/ejabberdctl")).args(["help"]).output()?;
    let configured = Command::new(root.join("usr/bin/nightjar"))
        .args(["check", "--config"])
        .arg(root.join("etc/nightjar/nightjar.yml"))
        .output()?;
    dpkg("dpkg-purge", &["--purge".as_ref(), "nightjar".as_ref()])?;
    let gone = !root.join("usr/bin/nightjar").exists() && !root.join("etc/nightjar/nightjar.yml").exists();
    let works = configured.status.success() && !checked.stdout.is_empty();
    if !(holds && gone && works) {
        println!("{}: rights {holds}, works {works}, gone after purge {gone}", package.display());
    }
    Ok(holds && gone && works)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    found.sort();
    Ok(found)
}

fn name(path: &Path) -> &std::ffi::OsStr {
    path.file_name().unwrap_or_default()
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = path.parent().context("no folder")?;
    fs::create_dir_all(folder)?;
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    // Folders are for everybody, whatever the umask.
    for above in folder.ancestors().take_while(|above| above.starts_with(shell::target())) {
        fs::set_permissions(above, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// As the program says: `nightjar 0.1.0`.
fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("version").output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.trim().strip_prefix("nightjar ").context("the program tells no version")?.replace('-', "~"))
}

fn architecture() -> Result<String> {
    let output = Command::new("dpkg").arg("--print-architecture").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The newest of the C library's versions whose names the program asks for.
fn libc(program: &Path) -> Result<String> {
    Ok(newest_libc(&fs::read(program)?))
}

fn newest_libc(program: &[u8]) -> String {
    const MARK: &[u8] = b"GLIBC_2.";
    let after = |at: usize| program.get(at + MARK.len()..).unwrap_or_default();
    let minor = |at: usize| {
        let digits: String =
            after(at).iter().take_while(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
        digits.parse::<u32>().ok()
    };
    let places = program.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    let newest = places.filter_map(|(at, _)| minor(at)).max().unwrap_or(17);
    format!("2.{newest}")
}

#[cfg(test)]
mod tests;
