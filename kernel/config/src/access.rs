//! Who may do what: `acl`, `access_rules`, `shaper`, `shaper_rules`, `api_permissions`.
//!
//! Every decision is a function of the rules and of who asks; it returns the verdict and, where a person
//! will want to know, the reason.

mod acl;
mod evaluate;
mod permissions;
mod rules;

pub use acl::Condition;
pub use evaluate::{Access, Decision, NoGroups, SharedGroups, Who};
pub use permissions::{Call, Caller, Grant, Permission, Permissions, Pick, Scope};
pub use rules::{AccessRef, AccessRule, Action, Rate, ShaperEntry, ShaperRef, ShaperRule, ShaperValue};

pub(crate) use rules::{read_access, read_access_rule, read_shaper, read_shaper_rule, read_shapers};
pub(crate) use {acl::read_acl, permissions::read_permissions};

#[cfg(test)]
mod tests;
