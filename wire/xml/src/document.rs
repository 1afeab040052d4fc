//! A document that is all there: a WebSocket message (RFC 7395 §3.3), a stored stanza.

use nightjar_text::Text;

use crate::check::{Context, Sink};
use crate::class::{has_illegal_char, is_space};
use crate::frame::{Frame, run_whole};
use crate::index::Index;
use crate::namespace::Scope;
use crate::open::declaration;
use crate::walk::text_part;
use crate::{Limits, XmlError, XmlErrorKind};

#[cfg(test)]
mod tests;

/// Reads one element, with an XML declaration before it and white space around it if need be.
/// `content_ns` is the default namespace around it. Shares the buffer of `input` unless it must be rewritten.
pub fn parse_document(input: &Text, limits: &Limits, content_ns: &str) -> Result<Frame, XmlError> {
    let scope = Scope::document(content_ns);
    let limits = limits.bounded();
    let cx = Context { root: &scope, limits: &limits };
    let mut index = Index::default();
    let (element, leans) = read(input, cx, &mut index)?;
    if leans {
        Frame::rewritten(element, cx, &scope)
    } else {
        Ok(Frame::new(input.slice_ref(element), &scope, &index))
    }
}

/// Walks the one element of a document; gives it, and whether it leans on something.
pub(crate) fn read<'a, S: Sink>(
    input: &'a str,
    cx: Context<'_>,
    sink: &mut S,
) -> Result<(&'a str, bool), XmlError> {
    let fail = |kind, offset| Err(XmlError { kind, offset });
    if input.len() > cx.limits.stanza_bytes as usize {
        return fail(XmlErrorKind::TooLarge, cx.limits.stanza_bytes as usize);
    }
    if has_illegal_char(input) {
        return fail(XmlErrorKind::NotWellFormed, input.len());
    }
    let mut body = input;
    if let Some(end) = declared(input) {
        let piece = text_part(input, 0, end);
        declaration(piece.as_bytes()).map_err(|kind| XmlError { kind, offset: 0 })?;
        body = text_part(input, end, input.len());
    }
    let body = body.trim_start_matches(space);
    if !body.starts_with('<') {
        return fail(XmlErrorKind::NotWellFormed, input.len() - body.len());
    }
    let (end, leans) = run_whole(body.as_bytes(), cx, sink)?;
    if !text_part(body, end, body.len()).trim_start_matches(space).is_empty() {
        return fail(XmlErrorKind::NotWellFormed, end);
    }
    Ok((text_part(body, 0, end), leans))
}

fn space(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_space)
}

/// Where the XML declaration ends, if there is one.
fn declared(input: &str) -> Option<usize> {
    let behind = input.strip_prefix("<?xml")?;
    behind.starts_with(space).then(|| input.find('>').map_or(input.len(), |at| at + 1))
}
