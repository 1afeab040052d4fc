//! What a byte or character may be part of (XML 1.0 §2.2, §2.3).

/// May begin a name; every byte of a non-ASCII character counts until the name is looked at closely.
pub(crate) const NAME_START: u8 = 1;
/// May continue a name. The colon is not a name character here: it separates (XML-NAMES §3).
pub(crate) const NAME: u8 = 2;
pub(crate) const SPACE: u8 = 4;
pub(crate) const HIGH: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => NAME_START | NAME,
            b'0'..=b'9' | b'-' | b'.' => NAME,
            b' ' | b'\t' | b'\r' | b'\n' => SPACE,
            0x80.. => NAME_START | NAME | HIGH,
            _ => 0,
        };
        byte += 1;
    }
    table
}

#[inline(always)]
pub(crate) fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

pub(crate) fn is_space(byte: u8) -> bool {
    class(byte) & SPACE != 0
}

/// `Char` (§2.2).
pub(crate) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// `NameStartChar` (§2.3) without the colon.
pub(crate) fn is_name_start(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// `NameChar` (§2.3) without the colon.
pub(crate) fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// Whether valid UTF-8 holds a character that XML does not allow: a control character other than tab, line
/// feed and carriage return, U+FFFE or U+FFFF.
pub(crate) fn has_illegal_char(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Without branches, so that the compiler takes many bytes at a time.
    let controls = bytes.iter().fold(0, |seen, &byte| {
        seen | u8::from((byte < b' ') & (byte != b'\t') & (byte != b'\n') & (byte != b'\r'))
    });
    controls != 0 || has_noncharacter(bytes)
}

/// U+FFFE and U+FFFF are EF BF BE and EF BF BF.
fn has_noncharacter(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0xef, bytes).any(|at| matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])))
}
