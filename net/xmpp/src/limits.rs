//! What one stanza may cost, as listeners for clients and for servers say it.

use nightjar_config::{OptionSpec, Options, option};
use nightjar_xml::Limits;

/// `max_stanza_elements`
pub(crate) const MAX_STANZA_ELEMENTS: OptionSpec = option(
    "max_stanza_elements",
    "int>0|infinity",
    "infinity",
    "XML elements of one stanza, itself included; more end the stream with policy-violation.",
);

/// `pre_auth_max_stanza_elements`
pub(crate) const PRE_AUTH_MAX_STANZA_ELEMENTS: OptionSpec = option(
    "pre_auth_max_stanza_elements",
    "int>0|infinity",
    "32",
    "The same before the peer is authenticated.",
);

/// The limits with a number of elements in place of theirs; 0 never gets here.
pub(crate) fn with_elements(limits: Limits, options: &Options, name: &str) -> Limits {
    let elements = options.limit(name).map_or(u32::MAX, |max| u32::try_from(max).unwrap_or(u32::MAX));
    Limits { elements, ..limits }
}
