//! What stands before the command: `nightjar ctl [--home DIR] …` and ejabberdctl's own flags.

use std::path::PathBuf;

/// A call of `ctl` as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `--home`, or ejabberdctl's `--spool`.
    pub(crate) home: Option<PathBuf>,
    /// `--config`, for commands that start a node.
    pub(crate) config: Option<PathBuf>,
    /// `--config-dir`: where `ejabberd.yml` and `ejabberdctl.cfg` are looked for.
    pub(crate) config_dir: Option<PathBuf>,
    /// `--ctl-config`: the `ejabberdctl.cfg` to read.
    pub(crate) ctl_config: Option<PathBuf>,
    /// `--logs`: the folder of the log.
    pub(crate) logs: Option<PathBuf>,
    /// `--node`
    pub(crate) node: Option<String>,
    /// `--no-timeout`
    pub(crate) no_timeout: bool,
    /// `--json`
    pub(crate) json: bool,
    /// The command and everything behind it, with `--version` and `--auth` that stood before it.
    pub(crate) words: Vec<String>,
}

/// Takes the flags off the front.
///
/// # Errors
/// A sentence, if a flag lacks its value.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Flags, String> {
    let mut arguments = arguments.into_iter();
    let mut flags = Flags::default();
    let mut kept = Vec::new();
    while let Some(word) = arguments.next() {
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (word.clone(), None),
        };
        let value = |arguments: &mut dyn Iterator<Item = String>| {
            attached.clone().or_else(|| arguments.next()).ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "--home" | "-s" | "--spool" => flags.home = Some(value(&mut arguments)?.into()),
            "-f" | "--config" => flags.config = Some(value(&mut arguments)?.into()),
            "-d" | "--config-dir" => flags.config_dir = Some(value(&mut arguments)?.into()),
            "-c" | "--ctl-config" => flags.ctl_config = Some(value(&mut arguments)?.into()),
            "-l" | "--logs" => flags.logs = Some(value(&mut arguments)?.into()),
            "-n" | "--node" => flags.node = Some(value(&mut arguments)?),
            "-t" | "--no-timeout" => flags.no_timeout = true,
            "--json" => flags.json = true,
            "--version" => kept.extend([name.clone(), value(&mut arguments)?]),
            "--auth" => {
                kept.push(name.clone());
                for _ in 0..3 {
                    kept.push(arguments.next().ok_or("--auth needs USER HOST PASSWORD")?);
                }
            }
            _ => {
                kept.push(word);
                break;
            }
        }
    }
    kept.extend(arguments);
    flags.words = kept;
    Ok(flags)
}

#[cfg(test)]
mod tests;
