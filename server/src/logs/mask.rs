//! Addresses of people as the log shows them when `hide_sensitive_log_data` is on: the network, not the machine.
//!
//! They are found by how they look, in messages and in fields of any name: an address in the text of an error is as
//! much of a person as one in `peer`.

use std::net::{IpAddr, SocketAddr};

/// Fields whose dotted numbers are no addresses.
const EXEMPT: [&str; 1] = ["version"];

/// What is logged for a field.
pub(crate) fn masked(field: &str, value: String) -> String {
    if EXEMPT.contains(&field) { value } else { masked_text(value) }
}

/// A text without the addresses of machines in it.
pub(crate) fn masked_text(text: String) -> String {
    if !text.bytes().any(|byte| byte == b'.' || byte == b':') {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let word = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(word);
        let bare = word.trim_end_matches(['.', ':', ']', '-']);
        // A bracket that ends the word belongs to `[2001:db8::1]` or to the text around.
        let bracketed =
            word.get(..=bare.len()).filter(|longer| longer.starts_with('[') && longer.ends_with(']'));
        let bare = bracketed.unwrap_or(bare);
        match network(bare) {
            Some(network) => {
                shown.push_str(&network);
                shown.push_str(word.strip_prefix(bare).unwrap_or_default());
            }
            None => shown.push_str(word),
        }
        let between = behind.find(is_of_word).unwrap_or(behind.len());
        let (between, next) = behind.split_at(between);
        shown.push_str(between);
        rest = next;
    }
    shown
}

/// Letters belong to words so that `std::fmt` and `romeo@192.0.2.1` are none that begin or end like an address.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | ':' | '[' | ']' | '%' | '_' | '@' | '-')
}

/// What is shown of an address of somebody else's machine.
fn network(word: &str) -> Option<String> {
    let inner = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    let ip = word.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| inner.parse::<IpAddr>());
    match ip.ok()?.to_canonical() {
        ip if ip.is_loopback() || ip.is_unspecified() => None,
        IpAddr::V4(ip) => {
            let [one, two, three, _] = ip.octets();
            Some(format!("{one}.{two}.{three}.x"))
        }
        IpAddr::V6(ip) => {
            let [one, two, three, ..] = ip.segments();
            Some(format!("{one:x}:{two:x}:{three:x}::x"))
        }
    }
}

#[cfg(test)]
mod tests;
