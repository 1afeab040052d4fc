//! What an account wants to be archived (XEP-0441), in the words of `archive_prefs`.

use nightjar_base::contacts::Subscription;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::{StanzaError, ns, write};

/// What is archived with whom no rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Default {
    Always,
    Never,
    Roster,
}

impl Default {
    /// A word of the option or the column; anything unknown archives nothing.
    pub fn parse(word: &str) -> Self {
        match word {
            "always" => Default::Always,
            "roster" => Default::Roster,
            _ => Default::Never,
        }
    }

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Default::Always => "always",
            Default::Never => "never",
            Default::Roster => "roster",
        }
    }
}

/// An account's preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preferences {
    pub default: Default,
    pub always: Vec<Jid>,
    pub never: Vec<Jid>,
    /// Whether the account ever set them, or asked for its archive where that turns archiving on.
    pub stored: bool,
}

/// What the rules say of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Archive,
    Leave,
    /// Only if the peer is a contact.
    AskRoster,
}

/// Rules of one list at most.
const RULES_MAX: usize = 1000;

impl Preferences {
    /// What the rules say of a peer: its full address is looked for first, then its bare one.
    pub fn rule(&self, peer: &Jid) -> Rule {
        let named = |list: &[Jid]| {
            list.iter().any(|jid| jid == peer || (jid.is_bare() && jid.as_str() == peer.bare_str()))
        };
        if named(&self.always) {
            Rule::Archive
        } else if named(&self.never) {
            Rule::Leave
        } else {
            match self.default {
                Default::Always => Rule::Archive,
                Default::Never => Rule::Leave,
                Default::Roster => Rule::AskRoster,
            }
        }
    }

    /// Reads `<prefs/>`.
    ///
    /// # Errors
    /// `bad-request` if a word or address is wrong, `resource-constraint` if there are too many.
    pub fn parse(element: ElementRef<'_>) -> Result<Self, StanzaError> {
        let default = match element.attr("default").as_deref() {
            Some("always") => Default::Always,
            Some("never") => Default::Never,
            Some("roster") => Default::Roster,
            _ => return Err(StanzaError::bad_request().with_text("default is one of always, never, roster")),
        };
        let list = |name: &str| -> Result<Vec<Jid>, StanzaError> {
            let Some(list) = element.child(name, ns::MAM) else { return Ok(Vec::new()) };
            let jids = list.children().filter(|child| child.is("jid", ns::MAM));
            let jids: Result<Vec<Jid>, _> = jids.map(|jid| Jid::parse(jid.text().trim())).collect();
            let jids = jids.map_err(|_| StanzaError::jid_malformed())?;
            if jids.len() > RULES_MAX { Err(StanzaError::resource_constraint()) } else { Ok(jids) }
        };
        Ok(Self { default, always: list("always")?, never: list("never")?, stored: true })
    }

    /// Writes `<prefs/>`.
    pub fn to_xml(&self) -> Text {
        let mut xml = format!("<prefs xmlns='{}' default='{}'>", ns::MAM, self.default.name());
        for (name, list) in [("always", &self.always), ("never", &self.never)] {
            xml.push_str(&format!("<{name}>"));
            for jid in list {
                write::text_element(&mut xml, "jid", jid.as_str());
            }
            xml.push_str(&format!("</{name}>"));
        }
        xml.push_str("</prefs>");
        Text::from(xml)
    }
}

/// Whether a contact with this subscription is one whose messages are archived under `roster`.
pub(super) fn is_contact(subscription: Subscription) -> bool {
    subscription != Subscription::None
}

/// A list of addresses as ejabberd writes it: `[{<<"user">>,<<"host">>,<<>>}]`.
pub(super) fn to_terms(jids: &[Jid]) -> String {
    let binary = |text: &str| {
        if text.is_empty() { "<<>>".to_owned() } else { format!("<<{:?}>>", Escaped(text)) }
    };
    let terms: Vec<String> = jids
        .iter()
        .map(|jid| {
            let parts = [jid.local().unwrap_or_default(), jid.domain(), jid.resource().unwrap_or_default()];
            format!("{{{}}}", parts.map(binary).join(","))
        })
        .collect();
    format!("[{}]", terms.join(","))
}

/// Text in double quotes, with `"` and `\` escaped as Erlang does.
struct Escaped<'a>(&'a str);

impl std::fmt::Debug for Escaped<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Reads [`to_terms`]' form; what isn't an address is left out.
pub(super) fn from_terms(text: &str) -> Vec<Jid> {
    let mut jids = Vec::new();
    for term in text.split('{').skip(1) {
        let Some((term, _)) = term.split_once('}') else { break };
        let parts: Vec<String> = term.split("<<").skip(1).filter_map(binary).collect();
        if let [local, domain, resource] = parts.as_slice() {
            let some = |part: &'_ String| Some(part.clone()).filter(|part| !part.is_empty());
            let (local, resource) = (some(local), some(resource));
            jids.extend(Jid::from_parts(local.as_deref(), domain, resource.as_deref()));
        }
    }
    jids
}

fn binary(part: &str) -> Option<String> {
    let (inside, _) = part.rsplit_once(">>")?;
    let inside = inside.strip_suffix("/utf8").unwrap_or(inside);
    let inside = inside.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')).unwrap_or(inside);
    Some(inside.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use nightjar_jid::Jid;

    use super::{Default, Preferences, Rule, from_terms, to_terms};

    fn jid(text: &str) -> Jid {
        Jid::parse(text).unwrap()
    }

    #[test]
    fn lists_are_kept_as_ejabberd_writes_them() {
        let jids = [jid("romeo@montague.lit"), jid("montague.lit"), jid("a@b/c \"d\"")];
        let text = to_terms(&jids);
        assert!(text.starts_with("[{<<\"romeo\">>,<<\"montague.lit\">>,<<>>},"), "{text}");
        assert_eq!(from_terms(&text), jids);
        assert!(from_terms("[]").is_empty());
        assert!(from_terms("nonsense {<<").is_empty());
    }

    #[test]
    fn rules_name_full_and_bare_addresses() {
        let preferences = Preferences {
            default: Default::Roster,
            always: vec![jid("romeo@montague.lit")],
            never: vec![jid("montague.lit"), jid("tybalt@capulet.lit/phone")],
            stored: true,
        };
        assert_eq!(preferences.rule(&jid("romeo@montague.lit/garden")), Rule::Archive);
        assert_eq!(preferences.rule(&jid("montague.lit")), Rule::Leave);
        assert_eq!(preferences.rule(&jid("tybalt@capulet.lit/phone")), Rule::Leave);
        assert_eq!(preferences.rule(&jid("tybalt@capulet.lit/desk")), Rule::AskRoster);
    }
}
