//! Versions of the protocol and levels of delivery.

/// A version of the protocol that a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Protocol name `MQIsdp`, level 3.
    V3_1,
    /// Protocol name `MQTT`, level 4.
    V3_1_1,
    /// Protocol name `MQTT`, level 5.
    V5,
}

impl Version {
    /// The name and the level as CONNECT carries them (§3.1.2.1, §3.1.2.2).
    pub const fn protocol(self) -> (&'static str, u8) {
        match self {
            Self::V3_1 => ("MQIsdp", 3),
            Self::V3_1_1 => ("MQTT", 4),
            Self::V5 => ("MQTT", 5),
        }
    }

    /// Whether packets carry properties and reason codes.
    pub const fn is_5(self) -> bool {
        matches!(self, Self::V5)
    }
}

/// How often a message arrives (§4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoS {
    /// QoS 0
    #[default]
    AtMostOnce,
    /// QoS 1
    AtLeastOnce,
    /// QoS 2
    ExactlyOnce,
}

impl QoS {
    /// `None` for 3 and more.
    pub const fn from_u8(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}
