//! What is checked in every stream header (RFC 6120 §4.7).

use nightjar_text::Text;

/// Longest language tag that is kept, in bytes; BCP 47 §4.4.1 deems 35 enough.
const LANG_BYTES_MAX: usize = 35;

/// §4.7.5: the major number counts; without one it is that of the protocol before XMPP.
pub(crate) fn is_version_supported(version: Option<&str>) -> bool {
    let Some((major, minor)) = version.and_then(|version| version.split_once('.')) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(major) && digits(minor) && major.bytes().any(|byte| byte != b'0')
}

/// §4.7.4: the default language, if it is one.
pub(crate) fn language(lang: Option<Text>) -> Option<Text> {
    lang.filter(|lang| !lang.is_empty() && lang.len() <= LANG_BYTES_MAX).map(|lang| lang.detach())
}
