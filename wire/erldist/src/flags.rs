//! Capability flags of the handshake (erl_dist_protocol, "Distribution Flags"). Both sides use what both offer.

use std::fmt;
use std::ops::{BitAnd, BitOr};

/// A set of capabilities.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u64);

/// The node is seen by `nodes()` and takes part in `global`; without it the node is hidden.
pub const PUBLISHED: Flags = Flags(1);
/// References of three words.
pub const EXTENDED_REFERENCES: Flags = Flags(1 << 2);
/// Monitors between nodes.
pub const DIST_MONITOR: Flags = Flags(1 << 3);
/// Funs have tags of their own.
pub const FUN_TAGS: Flags = Flags(1 << 4);
/// Monitors of registered names.
pub const DIST_MONITOR_NAME: Flags = Flags(1 << 5);
/// NEW_FUN_EXT.
pub const NEW_FUN_TAGS: Flags = Flags(1 << 7);
/// Pids and ports of more bits.
pub const EXTENDED_PIDS_PORTS: Flags = Flags(1 << 8);
/// EXPORT_EXT.
pub const EXPORT_PTR_TAG: Flags = Flags(1 << 9);
/// BIT_BINARY_EXT.
pub const BIT_BINARIES: Flags = Flags(1 << 10);
/// NEW_FLOAT_EXT.
pub const NEW_FLOATS: Flags = Flags(1 << 11);
/// Code points beyond 255 in io requests.
pub const UNICODE_IO: Flags = Flags(1 << 12);
/// Messages begin with a distribution header, which has the atom cache.
pub const DIST_HDR_ATOM_CACHE: Flags = Flags(1 << 13);
/// SMALL_ATOM_EXT.
pub const SMALL_ATOM_TAGS: Flags = Flags(1 << 14);
/// Atoms of UTF-8.
pub const UTF8_ATOMS: Flags = Flags(1 << 16);
/// MAP_EXT.
pub const MAP_TAG: Flags = Flags(1 << 17);
/// Creations of 32 bits.
pub const BIG_CREATION: Flags = Flags(1 << 18);
/// SEND_SENDER in place of SEND.
pub const SEND_SENDER: Flags = Flags(1 << 19);
/// Exit reasons as payload.
pub const EXIT_PAYLOAD: Flags = Flags(1 << 22);
/// Long messages in pieces; needs [`DIST_HDR_ATOM_CACHE`].
pub const FRAGMENTS: Flags = Flags(1 << 23);
/// Version 6 of the handshake.
pub const HANDSHAKE_23: Flags = Flags(1 << 24);
/// UNLINK_ID in place of UNLINK.
pub const UNLINK_ID: Flags = Flags(1 << 25);
/// Stands for all that OTP 25 demands.
pub const MANDATORY_25_DIGEST: Flags = Flags(1 << 26);
/// SPAWN_REQUEST.
pub const SPAWN: Flags = Flags(1 << 32);
/// No capability: the peer asks for a name.
pub const NAME_ME: Flags = Flags(1 << 33);
/// Pids, ports and references of more bits.
pub const V4_NC: Flags = Flags(1 << 34);
/// ALIAS_SEND.
pub const ALIAS: Flags = Flags(1 << 35);

/// What OTP 25 demands of a peer.
pub const MANDATORY_25: Flags = Flags(
    EXTENDED_REFERENCES.0
        | FUN_TAGS.0
        | NEW_FUN_TAGS.0
        | EXTENDED_PIDS_PORTS.0
        | EXPORT_PTR_TAG.0
        | BIT_BINARIES.0
        | NEW_FLOATS.0
        | UTF8_ATOMS.0
        | MAP_TAG.0
        | BIG_CREATION.0
        | HANDSHAKE_23.0,
);

/// What a peer must be able to read: it is what we write.
pub const REQUIRED: Flags = Flags(
    EXTENDED_REFERENCES.0 | EXTENDED_PIDS_PORTS.0 | NEW_FLOATS.0 | UTF8_ATOMS.0 | MAP_TAG.0 | BIG_CREATION.0,
);

/// What we offer: all that OTP 25 and 26 demand and remote calls need, without atom cache and fragments, which save
/// bytes that an administrator's connection never has.
pub const OFFERED: Flags = Flags(
    MANDATORY_25.0
        | DIST_MONITOR.0
        | DIST_MONITOR_NAME.0
        | UNICODE_IO.0
        | SMALL_ATOM_TAGS.0
        | SEND_SENDER.0
        | EXIT_PAYLOAD.0
        | UNLINK_ID.0
        | MANDATORY_25_DIGEST.0
        | SPAWN.0
        | V4_NC.0
        | ALIAS.0,
);

impl Flags {
    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and what they stand for.
    pub(crate) fn expanded(self) -> Self {
        if self.has(MANDATORY_25_DIGEST) { self | MANDATORY_25 } else { self }
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#x}", self.0)
    }
}
