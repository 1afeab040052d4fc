use super::{Atom, BigInteger, Pid, Port, Reference, Term};

/// What a term in the external format begins with.
pub const VERSION: u8 = 131;

/// A term with its version.
pub fn encode(term: &Term) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    put_term(&mut bytes, term);
    bytes
}

/// Appends a term without its version.
pub fn put_term(bytes: &mut Vec<u8>, term: &Term) {
    match term {
        Term::Integer(value) => put_integer(bytes, *value),
        Term::BigInteger(value) => put_big_integer(bytes, value),
        Term::Float(value) => {
            bytes.push(70);
            bytes.extend(value.to_bits().to_be_bytes());
        }
        Term::Atom(atom) => put_atom(bytes, atom),
        Term::Tuple(elements) => {
            if let Ok(count) = u8::try_from(elements.len()) {
                bytes.extend([104, count]);
            } else {
                put_long(bytes, 105, elements.len());
            }
            elements.iter().for_each(|element| put_term(bytes, element));
        }
        Term::List(elements) => put_list(bytes, elements),
        Term::ImproperList(elements, tail) => {
            put_long(bytes, 108, elements.len());
            elements.iter().for_each(|element| put_term(bytes, element));
            put_term(bytes, tail);
        }
        Term::Binary(binary) => {
            put_long(bytes, 109, binary.len());
            bytes.extend(binary);
        }
        Term::BitString { bytes: binary, last_bits } => {
            put_long(bytes, 77, binary.len());
            bytes.push(*last_bits);
            bytes.extend(binary);
        }
        Term::Map(pairs) => {
            put_long(bytes, 116, pairs.len());
            for (key, value) in pairs {
                put_term(bytes, key);
                put_term(bytes, value);
            }
        }
        Term::Pid(pid) => put_pid(bytes, pid),
        Term::Reference(reference) => put_reference(bytes, reference),
        Term::Port(port) => put_port(bytes, port),
        Term::Export(export) => {
            let (module, function, arity) = export.as_ref();
            bytes.push(113);
            put_atom(bytes, module);
            put_atom(bytes, function);
            bytes.extend([97, *arity]);
        }
        Term::Fun(opaque) => bytes.extend(opaque),
    }
}

fn put_long(bytes: &mut Vec<u8>, tag: u8, length: usize) {
    bytes.push(tag);
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn put_integer(bytes: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u8::try_from(value) {
        bytes.extend([97, value]);
    } else if let Ok(value) = i32::try_from(value) {
        bytes.push(98);
        bytes.extend(value.to_be_bytes());
    } else {
        let magnitude = value.unsigned_abs().to_le_bytes();
        let used = magnitude.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
        put_digits(bytes, value < 0, magnitude.get(..used).unwrap_or_default());
    }
}

fn put_big_integer(bytes: &mut Vec<u8>, value: &BigInteger) {
    put_digits(bytes, value.is_negative, &value.magnitude);
}

fn put_digits(bytes: &mut Vec<u8>, is_negative: bool, magnitude: &[u8]) {
    if let Ok(length) = u8::try_from(magnitude.len()) {
        bytes.extend([110, length]);
    } else {
        put_long(bytes, 111, magnitude.len());
    }
    bytes.push(u8::from(is_negative));
    bytes.extend(magnitude);
}

fn put_atom(bytes: &mut Vec<u8>, atom: &Atom) {
    let name = atom.as_str().as_bytes();
    if let Ok(length) = u8::try_from(name.len()) {
        bytes.extend([119, length]);
    } else {
        bytes.push(118);
        // 255 characters of four bytes at most.
        bytes.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    bytes.extend(name);
}

/// As Erlang does: a list of bytes takes one byte for each.
fn put_list(bytes: &mut Vec<u8>, elements: &[Term]) {
    let start = bytes.len();
    if let (1.., Ok(length)) = (elements.len(), u16::try_from(elements.len())) {
        bytes.push(107);
        bytes.extend(length.to_be_bytes());
        let characters = elements.iter().map_while(|element| u8::try_from(element.as_integer()?).ok());
        bytes.extend(characters);
        if bytes.len() == start + 3 + elements.len() {
            return;
        }
        bytes.truncate(start);
    }
    if !elements.is_empty() {
        put_long(bytes, 108, elements.len());
        elements.iter().for_each(|element| put_term(bytes, element));
    }
    bytes.push(106);
}

fn put_pid(bytes: &mut Vec<u8>, pid: &Pid) {
    bytes.push(88);
    put_atom(bytes, &pid.node);
    for word in [pid.id, pid.serial, pid.creation] {
        bytes.extend(word.to_be_bytes());
    }
}

fn put_reference(bytes: &mut Vec<u8>, reference: &Reference) {
    bytes.push(90);
    bytes.extend(u16::try_from(reference.words.len()).unwrap_or(u16::MAX).to_be_bytes());
    put_atom(bytes, &reference.node);
    bytes.extend(reference.creation.to_be_bytes());
    bytes.extend(reference.words.iter().flat_map(|word| word.to_be_bytes()));
}

/// A number of 32 bits has the tag that peers without V4_NC know.
fn put_port(bytes: &mut Vec<u8>, port: &Port) {
    if let Ok(id) = u32::try_from(port.id) {
        bytes.push(89);
        put_atom(bytes, &port.node);
        bytes.extend(id.to_be_bytes());
    } else {
        bytes.push(120);
        put_atom(bytes, &port.node);
        bytes.extend(port.id.to_be_bytes());
    }
    bytes.extend(port.creation.to_be_bytes());
}
