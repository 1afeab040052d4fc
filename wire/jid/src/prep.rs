//! String preparation (RFC 3454 and its profiles), as ejabberd's stored accounts expect it:
//! without the test for unassigned code points, so emoji are welcome.

use std::borrow::Cow;

use stringprep::tables;
use unicode_normalization::UnicodeNormalization;

use crate::{JidError, Part};

#[cfg(test)]
mod tests;

/// The longest part of an address, in bytes (RFC 7622 §3.1).
pub const PART_BYTES_MAX: usize = 1023;

/// Mapping and normalisation may not reach a fixed point at once for characters younger than the mapping
/// tables (U+1F130 normalises to `A`, which maps to `a`). Each round shrinks what can still change.
const ROUNDS_MAX: usize = 4;

/// Case mapping and prohibitions of one profile.
struct Profile {
    part: Part,
    fold_case: bool,
    /// C.1.2 becomes U+0020 instead of being prohibited.
    map_spaces: bool,
    /// The class of the ASCII characters it prohibits.
    forbidden: u8,
    length_max: usize,
}

const NODEPREP: Profile = Profile {
    part: Part::Local,
    fold_case: true,
    map_spaces: false,
    forbidden: NOT_IN_LOCAL,
    length_max: PART_BYTES_MAX,
};

const NAMEPREP: Profile = Profile {
    part: Part::Domain,
    fold_case: true,
    map_spaces: false,
    forbidden: NOT_IN_DOMAIN,
    length_max: PART_BYTES_MAX,
};

const RESOURCEPREP: Profile = Profile {
    part: Part::Resource,
    fold_case: false,
    map_spaces: false,
    forbidden: CONTROL,
    length_max: PART_BYTES_MAX,
};

const SASLPREP: Profile = Profile {
    part: Part::Credential,
    fold_case: false,
    map_spaces: true,
    forbidden: CONTROL,
    length_max: usize::MAX,
};

const CONTROL: u8 = 1;
const NOT_IN_LOCAL: u8 = 2;
const NOT_IN_DOMAIN: u8 = 4;
const UPPER: u8 = 8;
const NOT_ASCII: u8 = 16;

/// The classes of each byte.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class(byte as u8);
        byte += 1;
    }
    table
}

const fn class(byte: u8) -> u8 {
    let mut class = match byte {
        0x00..=0x1f | 0x7f => CONTROL | NOT_IN_LOCAL,
        // RFC 3920 Appendix A.5.
        b' ' | b'"' | b'&' | b'\'' | b'/' | b':' | b'<' | b'>' | b'@' => NOT_IN_LOCAL,
        b'A'..=b'Z' => UPPER,
        0x80.. => NOT_ASCII,
        _ => 0,
    };
    // RFC 3491 lets all ASCII pass. The rules for host names (those of a `reg-name`, RFC 3986 §3.2.2, and of
    // an IP literal) are added, less the characters that would need escaping in XML.
    class |= match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' | b'[' | b']' | b':' => 0,
        b'!' | b'$' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | 0x80.. => 0,
        _ => NOT_IN_DOMAIN,
    };
    class
}

fn class_of(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Prepares a localpart (RFC 3920 Appendix A). The result is 1 to 1023 bytes long.
pub fn nodeprep(local: &str) -> Result<Cow<'_, str>, JidError> {
    NODEPREP.apply(local)
}

/// Prepares a domainpart (RFC 3491, and RFC 7622 §3.2 for what a host name may hold).
/// The result is 1 to 1023 bytes long and has no trailing dot.
pub fn nameprep(domain: &str) -> Result<Cow<'_, str>, JidError> {
    let prepared = match NAMEPREP.apply(domain)? {
        Cow::Borrowed(name) => Cow::Borrowed(name.strip_suffix('.').unwrap_or(name)),
        Cow::Owned(mut name) => {
            name.truncate(name.strip_suffix('.').unwrap_or(&name).len());
            Cow::Owned(name)
        }
    };
    check_domain(&prepared)?;
    Ok(prepared)
}

