//! The three stanzas and their types (RFC 6120 §8.2.3, RFC 6121 §4.7.1, §5.2.2).

use std::fmt;

/// Which stanza, with its type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StanzaType {
    Message(MessageType),
    Presence(PresenceType),
    Iq(IqType),
}

/// RFC 6121 §5.2.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MessageType {
    #[default]
    Normal,
    Chat,
    Groupchat,
    Headline,
    Error,
}

/// RFC 6121 §4.7.1; `Available` is the absence of a type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PresenceType {
    #[default]
    Available,
    Unavailable,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Probe,
    Error,
}

/// RFC 6120 §8.2.3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IqType {
    Get,
    Set,
    Result,
    Error,
}

impl StanzaType {
    /// The element's name.
    pub fn name(self) -> &'static str {
        match self {
            StanzaType::Message(_) => "message",
            StanzaType::Presence(_) => "presence",
            StanzaType::Iq(_) => "iq",
        }
    }

    /// The value of the `type` attribute; `None` where it is left out (normal messages, available presence).
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            StanzaType::Message(MessageType::Normal) | StanzaType::Presence(PresenceType::Available) => None,
            StanzaType::Message(kind) => Some(kind.as_str()),
            StanzaType::Presence(kind) => Some(kind.as_str()),
            StanzaType::Iq(kind) => Some(kind.as_str()),
        }
    }

    /// The error type of the same stanza.
    pub fn as_error(self) -> StanzaType {
        match self {
            StanzaType::Message(_) => StanzaType::Message(MessageType::Error),
            StanzaType::Presence(_) => StanzaType::Presence(PresenceType::Error),
            StanzaType::Iq(_) => StanzaType::Iq(IqType::Error),
        }
    }

    /// True for `type='error'`.
    pub fn is_error(self) -> bool {
        self == self.as_error()
    }

    /// False for errors and IQ results, which must never be answered with an error (RFC 6120 §8.3.1).
    pub fn may_be_answered_with_error(self) -> bool {
        !self.is_error() && self != StanzaType::Iq(IqType::Result)
    }
}

impl MessageType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageType::Normal => "normal",
            MessageType::Chat => "chat",
            MessageType::Groupchat => "groupchat",
            MessageType::Headline => "headline",
            MessageType::Error => "error",
        }
    }

    /// Reads the attribute; anything unknown counts as `normal` (RFC 6121 §5.2.2).
    pub fn parse(value: &str) -> MessageType {
        match value {
            "chat" => MessageType::Chat,
            "groupchat" => MessageType::Groupchat,
            "headline" => MessageType::Headline,
            "error" => MessageType::Error,
            _ => MessageType::Normal,
        }
    }
}

impl PresenceType {
    /// The attribute's value; empty for `Available`, which has none.
    pub fn as_str(self) -> &'static str {
        match self {
            PresenceType::Available => "",
            PresenceType::Unavailable => "unavailable",
            PresenceType::Subscribe => "subscribe",
            PresenceType::Subscribed => "subscribed",
            PresenceType::Unsubscribe => "unsubscribe",
            PresenceType::Unsubscribed => "unsubscribed",
            PresenceType::Probe => "probe",
            PresenceType::Error => "error",
        }
    }

    /// Reads the attribute; `None` if it is not a type of RFC 6121 §4.7.1.
    pub fn parse(value: &str) -> Option<PresenceType> {
        Some(match value {
            "unavailable" => PresenceType::Unavailable,
            "subscribe" => PresenceType::Subscribe,
            "subscribed" => PresenceType::Subscribed,
            "unsubscribe" => PresenceType::Unsubscribe,
            "unsubscribed" => PresenceType::Unsubscribed,
            "probe" => PresenceType::Probe,
            "error" => PresenceType::Error,
            _ => return None,
        })
    }

    /// True for the four types that manage subscriptions (RFC 6121 §3).
    pub fn is_subscription(self) -> bool {
        matches!(
            self,
            PresenceType::Subscribe
                | PresenceType::Subscribed
                | PresenceType::Unsubscribe
                | PresenceType::Unsubscribed
        )
    }
}

impl IqType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            IqType::Get => "get",
            IqType::Set => "set",
            IqType::Result => "result",
            IqType::Error => "error",
        }
    }

    /// Reads the attribute; `None` if it is not a type of RFC 6120 §8.2.3.
    pub fn parse(value: &str) -> Option<IqType> {
        Some(match value {
            "get" => IqType::Get,
            "set" => IqType::Set,
            "result" => IqType::Result,
            "error" => IqType::Error,
            _ => return None,
        })
    }
}

impl fmt::Display for StanzaType {
    /// For logs: `message/chat`, `presence/available`, `iq/get`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = match self {
            StanzaType::Message(_) => "normal",
            _ => "available",
        };
        write!(formatter, "{}/{}", self.name(), self.attribute().unwrap_or(default))
    }
}
