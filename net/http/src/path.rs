//! Paths of requests, and the handlers that are under them.

use nightjar_text::Text;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadPath(pub &'static str);

/// The segments of a path, decoded. Empty ones are left out but for a last one: the `/` at the end.
///
/// # Errors
/// What could mean one thing here and another to a handler or a file system: `..`, `.`, an encoded `/`, `\`, controls.
pub(crate) fn segments(path: &str) -> Result<Vec<String>, BadPath> {
    let mut segments = Vec::new();
    let mut rest = path.split('/').skip(usize::from(path.starts_with('/'))).peekable();
    while let Some(segment) = rest.next() {
        if !segment.is_empty() || rest.peek().is_none() {
            segments.push(decode(segment)?);
        }
    }
    Ok(segments)
}

fn decode(segment: &str) -> Result<String, BadPath> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(rest.next().unwrap_or_default()).to_digit(16);
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(BadPath("A % in the path must be followed by two hexadecimal digits."));
                };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            other => other,
        };
        bytes.push(byte);
    }
    let segment = String::from_utf8(bytes).map_err(|_| BadPath("The path must be UTF-8."))?;
    if segment.chars().any(|character| matches!(character, '/' | '\\') || character.is_control()) {
        return Err(BadPath("A segment of the path must hold no slash, backslash or control character."));
    }
    if segment == "." || segment == ".." {
        return Err(BadPath("The path must not step out of itself with . or .. segments."));
    }
    Ok(segment)
}

/// A handler and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// As configured.
    pub prefix: Text,
    /// The module that answers.
    pub module: Text,
    segments: Vec<String>,
}

/// All of a listener, the longest prefix first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    /// `request_handlers`: prefixes and modules.
    pub(crate) fn new<'a>(handlers: impl Iterator<Item = (&'a Text, Text)>) -> Self {
        let mut routes: Vec<Route> = handlers
            .map(|(prefix, module)| {
                let segments = prefix.split('/').filter(|segment| !segment.is_empty());
                Route { prefix: prefix.clone(), module, segments: segments.map(str::to_owned).collect() }
            })
            .collect();
        routes.sort_by_key(|route| std::cmp::Reverse(route.segments.len()));
        Self(routes)
    }

    /// The handler for a path, and the segments below its prefix.
    pub(crate) fn find<'a, 'b>(&'a self, path: &'b [String]) -> Option<(&'a Route, &'b [String])> {
        self.0.iter().find_map(|route| Some((route, path.strip_prefix(route.segments.as_slice())?)))
    }
}

#[cfg(test)]
mod tests;