/// Prepares a resourcepart (RFC 3920 Appendix B). The result is 1 to 1023 bytes long.
pub fn resourceprep(resource: &str) -> Result<Cow<'_, str>, JidError> {
    RESOURCEPREP.apply(resource)
}

/// Prepares a password or user name (RFC 4013) as a query: unassigned code points pass.
pub fn saslprep(text: &str) -> Result<Cow<'_, str>, JidError> {
    SASLPREP.apply(text)
}

fn check_domain(domain: &str) -> Result<(), JidError> {
    if domain.bytes().any(|byte| matches!(byte, b'[' | b']' | b':')) {
        let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let valid = literal.is_some_and(|inner| inner.parse::<core::net::Ipv6Addr>().is_ok());
        return if valid { Ok(()) } else { Err(JidError::BadAddressLiteral) };
    }
    // An empty label covers the empty domain too (RFC 1034 §3.1).
    if domain.split('.').any(str::is_empty) { Err(JidError::Empty(Part::Domain)) } else { Ok(()) }
}

impl Profile {
    fn apply<'a>(&self, input: &'a str) -> Result<Cow<'a, str>, JidError> {
        // Preparation can shrink a text (U+00AD vanishes), but only a hostile one shrinks below a tenth.
        if input.len() > self.length_max.saturating_mul(10) {
            return Err(JidError::TooLong(self.part));
        }
        let seen = input.bytes().fold(0, |seen, byte| seen | class_of(byte));
        let prepared = if seen & NOT_ASCII != 0 {
            self.apply_unicode(input)?
        } else if seen & self.forbidden != 0 {
            return Err(self.first_forbidden(input));
        } else if self.fold_case && seen & UPPER != 0 {
            // ASCII is its own normal form but for case.
            Cow::Owned(input.to_ascii_lowercase())
        } else {
            Cow::Borrowed(input)
        };
        match prepared.len() {
            0 => Err(JidError::Empty(self.part)),
            length if length > self.length_max => Err(JidError::TooLong(self.part)),
            _ => Ok(prepared),
        }
    }

    fn apply_unicode<'a>(&self, input: &'a str) -> Result<Cow<'a, str>, JidError> {
        let mut text = Cow::Borrowed(input);
        for _ in 0..ROUNDS_MAX {
            let next = self.map_and_normalise(&text);
            if next == *text {
                self.check(&text)?;
                return Ok(text);
            }
            text = Cow::Owned(next);
        }
        Err(JidError::Unstable(self.part))
    }

    /// RFC 3454 §3 and §4.
    fn map_and_normalise(&self, text: &str) -> String {
        let kept = text.chars().filter(|&c| !tables::commonly_mapped_to_nothing(c));
        if self.fold_case {
            return kept.flat_map(tables::case_fold_for_nfkc).nfkc().collect();
        }
        let spaced = |c| if self.map_spaces && tables::non_ascii_space_character(c) { ' ' } else { c };
        kept.map(spaced).nfkc().collect()
    }

    /// RFC 3454 §5 and §6.
    fn check(&self, text: &str) -> Result<(), JidError> {
        if text.chars().any(|c| self.forbids(c)) {
            return Err(self.first_forbidden(text));
        }
        if !text.chars().any(tables::bidi_r_or_al) {
            return Ok(());
        }
        let ends = [text.chars().next(), text.chars().next_back()];
        let framed = ends.into_iter().flatten().all(tables::bidi_r_or_al);
        if framed && !text.chars().any(tables::bidi_l) {
            Ok(())
        } else {
            Err(JidError::Bidirectional(self.part))
        }
    }

    fn forbids(&self, c: char) -> bool {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => class_of(byte) & self.forbidden != 0,
            _ => prohibited(c),
        }
    }

    fn first_forbidden(&self, text: &str) -> JidError {
        let found = text.chars().find(|&c| self.forbids(c));
        JidError::Forbidden(self.part, found.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// The non-ASCII prohibitions that all four profiles share: C.1.2, C.2.2 and C.3 to C.9.
fn prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
}
