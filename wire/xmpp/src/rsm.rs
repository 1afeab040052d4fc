//! Result set management (XEP-0059).

use nightjar_text::Text;
use nightjar_xml::ElementRef;

use crate::ns;
use crate::stanza_error::StanzaError;
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// The `<set/>` of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// How many items at most; 0 asks for the count alone (§2.7).
    pub max: Option<u32>,
    /// Where the page is.
    pub position: Position,
}

/// Where a page begins or ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Position {
    #[default]
    First,
    /// Items behind this one (§2.2).
    After(Text),
    /// Items before this one (§2.3).
    Before(Text),
    /// Items between these two, exclusive: both were given.
    Between { after: Text, before: Text },
    /// The last page: an empty `<before/>` (§2.5).
    Last,
    /// The page that starts with item number `n`, from 0 (§2.4).
    Index(u32),
}

/// The `<set/>` of a result.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Id of the first item, and its number in the whole set if that is known.
    pub first: Option<(Text, Option<u32>)>,
    /// Id of the last item.
    pub last: Option<Text>,
    /// Size of the whole set.
    pub count: Option<u32>,
}

impl Request {
    /// The `<set/>` inside a query; `None` when there is none.
    ///
    /// # Errors
    /// `bad-request` if a number is not one.
    pub fn of(query: ElementRef<'_>) -> Result<Option<Request>, StanzaError> {
        query.child("set", ns::RSM).map(Request::from_element).transpose()
    }

    /// Reads a `<set/>`.
    ///
    /// # Errors
    /// `bad-request` if a number is not one.
    pub fn from_element(set: ElementRef<'_>) -> Result<Request, StanzaError> {
        let text = |name| set.child(name, ns::RSM).map(|child| Text::new(&child.text()));
        let number = |name| match text(name) {
            Some(text) => text.trim().parse().map(Some).map_err(|_| StanzaError::bad_request()),
            None => Ok(None),
        };
        let position = match (text("after").filter(|id| !id.is_empty()), text("before"), number("index")?) {
            (Some(after), Some(before), _) if !before.is_empty() => Position::Between { after, before },
            (Some(after), _, _) => Position::After(after),
            (None, Some(before), _) if before.is_empty() => Position::Last,
            (None, Some(before), _) => Position::Before(before),
            (None, None, Some(index)) => Position::Index(index),
            (None, None, None) => Position::First,
        };
        Ok(Request { max: number("max")?, position })
    }
}

impl Answer {
    /// Writes the `<set/>`.
    pub fn write<S: Sink>(&self, out: &mut S) {
        out.put("<set");
        write::attribute(out, "xmlns", ns::RSM);
        out.put(">");
        if let Some((id, index)) = &self.first {
            out.put("<first");
            if let Some(index) = index {
                write::attribute(out, "index", &index.to_string());
            }
            out.put(">");
            write::text(out, id);
            out.put("</first>");
        }
        if let Some(last) = &self.last {
            write::text_element(out, "last", last);
        }
        if let Some(count) = self.count {
            write::text_element(out, "count", &count.to_string());
        }
        out.put("</set>");
    }
}
