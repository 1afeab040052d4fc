//! A stanza: head and payload (RFC 6120 §8).

use std::borrow::Cow;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Frame;

use crate::kind::{IqType, MessageType, PresenceType, StanzaType};
use crate::ns;
use crate::payload::{Payload, Piece};
use crate::stanza_error::StanzaError;
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// A message, presence or IQ. The head is parsed, the payload is shared text.
///
/// Attributes of the head other than these five are dropped: RFC 6120 §8.1 names no more, and §8.4 lets a server
/// ignore what it does not understand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stanza {
    pub kind: StanzaType,
    pub to: Option<Jid>,
    pub from: Option<Jid>,
    pub id: Option<Text>,
    /// `xml:lang`.
    pub lang: Option<Text>,
    pub payload: Payload,
}

impl Stanza {
    /// Reads a first-level element of a stream. Copies nothing: addresses, id and payload share the frame's buffer.
    ///
    /// # Errors
    /// What the sender must be told (see [`Stanza::error_for_frame`]): `jid-malformed` for an address that is none,
    /// `bad-request` for a type or a number of children that RFC 6120 §8.2.3 or RFC 6121 §4.7.1 forbid, and for an
    /// element that is no stanza at all.
    pub fn from_frame(frame: &Frame) -> Result<Stanza, StanzaError> {
        let kind = kind_of(frame)?;
        let address = |name| match frame.attr(name) {
            Some(text) => Jid::from_text(&text).map(Some).map_err(|_| StanzaError::jid_malformed()),
            None => Ok(None),
        };
        let stanza = Stanza {
            kind,
            to: address("to")?,
            from: address("from")?,
            id: frame.attr("id"),
            lang: frame.attr("xml:lang"),
            payload: Payload::from_frame(frame),
        };
        stanza.check_iq()?;
        Ok(stanza)
    }

    /// The answer to a frame that [`Stanza::from_frame`] refused; `None` where there must be none (errors, IQ results)
    /// or nothing to answer. It has no addresses: the stream's end knows both.
    pub fn error_for_frame(frame: &Frame, error: &StanzaError) -> Option<Stanza> {
        let kind = match frame.attr("type").as_deref() {
            Some("error" | "result") => return None,
            _ => match frame.name() {
                "message" => StanzaType::Message(MessageType::Error),
                "presence" => StanzaType::Presence(PresenceType::Error),
                "iq" => StanzaType::Iq(IqType::Error),
                _ => return None,
            },
        };
        let mut reply = Stanza::new(kind);
        reply.id = frame.attr("id");
        reply.append(error.to_xml());
        Some(reply)
    }

    /// An empty stanza of this kind.
    pub fn new(kind: StanzaType) -> Stanza {
        Stanza { kind, to: None, from: None, id: None, lang: None, payload: Payload::default() }
    }

    /// An empty message.
    pub fn message(kind: MessageType) -> Stanza {
        Stanza::new(StanzaType::Message(kind))
    }

    /// An empty presence.
    pub fn presence(kind: PresenceType) -> Stanza {
        Stanza::new(StanzaType::Presence(kind))
    }

    /// An IQ without payload.
    pub fn iq(kind: IqType, id: impl Into<Text>) -> Stanza {
        Stanza::new(StanzaType::Iq(kind)).with_id(id)
    }

    /// With this sender.
    #[must_use]
    pub fn with_from(mut self, from: &Jid) -> Stanza {
        self.from = Some(from.clone());
        self
    }

    /// With this addressee.
    #[must_use]
    pub fn with_to(mut self, to: &Jid) -> Stanza {
        self.to = Some(to.clone());
        self
    }

