//! TLS that is older or weaker than it should be.

use nightjar_config::{Config, Options};

use crate::finding::Finding;
use crate::look::{flag, line, words};

const OLD: [&str; 4] = ["sslv2", "sslv3", "tlsv1", "tlsv1_1"];
const WEAK: [&str; 9] = ["NULL", "RC4", "3DES", "DES-", "EXP", "MD5", "ADH", "SEED", "IDEA"];

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    for listener in config.listeners() {
        options(&listener.options, ["protocol_options", "ciphers", "tls_compression"], found);
    }
    for host in config.hosts() {
        let host = &config.host(host).options;
        options(host, ["c2s_protocol_options", "c2s_ciphers", "c2s_tls_compression"], found);
        options(host, ["s2s_protocol_options", "s2s_ciphers", "s2s_tls_compression"], found);
    }
}

fn options(
    options: &Options,
    [protocols, ciphers, compression]: [&'static str; 3],
    found: &mut Vec<Finding>,
) {
    let old: Vec<String> = words(options, protocols)
        .into_iter()
        .filter(|word| OLD.contains(&word.to_ascii_lowercase().as_str()))
        .collect();
    if !old.is_empty() {
        let what = format!("{protocols} asks for {}", old.join(", "));
        let fix = format!("remove them from `{protocols}`: TLS 1.2 and 1.3 are always there");
        found.push(Finding::new("legacy-tls", what, fix).at(line(options, protocols)));
    }
    let excluded = |word: &String| word.starts_with(['!', '-']);
    let is_weak = |word: &String| {
        let upper = word.to_ascii_uppercase();
        WEAK.iter().any(|weak| upper.contains(weak))
    };
    let weak: Vec<String> =
        words(options, ciphers).into_iter().filter(|word| !excluded(word) && is_weak(word)).collect();
    if !weak.is_empty() {
        let what = format!("{ciphers} names {}", weak.join(", "));
        let fix = format!("remove them, or the whole of `{ciphers}`");
        found.push(Finding::new("weak-ciphers", what, fix).at(line(options, ciphers)));
    }
    if flag(options, compression) {
        let what = format!("{compression} is on");
        let fix = format!("remove `{compression}`");
        found.push(Finding::new("tls-compression", what, fix).at(line(options, compression)));
    }
}
