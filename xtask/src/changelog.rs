//! `changelog.d/*.md`: one fragment a change, so that changes never meet in one file.
//! A fragment's name is `SECTION-words.md`; its text is one list item's.

use crate::shell;
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Sections in the order they are shown, each with the word that begins a fragment's name.
const SECTIONS: &[(&str, &str)] = &[
    ("security", "Security"),
    ("breaking", "Breaking"),
    ("added", "Added"),
    ("changed", "Changed"),
    ("fixed", "Fixed"),
    ("removed", "Removed"),
];

struct Fragment {
    path: PathBuf,
    section: &'static str,
    text: String,
}

pub(crate) fn command(arguments: &[String]) -> Result<bool> {
    let fragments = fragments()?;
    match arguments {
        [] => {
            print!("{}", page("Unreleased", &fragments)?);
            Ok(true)
        }
        [release, version] if release == "--release" => {
            let path = shell::root().join("CHANGELOG.md");
            let present = fs::read_to_string(&path).unwrap_or_else(|_| "# Changelog\n".to_owned());
            fs::write(&path, with_release(&present, &page(version, &fragments)?))?;
            for fragment in &fragments {
                fs::remove_file(&fragment.path)?;
            }
            println!("{} changes moved into CHANGELOG.md under {version}", fragments.len());
            Ok(true)
        }
        _ => bail!("usage: cargo xtask changelog [--release VERSION]"),
    }
}

fn fragments() -> Result<Vec<Fragment>> {
    let folder = shell::root().join("changelog.d");
    let mut fragments = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == "README.md" || path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let Some((_, section)) = SECTIONS.iter().find(|(word, _)| name.starts_with(&format!("{word}-")))
        else {
            bail!(
                "changelog.d/{name}: the name begins with none of the sections (see changelog.d/README.md)"
            );
        };
        let text = fs::read_to_string(&path)?;
        fragments.push(Fragment { path, section, text });
    }
    fragments.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(fragments)
}

fn page(version: &str, fragments: &[Fragment]) -> Result<String> {
    let mut page = format!("## {version}\n");
    for (_, section) in SECTIONS {
        let mut items = fragments.iter().filter(|fragment| fragment.section == *section).peekable();
        if items.peek().is_some() {
            write!(page, "\n### {section}\n\n")?;
        }
        for fragment in items {
            writeln!(page, "- {}", fragment.text.trim().replace('\n', "\n  "))?;
        }
    }
    Ok(page)
}

/// The new release goes above the older ones, below the title and what introduces it.
fn with_release(changelog: &str, release: &str) -> String {
    let place = changelog.find("\n## ").map_or(changelog.len(), |place| place + 1);
    let (before, after) = changelog.split_at(place);
    format!("{}\n\n{release}{}{after}", before.trim_end(), if after.is_empty() { "" } else { "\n" })
}

#[cfg(test)]
mod tests;
