//! Which command a path means, in which version of the API.

/// A command and a version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) command: &'a str,
    pub(super) version: u32,
}

impl<'a> Target<'a> {
    /// `COMMAND`, `COMMAND/vN` and `vN/COMMAND` below the prefix, which may name a version too. The last one counts.
    pub(super) fn read(prefix: &str, path: &'a [String], default: u32) -> Option<Target<'a>> {
        let segments: Vec<&str> =
            path.iter().map(String::as_str).filter(|segment| !segment.is_empty()).collect();
        let command = match segments.as_slice() {
            [] => return None,
            [first, second, ..] if version(first).is_some() => second,
            [first, ..] => first,
        };
        let named = segments.iter().rev().copied().chain(prefix.rsplit('/')).find_map(version);
        Some(Target { command, version: named.unwrap_or(default) })
    }
}

fn version(segment: &str) -> Option<u32> {
    segment.strip_prefix('v')?.parse().ok()
}

#[cfg(test)]
mod tests;
