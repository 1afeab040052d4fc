//! Does a stanza say what the script expects?

use nightjar_xml::ElementRef;

/// In an attribute or as text: anything, but something.
const ANY: &str = "{any}";
/// In an attribute: it must not be there.
const NONE: &str = "{none}";

/// Why `seen` is not what was wanted; `None` when it is.
///
/// Attributes and children that are wanted must be there, in any order; others may be. Text must be the same,
/// apart from blanks around it.
pub fn difference(wanted: ElementRef<'_>, seen: ElementRef<'_>) -> Option<String> {
    if (wanted.name(), wanted.ns()) != (seen.name(), seen.ns()) {
        return Some(format!(
            "<{} xmlns='{}'>, not <{} xmlns='{}'>",
            seen.name(),
            seen.ns(),
            wanted.name(),
            wanted.ns()
        ));
    }
    let tag = wanted.raw();
    for name in attribute_names(&tag) {
        let value = wanted.attr(name).unwrap_or_default();
        let found = seen.attr(name);
        let right = match value.as_ref() {
            ANY => found.is_some(),
            NONE => found.is_none(),
            exact => found.as_deref() == Some(exact),
        };
        if !right {
            return Some(format!("<{}> has {name}={found:?}, not {value:?}", seen.name()));
        }
    }
    let (text, found) = (wanted.text(), seen.text());
    let (text, found) = (text.trim(), found.trim());
    if !(text.is_empty() || text == found || (text == ANY && !found.is_empty())) {
        return Some(format!("<{}> has the text {found:?}, not {text:?}", seen.name()));
    }
    let mut left: Vec<ElementRef<'_>> = seen.children().collect();
    for child in wanted.children() {
        match left.iter().position(|other| difference(child, *other).is_none()) {
            Some(place) => {
                left.swap_remove(place);
            }
            None => {
                let like = left.iter().find(|other| other.is(child.name(), child.ns()));
                let nearest = like.and_then(|other| difference(child, *other));
                return Some(
                    nearest.unwrap_or_else(|| format!("no <{} xmlns='{}'>", child.name(), child.ns())),
                );
            }
        }
    }
    None
}

/// The names of the attributes of a start tag, namespace declarations left out.
fn attribute_names(tag: &str) -> impl Iterator<Item = &str> {
    let mut rest = tag.split_once([' ', '\n']).map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        let (name, behind) = rest.trim_start().split_once('=')?;
        // What is behind the tag is no attribute.
        if name.contains(['>', '<', '/']) {
            return None;
        }
        let quote = behind.chars().next()?;
        rest = behind.get(1..)?.split_once(quote)?.1;
        Some(name.trim())
    })
    .filter(|name| *name != "xmlns" && !name.starts_with("xmlns:"))
}

#[cfg(test)]
mod tests;
