//! Stanza errors (RFC 6120 §8.3).

use nightjar_text::Text;
use nightjar_xml::ElementRef;

use crate::ns;
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// What the sender may do about an error (RFC 6120 §8.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ErrorType {
    Auth,
    Cancel,
    Continue,
    Modify,
    Wait,
}

/// The child `<error/>` of a stanza of type `error`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StanzaError {
    pub kind: ErrorType,
    pub condition: Condition,
    /// The new address of a `gone` or `redirect` condition, a URI.
    pub uri: Option<Text>,
    /// For people.
    pub text: Option<Text>,
    /// Language of `text`; `en` where it is not said.
    pub lang: Option<Text>,
    /// One complete element of another namespace, the application-specific condition (RFC 6120 §8.3.4).
    pub application: Option<Text>,
}

/// Declares the conditions with their wire names, the error type that RFC 6120 recommends, and a constructor each.
macro_rules! conditions {
    ($($variant:ident $name:literal $kind:ident $constructor:ident $section:literal,)*) => {
        /// Every condition of RFC 6120 §8.3.3.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Condition {
            $(#[doc = concat!("RFC 6120 §", $section, ".")] $variant,)*
        }

        impl Condition {
            /// All of them, in the order of the RFC.
            pub const ALL: &[Condition] = &[$(Condition::$variant,)*];

            /// The element's name.
            pub fn as_str(self) -> &'static str {
                match self { $(Condition::$variant => $name,)* }
            }

            /// The error type that the RFC gives with the condition.
            pub fn usual_type(self) -> ErrorType {
                match self { $(Condition::$variant => ErrorType::$kind,)* }
            }
        }

        impl StanzaError {
            $(
                #[doc = concat!("`", $name, "` (RFC 6120 §", $section, ") with the type the RFC gives it.")]
                pub fn $constructor() -> StanzaError {
                    StanzaError::new(Condition::$variant)
                }
            )*
        }
    };
}

conditions! {
    BadRequest "bad-request" Modify bad_request "8.3.3.1",
    Conflict "conflict" Cancel conflict "8.3.3.2",
    FeatureNotImplemented "feature-not-implemented" Cancel feature_not_implemented "8.3.3.3",
    Forbidden "forbidden" Auth forbidden "8.3.3.4",
    Gone "gone" Cancel gone "8.3.3.5",
    InternalServerError "internal-server-error" Cancel internal_server_error "8.3.3.6",
    ItemNotFound "item-not-found" Cancel item_not_found "8.3.3.7",
    JidMalformed "jid-malformed" Modify jid_malformed "8.3.3.8",
    NotAcceptable "not-acceptable" Modify not_acceptable "8.3.3.9",
    NotAllowed "not-allowed" Cancel not_allowed "8.3.3.10",
    NotAuthorized "not-authorized" Auth not_authorized "8.3.3.11",
    PolicyViolation "policy-violation" Modify policy_violation "8.3.3.12",
    RecipientUnavailable "recipient-unavailable" Wait recipient_unavailable "8.3.3.13",
    Redirect "redirect" Modify redirect "8.3.3.14",
    RegistrationRequired "registration-required" Auth registration_required "8.3.3.15",
    RemoteServerNotFound "remote-server-not-found" Cancel remote_server_not_found "8.3.3.16",
    RemoteServerTimeout "remote-server-timeout" Wait remote_server_timeout "8.3.3.17",
    ResourceConstraint "resource-constraint" Wait resource_constraint "8.3.3.18",
    ServiceUnavailable "service-unavailable" Cancel service_unavailable "8.3.3.19",
    SubscriptionRequired "subscription-required" Auth subscription_required "8.3.3.20",
    UndefinedCondition "undefined-condition" Cancel undefined_condition "8.3.3.21",
    UnexpectedRequest "unexpected-request" Wait unexpected_request "8.3.3.22",
}

