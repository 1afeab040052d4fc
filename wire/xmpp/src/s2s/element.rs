//! `<db:result/>` and `<db:verify/>` (XEP-0220 §2).

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Frame;

use super::Verdict;
use super::pairs::detached;
use crate::ns;
use crate::stanza_error::StanzaError;
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::write::{self, Sink};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Result,
    Verify,
}

/// What dialback asks about: a pair, and for `Verify` the id of the stream that the key was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    pub(super) kind: Kind,
    pub(super) local: Jid,
    pub(super) remote: Jid,
    /// Empty for `Result`.
    pub(super) id: Text,
}

#[derive(Debug)]
pub(super) enum Body {
    Key(Text),
    Answer(Verdict),
}

/// Longest stream id that is taken, in bytes.
const ID_BYTES_MAX: usize = 256;

impl Question {
    pub(super) fn result(local: &Jid, remote: &Jid) -> Question {
        Question { kind: Kind::Result, local: detached(local), remote: detached(remote), id: Text::empty() }
    }

    pub(super) fn verify(local: &Jid, remote: &Jid, id: &str) -> Question {
        Question { kind: Kind::Verify, id: Text::new(id), ..Question::result(local, remote) }
    }

    /// Reads what the peer sent.
    ///
    /// # Errors
    /// `improper-addressing` unless both addresses are domains, `invalid-xml` for what the schema forbids (§8.1).
    pub(super) fn read(frame: &Frame) -> Result<(Question, Body), StreamError> {
        let kind = match frame.name() {
            "result" => Kind::Result,
            "verify" => Kind::Verify,
            _ => return Err(StreamErrorCondition::UnsupportedStanzaType.into()),
        };
        let (remote, local) = (domain(frame, "from")?, domain(frame, "to")?);
        let id = match kind {
            Kind::Result => Text::empty(),
            Kind::Verify => {
                let id = frame.attr("id").filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX);
                id.ok_or(StreamErrorCondition::InvalidXml)?.detach()
            }
        };
        let body = match frame.attr("type").as_deref() {
            None => Body::Key(Text::new(frame.text().trim_ascii())),
            Some("valid") => Body::Answer(Verdict::Valid),
            Some("invalid") => Body::Answer(Verdict::Invalid),
            Some("error") => Body::Answer(Verdict::Error(read_error(frame))),
            Some(_) => return Err(StreamErrorCondition::InvalidXml.into()),
        };
        Ok((Question { kind, local, remote, id }, body))
    }

    /// Writes the element as we send it.
    pub(super) fn write(&self, body: &Body) -> String {
        let name = match self.kind {
            Kind::Result => "db:result",
            Kind::Verify => "db:verify",
        };
        let mut out = String::with_capacity(256);
        out.put("<");
        out.put(name);
        write::attribute(&mut out, "from", self.local.as_str());
        write::attribute(&mut out, "to", self.remote.as_str());
        if self.kind == Kind::Verify {
            write::attribute(&mut out, "id", &self.id);
        }
        match body {
            Body::Key(key) => {
                out.put(">");
                write::text(&mut out, key);
            }
            Body::Answer(Verdict::Valid) => return out + " type='valid'/>",
            Body::Answer(Verdict::Invalid) => return out + " type='invalid'/>",
            Body::Answer(Verdict::Error(error)) => {
                out.put(" type='error'>");
                error.write(&mut out);
            }
        }
        out.put("</");
        out.put(name);
        out.put(">");
        out
    }
}

fn domain(frame: &Frame, name: &str) -> Result<Jid, StreamError> {
    let jid = frame.attr(name).and_then(|text| Jid::from_text(&text).ok()).filter(Jid::is_domain);
    let jid = jid.ok_or(StreamErrorCondition::ImproperAddressing)?;
    Ok(jid.detach())
}

/// §2.5: the child is in the namespace of stanzas; servers are known that leave it in another.
fn read_error(frame: &Frame) -> StanzaError {
    let error = frame.children().find(|child| child.name == "error" && child.ns != ns::STANZA_ERRORS);
    error.map_or_else(StanzaError::undefined_condition, |error| {
        StanzaError::from_element(error.parse().root())
    })
}