    /// With this id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Text>) -> Stanza {
        self.id = Some(id.into());
        self
    }

    /// With this child element behind the others (see [`Payload::append`]).
    #[must_use]
    pub fn with_child(mut self, xml: impl Into<Text>) -> Stanza {
        self.append(xml.into());
        self
    }

    /// The first child of this name and namespace. Children in the content namespace have `jabber:client` here.
    pub fn child(&self, name: &str, ns: &str) -> Option<Piece<'_>> {
        self.payload.child(name, ns)
    }

    /// Whether there is a child of this name and namespace.
    pub fn has_child(&self, name: &str, ns: &str) -> bool {
        self.child(name, ns).is_some()
    }

    /// All children in order.
    pub fn children(&self) -> impl Iterator<Item = Piece<'_>> + Clone {
        self.payload.pieces()
    }

    /// The text of the first `<body/>` (RFC 6121 §5.2.3).
    pub fn body(&self) -> Option<Cow<'_, str>> {
        self.child("body", ns::CLIENT).map(|body| body.text())
    }

    /// Adds one complete element behind the others (see [`Payload::append`]).
    pub fn append(&mut self, xml: Text) {
        self.payload.append(xml);
    }

    /// Removes the children for which `unwanted` is true; returns how many.
    pub fn remove(&mut self, unwanted: impl FnMut(Piece<'_>) -> bool) -> usize {
        self.payload.remove(unwanted)
    }

    /// The error that a stanza of type `error` carries.
    pub fn error(&self) -> Option<StanzaError> {
        self.child("error", ns::CLIENT).map(|error| StanzaError::from_element(error.parse().root()))
    }

    /// This stanza sent back with an error (RFC 6120 §8.3.1): addresses swapped, children kept, error last.
    /// `None` for errors and IQ results, which must not be answered.
    pub fn error_reply(&self, error: &StanzaError) -> Option<Stanza> {
        if !self.kind.may_be_answered_with_error() {
            return None;
        }
        let mut reply = self.reply(self.kind.as_error());
        reply.payload = self.payload.clone();
        reply.append(error.to_xml());
        Some(reply)
    }

    /// The result of this IQ, with at most one child.
    pub fn result_reply(&self, xml: Option<Text>) -> Stanza {
        let mut reply = self.reply(StanzaType::Iq(IqType::Result));
        if let Some(xml) = xml {
            reply.append(xml);
        }
        reply
    }

    /// An empty stanza back to the sender, same id.
    fn reply(&self, kind: StanzaType) -> Stanza {
        Stanza {
            to: self.from.clone(),
            from: self.to.clone(),
            id: self.id.clone(),
            lang: self.lang.clone(),
            ..Stanza::new(kind)
        }
    }

    /// Writes the stanza for a stream whose default namespace is its content namespace, or, with `content_ns`, so that
    /// it stands alone: in a WebSocket frame (RFC 7395 §3.3.3), forwarded, or stored.
    pub fn write(&self, out: &mut String, content_ns: Option<&str>) {
        self.write_into(out, content_ns);
    }

    /// As [`Stanza::write`], into bytes.
    pub fn write_to(&self, out: &mut Vec<u8>, content_ns: Option<&str>) {
        self.write_into(out, content_ns);
    }

    /// The stanza on its own: with `xmlns='jabber:client'`.
    pub fn to_xml(&self) -> String {
        let mut out = String::with_capacity(self.size_hint());
        self.write(&mut out, Some(ns::CLIENT));
        out
    }

    /// About how many bytes the stanza takes in writing; never far below.
    pub fn size_hint(&self) -> usize {
        let address = |jid: &Option<Jid>| jid.as_ref().map_or(0, |jid| jid.as_str().len());
        let text = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
        96 + address(&self.to)
            + address(&self.from)
            + text(&self.id)
            + text(&self.lang)
            + self.payload.byte_len()
    }

    fn write_into<S: Sink>(&self, out: &mut S, content_ns: Option<&str>) {
        let name = self.kind.name();
        out.put("<");
        out.put(name);
        write::attribute_if(out, "xmlns", content_ns);
        write::attribute_if(out, "xml:lang", self.lang.as_deref());
        write::attribute_if(out, "to", self.to.as_ref().map(Jid::as_str));
        write::attribute_if(out, "from", self.from.as_ref().map(Jid::as_str));
        write::attribute_if(out, "type", self.kind.attribute());
        write::attribute_if(out, "id", self.id.as_deref());
        if self.payload.is_empty() {
            return out.put("/>");
        }
        out.put(">");
        self.payload.write(out);
        out.put("</");
        out.put(name);
        out.put(">");
    }

    /// RFC 6120 §8.2.3, rules 1, 3, 4 and 5.
    fn check_iq(&self) -> Result<(), StanzaError> {
        let StanzaType::Iq(kind) = self.kind else { return Ok(()) };
        let children_fit = match kind {
            IqType::Get | IqType::Set => self.payload.len() == 1,
            IqType::Result => self.payload.len() <= 1,
            IqType::Error => true,
        };
        if children_fit && self.id.is_some() { Ok(()) } else { Err(StanzaError::bad_request()) }
    }
}

fn kind_of(frame: &Frame) -> Result<StanzaType, StanzaError> {
    let kind = frame.attr("type");
    let kind = kind.as_deref();
    match frame.name() {
        "message" => Ok(StanzaType::Message(kind.map_or(MessageType::Normal, MessageType::parse))),
        "presence" => match kind {
            None => Some(PresenceType::Available),
            Some(kind) => PresenceType::parse(kind),
        }
        .map(StanzaType::Presence)
        .ok_or_else(StanzaError::bad_request),
        "iq" => kind.and_then(IqType::parse).map(StanzaType::Iq).ok_or_else(StanzaError::bad_request),
        _ => Err(StanzaError::bad_request()),
    }
}
