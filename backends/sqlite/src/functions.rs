//! SQL functions that portable statements rely on.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

#[cfg(test)]
mod tests;

/// Adds `nightjar_search(text, words)`: whether every word occurs in the text, whatever its case.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("nightjar_search", 2, flags, |context| {
        let words = context.get_or_create_aux(1, |value| value.as_str().map(search_words))?;
        let text = context.get_raw(0).as_str().unwrap_or_default();
        Ok(matches(text, &words))
    })
}

/// The words of a query, in lower case.
fn search_words(query: &str) -> Vec<String> {
    let separate = |c: char| !c.is_alphanumeric();
    query.split(separate).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// A query without words matches nothing.
fn matches(text: &str, words: &[String]) -> bool {
    let text = text.to_lowercase();
    !words.is_empty() && words.iter().all(|word| text.contains(word.as_str()))
}
