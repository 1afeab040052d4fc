//! Splits a server's XML stream into first-level elements, without understanding them.
//!
//! Written apart from the server's own parser, so that one mistake can't hide on both sides.

/// What stands at the start of the input, with its length in bytes.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Piece {
    /// White space or the XML declaration.
    Skip(usize),
    /// `<stream:stream …>`
    Open(usize),
    /// A whole first-level element.
    Element(usize),
    /// `</stream:stream>`
    Close(usize),
}

/// `None`: more bytes are needed.
pub fn next_piece(input: &[u8]) -> Option<Piece> {
    let blank = input.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if blank > 0 {
        return Some(Piece::Skip(blank));
    }
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        at += memchr::memchr(b'<', input.get(at..)?)?;
        let length = tag_length(input.get(at..)?)?;
        let tag = input.get(at..at + length)?;
        at += length;
        if tag.starts_with(b"<?") {
            return Some(Piece::Skip(at));
        } else if depth == 0 && tag.starts_with(b"<stream:stream") {
            return Some(Piece::Open(at));
        } else if depth == 0 && tag.starts_with(b"</") {
            return Some(Piece::Close(at));
        } else if tag.starts_with(b"</") {
            depth -= 1;
        } else if !tag.ends_with(b"/>") {
            depth += 1;
        }
        if depth == 0 {
            return Some(Piece::Element(at));
        }
    }
}

/// Length of the tag that `input` starts with; a `>` inside quotes doesn't end it.
fn tag_length(input: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (index, &byte) in input.iter().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'\'' || byte == b'"' => quote = Some(byte),
            None if byte == b'>' => return Some(index + 1),
            None => {}
        }
    }
    None
}

/// The text between `start` and `end`, the first time both occur in this order.
pub fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner)
}

/// The character data of the first element of this name that has no child elements.
pub fn text_of<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        let tag = rest.get(at + 1..)?;
        let (head, body) = tag.split_once('>')?;
        if head.trim_end_matches('/').split_ascii_whitespace().next() == Some(name) {
            return if head.ends_with('/') { Some("") } else { body.split('<').next() };
        }
        rest = body;
    }
    None
}

#[cfg(test)]
mod tests;
