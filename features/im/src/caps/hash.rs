//! The verification string (XEP-0115 §5) and who may be believed (§5.4, §6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_base::disco::{DiscoInfo, Identity};
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::forms::{DataForm, FieldType, FormType};
use nightjar_xmpp::{Stanza, ns};
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// Bytes of a node or verification string, which are keys of the database.
const KEY_MAX: usize = 180;
/// Features, identities and form values one entity may have.
const PARTS_MAX: usize = 1000;
/// Bytes of each of them.
const PART_MAX: usize = 1024;

/// How a verification string was made. MD5 is refused: others' strings could be forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Algorithm> {
        Some(match name {
            "sha-1" => Algorithm::Sha1,
            "sha-224" => Algorithm::Sha224,
            "sha-256" => Algorithm::Sha256,
            "sha-384" => Algorithm::Sha384,
            "sha-512" => Algorithm::Sha512,
            _ => return None,
        })
    }

    fn digest(self, text: &str) -> String {
        let bytes = text.as_bytes();
        match self {
            Algorithm::Sha1 => STANDARD.encode(Sha1::digest(bytes)),
            Algorithm::Sha224 => STANDARD.encode(Sha224::digest(bytes)),
            Algorithm::Sha256 => STANDARD.encode(Sha256::digest(bytes)),
            Algorithm::Sha384 => STANDARD.encode(Sha384::digest(bytes)),
            Algorithm::Sha512 => STANDARD.encode(Sha512::digest(bytes)),
        }
    }
}

/// What an entity says of itself in presence: `<c/>` (§4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub node: Text,
    pub version: Text,
    pub algorithm: Algorithm,
}

impl Claim {
    /// The claim in a presence. One that can't be verified counts as none: without a hash (§8.1) anybody could say
    /// anything in the name of any software.
    pub(super) fn of(presence: &Stanza) -> Option<Claim> {
        let c = presence.child("c", ns::CAPS)?;
        let key = |name: &str| c.attr(name).filter(|value| !value.is_empty() && value.len() <= KEY_MAX);
        Some(Claim {
            node: Text::new(&key("node")?),
            version: Text::new(&key("ver")?),
            algorithm: Algorithm::parse(&c.attr("hash")?)?,
        })
    }

    /// The node that is asked for it (§6.2).
    pub(super) fn key(&self) -> String {
        format!("{}#{}", self.node, self.version)
    }
}

/// An answer to disco#info as far as the string covers it.
#[derive(Clone, Debug, Default)]
pub(super) struct Info {
    /// Category, type, language, name.
    identities: Vec<[String; 4]>,
    pub features: Vec<Text>,
    forms: Vec<DataForm>,
}

impl Info {
    pub(super) fn read(query: ElementRef<'_>) -> Info {
        let attr = |element: ElementRef<'_>, name| element.attr(name).unwrap_or_default().into_owned();
        let mut info = Info::default();
        for child in query.children() {
            match (child.ns(), child.name()) {
                (ns::DISCO_INFO, "identity") => {
                    info.identities
                        .push(["category", "type", "xml:lang", "name"].map(|name| attr(child, name)));
                }
                (ns::DISCO_INFO, "feature") => info.features.push(Text::from(attr(child, "var"))),
                (ns::DATA_FORMS, "x") => info.forms.extend(DataForm::from_element(child).ok()),
                _ => {}
            }
        }
        info
    }

    pub(super) fn into_disco(self) -> DiscoInfo {
        let identity = |[category, kind, _, name]: [String; 4]| Identity {
            category: Text::from(category),
            kind: Text::from(kind),
            name: Text::from(name),
        };
        DiscoInfo {
            identities: self.identities.into_iter().map(identity).collect(),
            features: self.features,
            forms: self.forms,
        }
    }

    /// Whether the claim is proven by this answer.
    pub(super) fn proves(&self, claim: &Claim) -> bool {
        self.is_acceptable() && self.verification(claim.algorithm) == claim.version.as_str()
    }

