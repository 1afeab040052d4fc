//! Writing the data types of §1.5.

/// How many bytes a variable byte integer takes.
pub(crate) const fn variable_length(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Writes a variable byte integer of up to [`super::read::VARIABLE_MAX`].
pub(crate) fn variable(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Writes a length and the bytes. What doesn't fit in 65,535 bytes is cut: callers hold checked values.
pub(crate) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(length)).unwrap_or(bytes));
}

/// Writes a packet: its first byte, its length, and what `body` appends.
pub(crate) fn packet(out: &mut Vec<u8>, first: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[first, 0]);
    let start = out.len();
    body(out);
    let length = out.len() - start;
    if length < 0x80 {
        if let Some(place) = out.get_mut(start - 1) {
            *place = length as u8;
        }
        return;
    }
    let mut prefix = Vec::with_capacity(4);
    variable(&mut prefix, length);
    out.splice(start - 1..start, prefix);
}
