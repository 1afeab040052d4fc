//! `NUMERIC` in PostgreSQL's binary form: digits of base 10,000, big-endian, after four 16-bit words
//! (number of digits, weight of the first, sign, decimal places).

use nightjar_store::Value;

#[cfg(test)]
mod tests;

const BASE: u64 = 10_000;
const NEGATIVE: u16 = 0x4000;

/// A whole number.
pub(crate) fn encode(number: i64) -> Vec<u8> {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    while rest > 0 {
        digits.push((rest % BASE) as u16);
        rest /= BASE;
    }
    let weight = digits.len().saturating_sub(1) as u16;
    let sign = if number < 0 { NEGATIVE } else { 0 };
    let head = [digits.len() as u16, weight, sign, 0];
    head.into_iter().chain(digits.into_iter().rev()).flat_map(u16::to_be_bytes).collect()
}

/// A whole number, or the decimal text of any other; `None` for what is no numeric.
pub(crate) fn decode(raw: &[u8]) -> Option<Value> {
    let words: Vec<u16> = raw.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    let [count, weight, sign, places, digits @ ..] = words.as_slice() else { return None };
    if digits.len() != usize::from(*count) || !raw.len().is_multiple_of(2) {
        return None;
    }
    let sign = match *sign {
        0 => "",
        NEGATIVE => "-",
        _ => return Some(Value::from("NaN")),
    };
    let weight = i32::from(*weight as i16);
    let digit =
        |position: i32| usize::try_from(position).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let mut text = String::from(sign);
    for position in 0..=weight.max(0) {
        let digit = if weight < 0 { 0 } else { digit(position) };
        let part = if position == 0 { digit.to_string() } else { format!("{digit:04}") };
        text.push_str(&part);
    }
    if *places == 0 {
        return Some(text.parse().map_or_else(|_| Value::from(text), Value::Int));
    }
    let groups = i32::from(*places).div_euclid(4) + 1;
    let fraction: String = (1..=groups).map(|group| format!("{:04}", digit(weight + group))).collect();
    text.push('.');
    text.push_str(fraction.get(..usize::from(*places))?);
    Some(Value::from(text))
}