    /// §5.1
    pub(super) fn verification(&self, algorithm: Algorithm) -> String {
        let mut text = String::new();
        let mut identities: Vec<String> = self.identities.iter().map(|parts| parts.join("/")).collect();
        identities.sort_unstable();
        identities.iter().for_each(|identity| push(&mut text, identity));
        let mut features: Vec<&str> = self.features.iter().map(Text::as_str).collect();
        features.sort_unstable();
        features.dedup();
        features.iter().for_each(|feature| push(&mut text, feature));
        // §5.4, rule 3.6: a form whose FORM_TYPE isn't hidden is passed over.
        let typed = self.forms.iter().filter_map(|form| Some((hidden_type(form)?, form)));
        let mut forms: Vec<(&str, &DataForm)> = typed.collect();
        forms.sort_by_key(|(kind, _)| *kind);
        for (kind, form) in forms {
            push(&mut text, kind);
            push_fields(&mut text, form);
        }
        algorithm.digest(&text)
    }

    /// §5.4, rules 3.3 to 3.5; and no part may hold a sign that joins parts, so that two different answers never give
    /// the same text.
    fn is_acceptable(&self) -> bool {
        let fields = || self.forms.iter().flat_map(|form| &form.fields);
        let parts = self
            .identities
            .iter()
            .flatten()
            .map(String::as_str)
            .chain(self.features.iter().map(Text::as_str))
            .chain(fields().map(|field| field.var.as_str()))
            .chain(fields().flat_map(|field| &field.values).map(String::as_str));
        let is_bounded = parts.clone().count() <= PARTS_MAX * 4;
        let is_clean = |part: &str| part.len() <= PART_MAX && !part.contains('<');
        // A namespace such as `http://…` cut at its slashes is no identity: XEP-0030 §3.1 wants both words.
        let joins = |[category, kind, lang, _]: &[String; 4]| {
            let is_word = |word: &str| !word.is_empty() && !word.contains(['/', ':']);
            !is_word(category) || !is_word(kind) || lang.contains('/')
        };
        let types: Vec<&str> = self.forms.iter().filter_map(hidden_type).collect();
        let single_type = |form: &DataForm| form.values("FORM_TYPE").len() <= 1;
        let has_values = |form: &DataForm| form.fields.iter().all(|field| !field.values.is_empty());
        !self.identities.is_empty()
            && self.features.len() <= PARTS_MAX
            && is_bounded
            && parts.clone().all(is_clean)
            && !self.identities.iter().any(joins)
            && is_unique(self.identities.iter().collect())
            && is_unique(self.features.iter().collect())
            && is_unique(types)
            && self.forms.iter().all(|form| single_type(form) && has_values(form))
    }
}

fn is_unique<T: Ord>(mut parts: Vec<T>) -> bool {
    parts.sort_unstable();
    parts.windows(2).all(|pair| matches!(pair, [one, other] if one != other))
}

fn hidden_type(form: &DataForm) -> Option<&str> {
    let is_result = form.kind == FormType::Result;
    let field = form.field("FORM_TYPE").filter(|field| field.kind == Some(FieldType::Hidden) && is_result)?;
    field.values.first().map(String::as_str)
}

fn push(text: &mut String, part: &str) {
    text.push_str(part);
    text.push('<');
}

fn push_fields(text: &mut String, form: &DataForm) {
    let mut fields: Vec<_> = form.fields.iter().filter(|field| field.var != "FORM_TYPE").collect();
    fields.sort_by(|one, other| one.var.cmp(&other.var));
    for field in fields {
        push(text, &field.var);
        let mut values: Vec<&str> = field.values.iter().map(String::as_str).collect();
        values.sort_unstable();
        values.iter().for_each(|value| push(text, value));
    }
}

#[cfg(test)]
mod tests;
