use crate::escape::{push_attr, push_text};

#[cfg(test)]
mod tests;

/// Writes elements into a string, escaped as needed.
///
/// ```
/// let mut xml = nightjar_xml::Writer::new();
/// xml.start("iq").attr("type", "get").start("ping").ns("urn:xmpp:ping").end("ping").end("iq");
/// assert_eq!(xml.finish(), "<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: String,
    /// The last start tag lacks its `>`.
    in_tag: bool,
}

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Starts with room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer::append_to(String::with_capacity(bytes))
    }

    /// Goes on behind what `out` holds; it must hold whole tags.
    pub fn append_to(out: String) -> Writer {
        Writer { out, in_tag: false }
    }

    /// Begins an element; attributes may follow.
    pub fn start(&mut self, name: &str) -> &mut Writer {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.in_tag = true;
        self
    }

    /// Declares the default namespace of the element just begun.
    pub fn ns(&mut self, ns: &str) -> &mut Writer {
        self.attr("xmlns", ns)
    }

    /// Gives the element just begun an attribute.
    pub fn attr(&mut self, name: &str, value: &str) -> &mut Writer {
        debug_assert!(self.in_tag, "attribute {name} outside of a start tag");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
        push_attr(&mut self.out, value);
        self.out.push('\'');
        self
    }

    /// Gives the element just begun an attribute, if there is a value.
    pub fn attr_opt(&mut self, name: &str, value: Option<&str>) -> &mut Writer {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Character data.
    pub fn text(&mut self, text: &str) -> &mut Writer {
        self.close_tag();
        push_text(&mut self.out, text);
        self
    }

    /// Whole elements or escaped character data, as they are.
    pub fn raw(&mut self, xml: &str) -> &mut Writer {
        if !xml.is_empty() {
            self.close_tag();
            self.out.push_str(xml);
        }
        self
    }

    /// Ends the element of this name, the innermost that is open.
    pub fn end(&mut self, name: &str) -> &mut Writer {
        if self.in_tag {
            self.in_tag = false;
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self
    }

    /// An element with only character data in it.
    pub fn element(&mut self, name: &str, text: &str) -> &mut Writer {
        self.start(name).text(text).end(name)
    }

    /// What was written so far.
    pub fn as_str(&self) -> &str {
        &self.out
    }

    /// The string; closes a start tag that waits for its `>`, as the opening tag of a stream does.
    pub fn finish(mut self) -> String {
        self.close_tag();
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.in_tag = false;
            self.out.push('>');
        }
    }
}
