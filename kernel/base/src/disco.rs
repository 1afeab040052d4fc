//! What is said of hosts and accounts (XEP-0030), gathered from all features.

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::forms::DataForm;

/// One identity (XEP-0030 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Such as `server`.
    pub category: Text,
    /// Such as `im`.
    pub kind: Text,
    /// A name for people, or empty.
    pub name: Text,
}

/// An answer to disco#info.
#[derive(Clone, Debug, Default)]
pub struct DiscoInfo {
    /// What it is.
    pub identities: Vec<Identity>,
    /// What it can do, as namespaces.
    pub features: Vec<Text>,
    /// More about it (XEP-0128).
    pub forms: Vec<DataForm>,
}

/// One item of disco#items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoItem {
    /// Where it is.
    pub jid: Jid,
    /// Its node, or empty.
    pub node: Text,
    /// A name for people, or empty.
    pub name: Text,
}
