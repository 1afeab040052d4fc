//! XMPP addresses (RFC 7622), prepared with the stringprep profiles that stored accounts rely on (RFC 3920).

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use nightjar_text::Text;

mod error;
mod escape;
mod prep;
#[cfg(test)]
mod tests;

pub use error::{JidError, Part};
pub use escape::{escape_node, unescape_node};
pub use prep::{PART_BYTES_MAX, nameprep, nodeprep, resourceprep, saslprep};

/// An address `local@domain/resource` in normal form: equal addresses are equal bytes.
///
/// 32 bytes over shared text. It equals, orders and hashes like its text.
#[derive(Clone)]
pub struct Jid {
    text: Text,
    /// Where the domain begins: behind the `@`, or 0. Three parts of 1023 bytes fit.
    domain_at: u16,
    /// Where the domain ends: at the `/`, or at the end.
    domain_end: u16,
}

/// An address taken apart; a part is there or it is `None`, but it may be empty or otherwise wrong.
struct Parts<'a> {
    local: Option<&'a str>,
    domain: &'a str,
    resource: Option<&'a str>,
}

impl Jid {
    /// Reads and prepares an address.
    pub fn parse(text: &str) -> Result<Jid, JidError> {
        Jid::prepare(&Parts::split(text), |_| Text::new(text))
    }

    /// Reads and prepares an address; shares the buffer when the text is in normal form already.
    pub fn from_text(text: &Text) -> Result<Jid, JidError> {
        Jid::prepare(&Parts::split(text), |_| text.clone())
    }

    /// Reads an address from bytes that may not be UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Jid, JidError> {
        Jid::parse(str::from_utf8(bytes).map_err(|_| JidError::NotUtf8)?)
    }

    /// Prepares and joins the parts. A part that is there must not be empty.
    pub fn from_parts(local: Option<&str>, domain: &str, resource: Option<&str>) -> Result<Jid, JidError> {
        Jid::prepare(&Parts { local, domain, resource }, |parts| parts.join())
    }

    fn prepare(parts: &Parts<'_>, whole: impl Fn(&Parts<'_>) -> Text) -> Result<Jid, JidError> {
        let local = parts.local.map(nodeprep).transpose()?;
        let domain = nameprep(parts.domain)?;
        let resource = parts.resource.map(resourceprep).transpose()?;
        let domain_at = local.as_ref().map_or(0, |local| local.len() + 1);
        let domain_end = domain_at + domain.len();
        let kept = |part: &Option<Cow<'_, str>>| !matches!(part, Some(Cow::Owned(_)));
        // A borrowed domain is shorter than the original only by its trailing dot.
        let normal = kept(&local)
            && kept(&resource)
            && matches!(domain, Cow::Borrowed(_))
            && domain.len() == parts.domain.len();
        let text = if normal {
            whole(parts)
        } else {
            Parts { local: local.as_deref(), domain: &domain, resource: resource.as_deref() }.join()
        };
        // Each part is at most 1023 bytes long.
        Ok(Jid { text, domain_at: domain_at as u16, domain_end: domain_end as u16 })
    }

    /// The part before the `@`.
    pub fn local(&self) -> Option<&str> {
        self.text.get(..usize::from(self.domain_at).checked_sub(1)?)
    }

    /// The host; never empty.
    pub fn domain(&self) -> &str {
        self.text.get(usize::from(self.domain_at)..self.domain_end.into()).unwrap_or_default()
    }

    /// The part behind the `/`.
    pub fn resource(&self) -> Option<&str> {
        self.text.get(usize::from(self.domain_end) + 1..)
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole address as shared text.
    pub fn as_text(&self) -> &Text {
        &self.text
    }

    /// The address without its resource.
    pub fn bare_str(&self) -> &str {
        self.text.get(..self.domain_end.into()).unwrap_or_default()
    }

    /// The address without its resource; shares the buffer.
    pub fn bare(&self) -> Jid {
        self.with_text(self.text.slice(0..self.domain_end.into()))
    }

    /// The domain alone; shares the buffer.
    pub fn to_domain(&self) -> Jid {
        let text = self.text.slice(self.domain_at.into()..self.domain_end.into());
        Jid { text, domain_at: 0, domain_end: self.domain_end - self.domain_at }
    }

    /// Whether there is no resource.
    pub fn is_bare(&self) -> bool {
        usize::from(self.domain_end) == self.text.len()
    }

    /// Whether there is a resource.
    pub fn is_full(&self) -> bool {
        !self.is_bare()
    }

    /// Whether there is neither a localpart nor a resource.
    pub fn is_domain(&self) -> bool {
        self.domain_at == 0 && self.is_bare()
    }

    /// The same address with this resource.
    pub fn with_resource(&self, resource: &str) -> Result<Jid, JidError> {
        let resource = resourceprep(resource)?;
        let text = Parts { local: None, domain: self.bare_str(), resource: Some(&resource) }.join();
        Ok(self.with_text(text))
    }

    /// The same address in a buffer of its own when it keeps a much larger one alive.
    pub fn detach(&self) -> Jid {
        self.with_text(self.text.detach())
    }

    fn with_text(&self, text: Text) -> Jid {
        Jid { text, domain_at: self.domain_at, domain_end: self.domain_end }
    }
}

impl<'a> Parts<'a> {
    /// RFC 7622 §3.1: the resource begins at the first `/`, and only what stands before it can hold the `@`.
    fn split(text: &'a str) -> Parts<'a> {
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        match bare.split_once('@') {
            Some((local, domain)) => Parts { local: Some(local), domain, resource },
            None => Parts { local: None, domain: bare, resource },
        }
    }

    fn join(&self) -> Text {
        let length = |part: Option<&str>| part.map_or(0, |part| part.len() + 1);
        let mut text = String::with_capacity(length(self.local) + self.domain.len() + length(self.resource));
        if let Some(local) = self.local {
            text.push_str(local);
            text.push('@');
        }
        text.push_str(self.domain);
        if let Some(resource) = self.resource {
            text.push('/');
            text.push_str(resource);
        }
        Text::from(text)
    }
}

impl FromStr for Jid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Jid, JidError> {
        Jid::parse(text)
    }
}

impl TryFrom<&str> for Jid {
    type Error = JidError;

    fn try_from(text: &str) -> Result<Jid, JidError> {
        Jid::parse(text)
    }
}

// The text alone decides: neither `@` nor `/` can stand in a prepared localpart or domain.
impl Eq for Jid {}

impl PartialEq for Jid {
    fn eq(&self, other: &Jid) -> bool {
        self.text == other.text
    }
}

impl Ord for Jid {
    fn cmp(&self, other: &Jid) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Jid {
    fn partial_cmp(&self, other: &Jid) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Jid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Borrow<str> for Jid {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for Jid {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text, f)
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}
