use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ScramHash;

/// The `h` attribute of SCRAM's server-first-message: hash of what the server advertised (XEP-0474 §5.1), in base64.
///
/// `bindings` is empty when XEP-0440 was not advertised.
pub fn downgrade_hash(hash: ScramHash, mechanisms: &[&str], bindings: &[&str]) -> String {
    let mut list = sorted(mechanisms);
    if !bindings.is_empty() {
        list.push('\u{1f}');
        list.push_str(&sorted(bindings));
    }
    STANDARD.encode(hash.digest(list.as_bytes()))
}

fn sorted(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.join("\u{1e}")
}
