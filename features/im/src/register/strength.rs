//! How hard a password is to guess, in ejabberd's measure (`password_strength`).

/// Bits of entropy: as many as random characters of the kinds that occur would have.
pub(super) fn entropy(password: &str) -> f64 {
    let (mut digit, mut printable, mut low, mut high, mut other) = (0u16, 0u16, 0u16, 0u16, 0u16);
    for byte in password.bytes() {
        match byte {
            b'a'..=b'z' => low = 26,
            b'0'..=b'9' => digit = 9,
            b'A'..=b'Z' => high = 26,
            33..=126 => printable = 33,
            _ => other = 128,
        }
    }
    let kinds = digit + printable + low + high + other;
    if kinds == 0 { 0.0 } else { password.len() as f64 * f64::from(kinds).log2() }
}

#[cfg(test)]
mod tests {
    use super::entropy;

    #[test]
    fn bits_are_those_of_ejabberd() {
        let cases = [
            ("", 0.0),
            ("aaaa", 4.0 * 26f64.log2()),
            ("abc1", 4.0 * 35f64.log2()),
            ("aB1!", 4.0 * 94f64.log2()),
            // Two bytes of UTF-8, each of the kind "other".
            ("é", 2.0 * 7.0),
        ];
        for (password, expected) in cases {
            assert!((entropy(password) - expected).abs() < 1e-9, "{password}");
        }
    }
}
