//! Attribute types and error codes.

/// Attribute types. Those below 0x8000 must be understood (RFC 8489 §14).
pub mod kind {
    /// RFC 8489 §14.1
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    /// RFC 5780 §7.2
    pub const CHANGE_REQUEST: u16 = 0x0003;
    /// RFC 8489 §14.3
    pub const USERNAME: u16 = 0x0006;
    /// RFC 8489 §14.5
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    /// RFC 8489 §14.8
    pub const ERROR_CODE: u16 = 0x0009;
    /// RFC 8489 §14.13
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    /// RFC 8656 §18.1
    pub const CHANNEL_NUMBER: u16 = 0x000c;
    /// RFC 8656 §18.2
    pub const LIFETIME: u16 = 0x000d;
    /// RFC 8656 §18.3
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    /// RFC 8656 §18.4
    pub const DATA: u16 = 0x0013;
    /// RFC 8489 §14.9
    pub const REALM: u16 = 0x0014;
    /// RFC 8489 §14.10
    pub const NONCE: u16 = 0x0015;
    /// RFC 8656 §18.5
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    /// RFC 8656 §18.6
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    /// RFC 8656 §18.7
    pub const EVEN_PORT: u16 = 0x0018;
    /// RFC 8656 §18.8
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    /// RFC 8656 §18.9
    pub const DONT_FRAGMENT: u16 = 0x001a;
    /// RFC 7635 §6.2
    pub const ACCESS_TOKEN: u16 = 0x001b;
    /// RFC 8489 §14.6
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    /// RFC 8489 §14.12
    pub const PASSWORD_ALGORITHM: u16 = 0x001d;
    /// RFC 8489 §14.4
    pub const USERHASH: u16 = 0x001e;
    /// RFC 8489 §14.2
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    /// RFC 8656 §18.10
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    /// RFC 5780 §7.5
    pub const PADDING: u16 = 0x0026;
    /// RFC 5780 §7.6
    pub const RESPONSE_PORT: u16 = 0x0027;
    /// RFC 6062 §6.2.1
    pub const CONNECTION_ID: u16 = 0x002a;
    /// RFC 8656 §18.11
    pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    /// RFC 8656 §18.12
    pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
    /// RFC 8489 §14.11
    pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
    /// RFC 8489 §14.16
    pub const ALTERNATE_DOMAIN: u16 = 0x8003;
    /// RFC 8656 §18.13
    pub const ICMP: u16 = 0x8004;
    /// RFC 8489 §14.14
    pub const SOFTWARE: u16 = 0x8022;
    /// RFC 8489 §14.15
    pub const ALTERNATE_SERVER: u16 = 0x8023;
    /// RFC 8489 §14.7
    pub const FINGERPRINT: u16 = 0x8028;
    /// RFC 5780 §7.3
    pub const RESPONSE_ORIGIN: u16 = 0x802b;
    /// RFC 5780 §7.4
    pub const OTHER_ADDRESS: u16 = 0x802c;
    /// RFC 7635 §6.1
    pub const THIRD_PARTY_AUTHORIZATION: u16 = 0x802e;
}

/// An error's code and usual words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// 300 to 699.
    pub code: u16,
    /// For a person.
    pub reason: &'static str,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal $reason:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self { code: $code, reason: $reason };)*
        }
    };
}

errors! {
    /// RFC 8489 §14.8
    TRY_ALTERNATE = 300 "Try Alternate";
    /// RFC 8489 §14.8
    BAD_REQUEST = 400 "Bad Request";
    /// RFC 8489 §14.8
    UNAUTHENTICATED = 401 "Unauthenticated";
    /// RFC 8656 §19
    FORBIDDEN = 403 "Forbidden";
    /// RFC 8489 §14.8
    UNKNOWN_ATTRIBUTE = 420 "Unknown Attribute";
    /// RFC 8656 §19
    ALLOCATION_MISMATCH = 437 "Allocation Mismatch";
    /// RFC 8489 §14.8
    STALE_NONCE = 438 "Stale Nonce";
    /// RFC 8656 §19
    ADDRESS_FAMILY_NOT_SUPPORTED = 440 "Address Family not Supported";
    /// RFC 8656 §19
    WRONG_CREDENTIALS = 441 "Wrong Credentials";
    /// RFC 8656 §19
    UNSUPPORTED_TRANSPORT = 442 "Unsupported Transport Protocol";
    /// RFC 8656 §19
    PEER_ADDRESS_FAMILY_MISMATCH = 443 "Peer Address Family Mismatch";
    /// RFC 6062 §6.3
    CONNECTION_ALREADY_EXISTS = 446 "Connection Already Exists";
    /// RFC 6062 §6.3
    CONNECTION_TIMEOUT_OR_FAILURE = 447 "Connection Timeout or Failure";
    /// RFC 8656 §19
    ALLOCATION_QUOTA_REACHED = 486 "Allocation Quota Reached";
    /// RFC 8489 §14.8
    SERVER_ERROR = 500 "Server Error";
    /// RFC 8656 §19
    INSUFFICIENT_CAPACITY = 508 "Insufficient Capacity";
}
