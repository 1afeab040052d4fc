//! OpenSSL's cipher lists (its manual, ciphers(1)) over the suites that are here.

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedCipherSuite};

#[cfg(test)]
mod tests;

/// A suite, and the words of OpenSSL that mean it.
struct Known {
    suite: CipherSuite,
    name: &'static str,
    /// Of those for TLS 1.2, which alone are in groups; empty for TLS 1.3.
    groups: &'static [&'static str],
    bits: u16,
}

const fn known(suite: CipherSuite, name: &'static str, groups: &'static [&'static str], bits: u16) -> Known {
    Known { suite, name, groups, bits }
}

/// In OpenSSL's order of strength.
const SUITES: [Known; 9] = [
    known(CipherSuite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", &[], 256),
    known(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256", &[], 256),
    known(CipherSuite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", &[], 128),
    known(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &["ECDSA", "aECDSA", "AES", "AES256", "AESGCM", "FIPS", "SUITEB128", "SUITEB192"],
        256,
    ),
    known(
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES256-GCM-SHA384",
        &["aRSA", "AES", "AES256", "AESGCM", "FIPS"],
        256,
    ),
    known(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &["ECDSA", "aECDSA", "CHACHA20"],
        256,
    ),
    known(
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305",
        &["aRSA", "CHACHA20"],
        256,
    ),
    known(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &["ECDSA", "aECDSA", "AES", "AES128", "AESGCM", "FIPS", "SUITEB128", "SUITEB128ONLY"],
        128,
    ),
    known(
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256",
        &["aRSA", "AES", "AES128", "AESGCM", "FIPS"],
        128,
    ),
];

/// Groups that all suites for TLS 1.2 are in.
const EVERY: [&str; 9] = ["ALL", "DEFAULT", "HIGH", "ECDH", "ECDHE", "EECDH", "kECDHE", "kEECDH", "TLSv1.2"];

/// Groups that none of them is in: older versions, weaker ciphers, other ways to agree on keys or to prove who one is.
#[rustfmt::skip]
const NONE: [&str; 72] = [
    "COMPLEMENTOFDEFAULT", "COMPLEMENTOFALL", "MEDIUM", "LOW", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "eNULL", "NULL",
    "aNULL", "kRSA", "RSA", "kDHr", "kDHd", "kDH", "kDHE", "kEDH", "DH", "DHE", "EDH", "ADH", "kECDHr", "kECDHe", "kECDH",
    "AECDH", "aDSS", "DSS", "aDH", "aECDH", "kFZA", "aFZA", "eFZA", "FZA", "SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1",
    "AESCCM", "AESCCM8", "ARIA", "ARIA128", "ARIA256", "ARIAGCM", "CAMELLIA", "CAMELLIA128", "CAMELLIA256", "3DES", "DES",
    "RC4", "RC2", "IDEA", "SEED", "MD5", "SHA1", "SHA", "SHA256", "SHA384", "GOST89MAC", "aGOST", "aGOST01", "kGOST",
    "GOST94", "CBC", "PSK", "kPSK", "kECDHEPSK", "kDHEPSK", "kRSAPSK", "aPSK", "SRP",
];

/// What a list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Suites of TLS 1.3 that it names, in its order; none: all of them, for which OpenSSL has an option of its own.
    pub tls13: Vec<CipherSuite>,
    /// Suites of TLS 1.2, the preferred one first.
    pub tls12: Vec<CipherSuite>,
    /// Suites, groups and orders that mean nothing here.
    pub absent: Vec<String>,
}

impl Listed {
    /// The suites of `all` that are left, the preferred one first.
    pub fn of(&self, all: &CryptoProvider) -> Vec<SupportedCipherSuite> {
        let find =
            |wanted: &CipherSuite| all.cipher_suites.iter().find(|suite| suite.suite() == *wanted).copied();
        let tls13: Vec<_> = match self.tls13.as_slice() {
            [] => all.cipher_suites.iter().filter(|suite| suite.tls13().is_some()).copied().collect(),
            named => named.iter().filter_map(find).collect(),
        };
        tls13.into_iter().chain(self.tls12.iter().filter_map(find)).collect()
    }
}

/// Reads a list: words between colons, commas or blanks. Each adds the suites that it means; with `-` it takes them away,
/// with `!` for good, with `+` it moves them to the end. Between words in a word, `+` means both.
pub(crate) fn read(list: &str) -> Listed {
    let mut listed = Listed::default();
    let mut chosen: Vec<&Known> = Vec::new();
    let mut banned: Vec<CipherSuite> = Vec::new();
    let mut least_bits = 0;
    for word in list.split([':', ',', ';', ' ']).filter(|word| !word.is_empty()) {
        if let Some(order) = word.strip_prefix('@') {
            match (order, order.strip_prefix("SECLEVEL=").and_then(bits_of_level)) {
                ("STRENGTH", _) => chosen.sort_by_key(|known| std::cmp::Reverse(known.bits)),
                (_, Some(bits)) => least_bits = bits,
                _ => listed.absent.push(word.to_owned()),
            }
            continue;
        }
        let (sign, name) = match word.split_at_checked(1) {
            Some((sign @ ("!" | "-" | "+"), name)) => (sign, name),
            _ => ("", word),
        };
        let Some(meant) = meaning(name) else {
            listed.absent.push(word.to_owned());
            continue;
        };
        let is_meant = |known: &&Known| meant.iter().any(|other| other.suite == known.suite);
        match sign {
            "!" | "-" => {
                chosen.retain(|known| !is_meant(known));
                if sign == "!" {
                    banned.extend(meant.iter().map(|known| known.suite));
                }
            }
            "+" => chosen.sort_by_key(is_meant),
            _ => {
                for known in meant {
                    let is_new = !chosen.iter().any(|other| other.suite == known.suite);
                    if is_new && !banned.contains(&known.suite) {
                        chosen.push(known);
                    }
                }
            }
        }
    }
    chosen.retain(|known| known.bits >= least_bits);
    for known in chosen {
        let of_version = if known.groups.is_empty() { &mut listed.tls13 } else { &mut listed.tls12 };
        of_version.push(known.suite);
    }
    listed
}

/// The suites that a word without its sign means; `None` if it means nothing that is known.
fn meaning(word: &str) -> Option<Vec<&'static Known>> {
    let named = |known: &&Known| word == known.name || Some(word) == known.suite.as_str();
    if let Some(one) = SUITES.iter().find(named) {
        return Some(vec![one]);
    }
    let parts: Vec<&str> = word.split('+').collect();
    let is_group = |part: &&str| {
        EVERY.contains(part) || NONE.contains(part) || SUITES.iter().any(|known| known.groups.contains(part))
    };
    if !parts.iter().all(is_group) {
        return None;
    }
    let is_in = |known: &Known, part: &&str| EVERY.contains(part) || known.groups.contains(part);
    let of_tls12 = SUITES.iter().filter(|known| !known.groups.is_empty());
    Some(of_tls12.filter(|known| parts.iter().all(|part| is_in(known, part))).collect())
}

/// The bits that a level of security asks of a cipher.
fn bits_of_level(level: &str) -> Option<u16> {
    let bits = [0, 80, 112, 128, 192, 256];
    bits.get(level.parse::<usize>().ok()?).copied()
}