impl ErrorType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorType::Auth => "auth",
            ErrorType::Cancel => "cancel",
            ErrorType::Continue => "continue",
            ErrorType::Modify => "modify",
            ErrorType::Wait => "wait",
        }
    }

    /// Reads the attribute; `None` if it is not a type of RFC 6120 §8.3.2.
    pub fn parse(value: &str) -> Option<ErrorType> {
        [ErrorType::Auth, ErrorType::Cancel, ErrorType::Continue, ErrorType::Modify, ErrorType::Wait]
            .into_iter()
            .find(|kind| kind.as_str() == value)
    }
}

impl Condition {
    /// Reads the element's name; `None` if it is not a condition of RFC 6120 §8.3.3.
    pub fn parse(name: &str) -> Option<Condition> {
        Condition::ALL.iter().copied().find(|condition| condition.as_str() == name)
    }
}

impl StanzaError {
    /// This condition with its usual type and nothing else.
    pub fn new(condition: Condition) -> StanzaError {
        StanzaError {
            kind: condition.usual_type(),
            condition,
            uri: None,
            text: None,
            lang: None,
            application: None,
        }
    }

    /// With this error type in place of the usual one.
    #[must_use]
    pub fn with_type(mut self, kind: ErrorType) -> StanzaError {
        self.kind = kind;
        self
    }

    /// With this English explanation for people.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Text>) -> StanzaError {
        self.text = Some(text.into());
        self
    }

    /// With this new address, for `gone` and `redirect`.
    #[must_use]
    pub fn with_uri(mut self, uri: impl Into<Text>) -> StanzaError {
        self.uri = Some(uri.into());
        self
    }

    /// With this application-specific condition: one complete element.
    #[must_use]
    pub fn with_application(mut self, xml: impl Into<Text>) -> StanzaError {
        self.application = Some(xml.into());
        self
    }

    /// Reads an `<error/>` element. What is missing or unknown becomes `undefined-condition` and its type
    /// (RFC 6120 §8.3.2: such an error must still be understood as one).
    pub fn from_element(error: ElementRef<'_>) -> StanzaError {
        let mut read = StanzaError::undefined_condition();
        for child in error.children() {
            match (child.ns(), child.name()) {
                (ns::STANZA_ERRORS, "text") => {
                    read.text = Some(Text::new(&child.text()));
                    read.lang = child.attr("xml:lang").map(|lang| Text::new(&lang));
                }
                (ns::STANZA_ERRORS, name) => {
                    if let Some(condition) = Condition::parse(name) {
                        read.condition = condition;
                        read.kind = condition.usual_type();
                        read.uri = Some(Text::new(&child.text())).filter(|uri| !uri.is_empty());
                    }
                }
                _ => read.application = Some(child.raw()),
            }
        }
        if let Some(kind) = error.attr("type").and_then(|kind| ErrorType::parse(&kind)) {
            read.kind = kind;
        }
        read
    }

    /// Writes the `<error/>` element, to stand inside a stanza.
    pub fn write<S: Sink>(&self, out: &mut S) {
        out.put("<error");
        write::attribute(out, "type", self.kind.as_str());
        out.put("><");
        out.put(self.condition.as_str());
        write::attribute(out, "xmlns", ns::STANZA_ERRORS);
        match &self.uri {
            None => out.put("/>"),
            Some(uri) => {
                out.put(">");
                write::text(out, uri);
                out.put("</");
                out.put(self.condition.as_str());
                out.put(">");
            }
        }
        if let Some(text) = &self.text {
            out.put("<text");
            write::attribute(out, "xmlns", ns::STANZA_ERRORS);
            write::attribute(out, "xml:lang", self.lang.as_deref().unwrap_or("en"));
            out.put(">");
            write::text(out, text);
            out.put("</text>");
        }
        if let Some(application) = &self.application {
            out.put(application);
        }
        out.put("</error>");
    }

    /// The `<error/>` element.
    pub fn to_xml(&self) -> Text {
        let mut out = String::with_capacity(128);
        self.write(&mut out);
        Text::from(out)
    }
}
