//! As much understanding of Rust's text as the checks need: what is code, what is imported.

/// The text with comments, strings and character literals blanked; lines keep their numbers and columns.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = token_end(bytes, at);
        if end > at + 1 || is_blanked(bytes, at) {
            for byte in out.iter_mut().take(end).skip(at).filter(|byte| **byte != b'\n') {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn is_blanked(bytes: &[u8], at: usize) -> bool {
    !bytes[at].is_ascii()
}

/// Where the comment or literal that begins at `at` ends; `at + 1` for anything else.
fn token_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment_length(rest);
    }
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest[0] {
        b'"' => at + string_length(rest),
        b'r' | b'b' | b'c' if !in_word => at + prefixed_length(rest),
        b'\'' => at + character_length(rest),
        _ => at + 1,
    }
}

fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br#"…"#`, `c"…"`, `b'…'`; 1 when it is only a name's first letter.
fn prefixed_length(rest: &[u8]) -> usize {
    let letters = rest.iter().take(2).take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
    let hashes = rest[letters..].iter().take_while(|byte| **byte == b'#').count();
    let raw = rest[..letters].contains(&b'r');
    match rest.get(letters + hashes) {
        Some(b'"') if raw => {
            let body = letters + hashes + 1;
            let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let length = rest[body..].windows(close.len()).position(|window| window == close);
            length.map_or(rest.len(), |length| body + length + close.len())
        }
        Some(b'"') if hashes == 0 => letters + string_length(&rest[letters..]),
        Some(b'\'') if hashes == 0 && letters == 1 && rest[0] == b'b' => 1 + character_length(&rest[1..]),
        _ => 1,
    }
}

/// A character literal, or 1 for a lifetime's quote.
fn character_length(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        // The character after the backslash may itself be a quote.
        return rest.iter().skip(3).position(|byte| *byte == b'\'').map_or(1, |place| place + 4);
    }
    // One character of at most four bytes, then a quote.
    let close = rest.iter().skip(2).take(4).position(|byte| *byte == b'\'').map(|place| place + 2);
    match close {
        Some(close) if std::str::from_utf8(&rest[1..close]).is_ok_and(|text| text.chars().count() == 1) => {
            close + 1
        }
        _ => 1,
    }
}

/// Every path that a `use` of this code brings in, with the line where the `use` begins.
pub(crate) fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(place) = code[at..].find("use ").map(|place| at + place) {
        at = place + 4;
        let before = code[..place].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let Some(length) = code[at..].find(';') else { break };
        let line = code[..place].matches('\n').count() + 1;
        let tree: String = code[at..at + length].replace(" as ", "=").split_whitespace().collect();
        expand("", &tree, &mut |path| found.push((line, path.trim_start_matches("::").to_owned())));
        at += length;
    }
    found
}

/// Calls `found` with each path of a `use` tree without blanks.
fn expand(prefix: &str, tree: &str, found: &mut impl FnMut(String)) {
    let Some((head, inner)) = tree.split_once('{') else {
        found(format!("{prefix}{}", tree.split('=').next().unwrap_or(tree)));
        return;
    };
    let prefix = format!("{prefix}{head}");
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let mut depth = 0usize;
    let mut start = 0;
    for (place, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                expand(&prefix, &inner[start..place], found);
                start = place + 1;
            }
            _ => {}
        }
    }
    if start < inner.len() {
        expand(&prefix, &inner[start..], found);
    }
}

#[cfg(test)]
mod tests;
