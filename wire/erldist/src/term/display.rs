//! Terms as Erlang's `~p` writes them, on one line.

use super::{BigInteger, Term};
use std::fmt::{self, Display, Formatter, Write as _};

/// Digits of more bytes than this are shown to base 16: the way to decimal takes time by the square.
const DECIMAL_BYTES: usize = 64;

impl Display for Term {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(formatter),
            Self::BigInteger(value) => value.fmt(formatter),
            Self::Float(value) => float(formatter, *value),
            Self::Atom(atom) => atom.fmt(formatter),
            Self::Tuple(elements) => separated(formatter, '{', elements, '}'),
            Self::List(elements) => list(formatter, elements),
            Self::ImproperList(elements, tail) => {
                formatter.write_char('[')?;
                commas(formatter, elements)?;
                write!(formatter, "|{tail}]")
            }
            Self::Binary(bytes) => binary(formatter, bytes),
            Self::BitString { bytes, last_bits } => bits(formatter, bytes, *last_bits),
            Self::Map(pairs) => map(formatter, pairs),
            Self::Pid(pid) => pid.fmt(formatter),
            Self::Reference(reference) => reference.fmt(formatter),
            Self::Port(port) => port.fmt(formatter),
            Self::Export(export) => {
                let (module, function, arity) = export.as_ref();
                write!(formatter, "fun {module}:{function}/{arity}")
            }
            Self::Fun(_) => formatter.write_str("#Fun<>"),
        }
    }
}

fn separated(formatter: &mut Formatter<'_>, open: char, elements: &[Term], close: char) -> fmt::Result {
    formatter.write_char(open)?;
    commas(formatter, elements)?;
    formatter.write_char(close)
}

fn commas(formatter: &mut Formatter<'_>, elements: &[Term]) -> fmt::Result {
    for (position, element) in elements.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(formatter, "{comma}{element}")?;
    }
    Ok(())
}

fn list(formatter: &mut Formatter<'_>, elements: &[Term]) -> fmt::Result {
    let printable = |element: &Term| {
        let byte = u8::try_from(element.as_integer()?).ok()?;
        is_printable(char::from(byte)).then_some(char::from(byte))
    };
    match elements.iter().map(printable).collect::<Option<String>>() {
        Some(text) if !text.is_empty() => quoted(formatter, &text, '"'),
        _ => separated(formatter, '[', elements, ']'),
    }
}

fn binary(formatter: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    if !bytes.is_empty() && bytes.iter().all(|byte| is_printable(char::from(*byte))) {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        formatter.write_str("<<")?;
        quoted(formatter, &text, '"')?;
        return formatter.write_str(">>");
    }
    formatter.write_str("<<")?;
    byte_commas(formatter, bytes)?;
    formatter.write_str(">>")
}

fn byte_commas(formatter: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for (position, byte) in bytes.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(formatter, "{comma}{byte}")?;
    }
    Ok(())
}

fn bits(formatter: &mut Formatter<'_>, bytes: &[u8], last_bits: u8) -> fmt::Result {
    let Some((last, first)) = bytes.split_last() else { return formatter.write_str("<<>>") };
    formatter.write_str("<<")?;
    byte_commas(formatter, first)?;
    let comma = if first.is_empty() { "" } else { "," };
    write!(formatter, "{comma}{}:{last_bits}>>", last >> 8_u8.saturating_sub(last_bits).min(7))
}

fn map(formatter: &mut Formatter<'_>, pairs: &[(Term, Term)]) -> fmt::Result {
    formatter.write_str("#{")?;
    for (position, (key, value)) in pairs.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(formatter, "{comma}{key} => {value}")?;
    }
    formatter.write_char('}')
}

/// Erlang's floats always have a point.
fn float(formatter: &mut Formatter<'_>, value: f64) -> fmt::Result {
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((number, exponent)) if !number.contains('.') => write!(formatter, "{number}.0e{exponent}"),
        _ => formatter.write_str(&text),
    }
}

fn is_printable(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{a0}'..='\u{ff}' | '\t' | '\n' | '\r' | '\u{8}' | '\u{b}' | '\u{c}' | '\u{1b}')
}

/// Text between quotes, with Erlang's escapes.
pub(super) fn quoted(formatter: &mut Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    formatter.write_char(quote)?;
    for character in text.chars() {
        match character {
            '\n' => formatter.write_str("\\n"),
            '\r' => formatter.write_str("\\r"),
            '\t' => formatter.write_str("\\t"),
            '\u{8}' => formatter.write_str("\\b"),
            '\u{b}' => formatter.write_str("\\v"),
            '\u{c}' => formatter.write_str("\\f"),
            '\u{1b}' => formatter.write_str("\\e"),
            '\u{7f}' => formatter.write_str("\\d"),
            '\\' => formatter.write_str("\\\\"),
            _ if character == quote => write!(formatter, "\\{character}"),
            _ if character < ' ' => write!(formatter, "\\{:03o}", u32::from(character)),
            _ if character.is_control() => write!(formatter, "\\x{{{:X}}}", u32::from(character)),
            _ => formatter.write_char(character),
        }?;
    }
    formatter.write_char(quote)
}

impl Display for BigInteger {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            formatter.write_char('-')?;
        }
        if self.magnitude.len() > DECIMAL_BYTES {
            formatter.write_str("16#")?;
            return self.magnitude.iter().rev().try_for_each(|byte| write!(formatter, "{byte:02X}"));
        }
        formatter.write_str(&decimal(&self.magnitude))
    }
}

/// Long division by ten, again and again.
fn decimal(magnitude: &[u8]) -> String {
    let mut rest: Vec<u8> = magnitude.iter().rev().copied().collect();
    let mut digits = Vec::new();
    while rest.iter().any(|byte| *byte != 0) || digits.is_empty() {
        let mut carry = 0_u16;
        for byte in &mut rest {
            let sum = (carry << 8) | u16::from(*byte);
            *byte = u8::try_from(sum / 10).unwrap_or(u8::MAX);
            carry = sum % 10;
        }
        digits.push(char::from_digit(u32::from(carry), 10).unwrap_or('?'));
    }
    digits.iter().rev().collect()
}
