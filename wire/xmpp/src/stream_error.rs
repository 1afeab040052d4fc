//! Stream errors (RFC 6120 §4.9).

use nightjar_text::Text;
use nightjar_xml::{ElementRef, XmlErrorKind};

use crate::ns;
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// Why a stream ends (RFC 6120 §4.9.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamError {
    pub condition: StreamErrorCondition,
    /// For people, in English.
    pub text: Option<Text>,
    /// Where else to go, for `see-other-host`: host or address, perhaps with a port.
    pub other_host: Option<Text>,
    /// One complete element of another namespace, the application-specific condition (RFC 6120 §4.9.4).
    pub application: Option<Text>,
}

/// Declares the conditions with their wire names.
macro_rules! conditions {
    ($($variant:ident $name:literal $section:literal,)*) => {
        /// Every condition of RFC 6120 §4.9.3.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum StreamErrorCondition {
            $(#[doc = concat!("RFC 6120 §", $section, ".")] $variant,)*
        }

        impl StreamErrorCondition {
            /// All of them, in the order of the RFC.
            pub const ALL: &[StreamErrorCondition] = &[$(StreamErrorCondition::$variant,)*];

            /// The element's name.
            pub fn as_str(self) -> &'static str {
                match self { $(StreamErrorCondition::$variant => $name,)* }
            }
        }
    };
}

conditions! {
    BadFormat "bad-format" "4.9.3.1",
    BadNamespacePrefix "bad-namespace-prefix" "4.9.3.2",
    Conflict "conflict" "4.9.3.3",
    ConnectionTimeout "connection-timeout" "4.9.3.4",
    HostGone "host-gone" "4.9.3.5",
    HostUnknown "host-unknown" "4.9.3.6",
    ImproperAddressing "improper-addressing" "4.9.3.7",
    InternalServerError "internal-server-error" "4.9.3.8",
    InvalidFrom "invalid-from" "4.9.3.9",
    InvalidNamespace "invalid-namespace" "4.9.3.10",
    InvalidXml "invalid-xml" "4.9.3.11",
    NotAuthorized "not-authorized" "4.9.3.12",
    NotWellFormed "not-well-formed" "4.9.3.13",
    PolicyViolation "policy-violation" "4.9.3.14",
    RemoteConnectionFailed "remote-connection-failed" "4.9.3.15",
    Reset "reset" "4.9.3.16",
    ResourceConstraint "resource-constraint" "4.9.3.17",
    RestrictedXml "restricted-xml" "4.9.3.18",
    SeeOtherHost "see-other-host" "4.9.3.19",
    SystemShutdown "system-shutdown" "4.9.3.20",
    UndefinedCondition "undefined-condition" "4.9.3.21",
    UnsupportedEncoding "unsupported-encoding" "4.9.3.22",
    UnsupportedFeature "unsupported-feature" "4.9.3.23",
    UnsupportedStanzaType "unsupported-stanza-type" "4.9.3.24",
    UnsupportedVersion "unsupported-version" "4.9.3.25",
}

impl StreamErrorCondition {
    /// Reads the element's name; `None` if it is not a condition of RFC 6120 §4.9.3.
    pub fn parse(name: &str) -> Option<StreamErrorCondition> {
        StreamErrorCondition::ALL.iter().copied().find(|condition| condition.as_str() == name)
    }
}

impl From<StreamErrorCondition> for StreamError {
    fn from(condition: StreamErrorCondition) -> StreamError {
        StreamError { condition, text: None, other_host: None, application: None }
    }
}

impl From<XmlErrorKind> for StreamErrorCondition {
    fn from(kind: XmlErrorKind) -> StreamErrorCondition {
        match kind {
            XmlErrorKind::NotWellFormed => StreamErrorCondition::NotWellFormed,
            XmlErrorKind::BadFormat => StreamErrorCondition::BadFormat,
            XmlErrorKind::RestrictedXml => StreamErrorCondition::RestrictedXml,
            XmlErrorKind::UnsupportedEncoding => StreamErrorCondition::UnsupportedEncoding,
            XmlErrorKind::TooLarge => StreamErrorCondition::PolicyViolation,
        }
    }
}

impl StreamError {
    /// This condition with an English explanation.
    pub fn with_text(condition: StreamErrorCondition, text: impl Into<Text>) -> StreamError {
        StreamError { text: Some(text.into()), ..condition.into() }
    }

    /// `see-other-host`: where the client should go.
    pub fn see_other_host(host: impl Into<Text>) -> StreamError {
        StreamError { other_host: Some(host.into()), ..StreamErrorCondition::SeeOtherHost.into() }
    }

    /// Reads a `<stream:error/>` element; what is missing or unknown becomes `undefined-condition`.
    pub fn from_element(error: ElementRef<'_>) -> StreamError {
        let mut read = StreamError::from(StreamErrorCondition::UndefinedCondition);
        for child in error.children() {
            match (child.ns(), child.name()) {
                (ns::STREAM_ERRORS, "text") => read.text = Some(Text::new(&child.text())),
                (ns::STREAM_ERRORS, name) => {
                    if let Some(condition) = StreamErrorCondition::parse(name) {
                        read.condition = condition;
                    }
                    if condition_carries_host(name) {
                        read.other_host = Some(Text::new(&child.text())).filter(|host| !host.is_empty());
                    }
                }
                _ => read.application = Some(child.raw()),
            }
        }
        read
    }

    /// Writes the `<stream:error/>` element; `declare_prefix` where no stream header has declared `stream`
    /// (RFC 7395 §3.3.3).
    pub fn write<S: Sink>(&self, out: &mut S, declare_prefix: bool) {
        out.put("<stream:error");
        write::attribute_if(out, "xmlns:stream", declare_prefix.then_some(ns::STREAMS));
        out.put("><");
        out.put(self.condition.as_str());
        write::attribute(out, "xmlns", ns::STREAM_ERRORS);
        match &self.other_host {
            None => out.put("/>"),
            Some(host) => {
                out.put(">");
                write::text(out, host);
                out.put("</");
                out.put(self.condition.as_str());
                out.put(">");
            }
        }
        if let Some(text) = &self.text {
            out.put("<text");
            write::attribute(out, "xmlns", ns::STREAM_ERRORS);
            out.put(" xml:lang='en'>");
            write::text(out, text);
            out.put("</text>");
        }
        if let Some(application) = &self.application {
            out.put(application);
        }
        out.put("</stream:error>");
    }
}

fn condition_carries_host(name: &str) -> bool {
    name == StreamErrorCondition::SeeOtherHost.as_str()
}
