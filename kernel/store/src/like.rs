//! Patterns for `LIKE`.

#[cfg(test)]
mod tests;

/// `text` so that `LIKE ? ESCAPE '^'` takes it literally; add `%` around it for a search.
pub fn like_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '^') {
            escaped.push('^');
        }
        escaped.push(c);
    }
    escaped
}
