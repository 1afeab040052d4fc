//! The verification string (XEP-0115 §5) and what makes an answer fit to be believed for others than its sender.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::forms::{DataForm, FieldType, FormType};
use nightjar_xmpp::ns;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// An answer to disco#info, reduced to what is hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    identities: Vec<Identity>,
    /// In the order of the answer.
    pub features: Vec<Text>,
    forms: Vec<DataForm>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    category: String,
    kind: String,
    lang: String,
    name: String,
}

/// Why an answer is believed for its sender alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Two identities are the same, or two features, or two forms (§5.4).
    Duplicate,
    /// A string could be read as several, or in another role: another answer has the same hash.
    Ambiguous,
    /// The hash function isn't one that proves anything, or isn't named.
    UnknownHash,
    /// The hash is that of another answer.
    WrongHash,
}

/// An answer with more entries than this is not believed.
const ENTRIES_MAX: usize = 1_000;

impl Described {
    /// Reads a `<query/>` of disco#info; none if it is something else or absurdly long.
    pub fn read(query: ElementRef<'_>) -> Option<Self> {
        if !query.is("query", ns::DISCO_INFO) || query.children().count() > ENTRIES_MAX {
            return None;
        }
        let mut described = Self::default();
        for child in query.children() {
            let attribute = |name| child.attr(name).map(|value| value.into_owned()).unwrap_or_default();
            match (child.name(), child.ns()) {
                ("identity", ns::DISCO_INFO) => described.identities.push(Identity {
                    category: attribute("category"),
                    kind: attribute("type"),
                    lang: attribute("xml:lang"),
                    name: attribute("name"),
                }),
                ("feature", ns::DISCO_INFO) => described.features.push(Text::from(attribute("var"))),
                ("x", ns::DATA_FORMS) => described.forms.extend(DataForm::from_element(child).ok()),
                _ => {}
            }
        }
        Some(described)
    }

    /// The verification string under this hash function (its name as in the attribute `hash`); none if it isn't known.
    pub fn hash(&self, function: &str) -> Option<String> {
        let input = self.input();
        let digest = match function {
            "sha-1" => Sha1::digest(&input).to_vec(),
            "sha-224" => Sha224::digest(&input).to_vec(),
            "sha-256" => Sha256::digest(&input).to_vec(),
            "sha-384" => Sha384::digest(&input).to_vec(),
            "sha-512" => Sha512::digest(&input).to_vec(),
            _ => return None,
        };
        Some(STANDARD.encode(digest))
    }

    /// Whether the answer is the only one behind `ver`, so that it holds for whoever advertises the same (§5.4).
    ///
    /// # Errors
    /// What speaks against it.
    pub fn verify(&self, function: &str, ver: &str) -> Result<(), Doubt> {
        if self.has_duplicates() {
            return Err(Doubt::Duplicate);
        }
        if self.is_ambiguous() {
            return Err(Doubt::Ambiguous);
        }
        let hash = self.hash(function).ok_or(Doubt::UnknownHash)?;
        if hash == ver { Ok(()) } else { Err(Doubt::WrongHash) }
    }

    /// The string S of §5.1.
    fn input(&self) -> String {
        let mut input = String::new();
        let mut identities: Vec<_> = self.identities.iter().collect();
        identities.sort();
        for identity in identities {
            let Identity { category, kind, lang, name } = identity;
            let _ = write!(input, "{category}/{kind}/{lang}/{name}<");
        }
        let mut features: Vec<_> = self.features.iter().collect();
        features.sort();
        features.into_iter().for_each(|feature| append(&mut input, feature));
        let mut forms: Vec<_> = self.hashed_forms().collect();
        forms.sort_by_key(|form| form.form_type());
        for form in forms {
            append(&mut input, form.form_type().unwrap_or_default());
            let mut fields: Vec<_> = form.fields.iter().filter(|field| is_hashed(&field.var)).collect();
            fields.sort_by_key(|field| &field.var);
            for field in fields {
                append(&mut input, &field.var);
                let mut values: Vec<_> = field.values.iter().collect();
                values.sort();
                values.into_iter().for_each(|value| append(&mut input, value));
            }
        }
        input
    }

    /// A form without a hidden FORM_TYPE is left out (§5.4, 3.6).
    fn hashed_forms(&self) -> impl Iterator<Item = &DataForm> {
        self.forms.iter().filter(|form| {
            let hidden = form.field("FORM_TYPE").is_some_and(|field| field.kind == Some(FieldType::Hidden));
            form.kind == FormType::Result && hidden && form.form_type().is_some()
        })
    }

    fn has_duplicates(&self) -> bool {
        let forms: Vec<_> = self.forms.iter().filter_map(DataForm::form_type).collect();
        let many_types = self.forms.iter().any(|form| {
            let mut types = form.fields.iter().filter(|field| field.var == "FORM_TYPE");
            let values = types.next().map_or(&[][..], |field| &field.values);
            types.next().is_some() || values.windows(2).any(|pair| matches!(pair, [one, two] if one != two))
        });
        many_types || repeats(&self.identities) || repeats(&self.features) || repeats(&forms)
    }

    /// S joins everything by `<` and marks nothing, so a liar may move strings from one role to another and keep the
    /// hash. An answer counts as the only one if no string contains `<`, no identity could be a feature (a namespace
    /// such as `http://…` splits at its slashes), and no form could be more features.
    fn is_ambiguous(&self) -> bool {
        self.identities.iter().any(Identity::is_ambiguous)
            || self.features.iter().any(|feature| feature.is_empty() || feature.contains('<'))
            || self.hashed_forms().any(|form| self.is_ambiguous_form(form))
    }

    fn is_ambiguous_form(&self, form: &DataForm) -> bool {
        let mut strings = form.fields.iter().flat_map(|field| field.values.iter().chain([&field.var]));
        if strings.any(|text| text.contains('<')) {
            return true;
        }
        let form_type = form.form_type().unwrap_or_default();
        // Features are sorted: what stands behind a greater one can't be a feature.
        let behind = self.features.iter().max().is_some_and(|last| form_type < last.as_str());
        let hashed = || form.fields.iter().filter(|field| is_hashed(&field.var));
        let of_software = form_type == SOFTWARE_INFO
            && hashed().next().is_some()
            && hashed().all(|field| !field.var.contains(':') && !field.var.starts_with("vcard"));
        !(behind || of_software)
    }
}

/// The one form that clients really send (XEP-0232); nobody's feature has this name.
const SOFTWARE_INFO: &str = "urn:xmpp:dataforms:softwareinfo";

impl Identity {
    fn is_ambiguous(&self) -> bool {
        let joins = |text: &str| text.contains(['/', '<', ':']);
        self.category.is_empty()
            || self.kind.is_empty()
            || joins(&self.category)
            || joins(&self.kind)
            || joins(&self.lang)
            || self.name.contains('<')
    }
}

fn is_hashed(var: &str) -> bool {
    !var.is_empty() && var != "FORM_TYPE"
}

fn append(input: &mut String, text: &str) {
    input.push_str(text);
    input.push('<');
}

fn repeats<T: Ord>(all: &[T]) -> bool {
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort();
    sorted.windows(2).any(|pair| matches!(pair, [one, two] if one == two))
}

#[cfg(test)]
mod tests;
