//! ChannelData (RFC 8656 §12): four bytes in front of what is relayed.

/// Channel numbers that clients may bind: those of RFC 8656 §12 up to 0x4fff, and those that clients of RFC 5766 choose.
pub const NUMBERS: core::ops::RangeInclusive<u16> = 0x4000..=0x7fff;
/// Bytes of a header.
pub const HEADER: usize = 4;

/// The channel and the data of a ChannelData message in a datagram; padding may follow the data.
pub fn parse(datagram: &[u8]) -> Option<(u16, &[u8])> {
    let ([first, second, high, low], rest) = datagram.split_first_chunk()?;
    let number = u16::from_be_bytes([*first, *second]);
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let data = rest.get(..length)?;
    NUMBERS.contains(&number).then_some((number, data))
}

/// The header for so many bytes of data.
pub fn header(number: u16, length: u16) -> [u8; HEADER] {
    let ([first, second], [high, low]) = (number.to_be_bytes(), length.to_be_bytes());
    [first, second, high, low]
}

/// The length of the ChannelData message that begins here on a stream transport, with header and padding; none if it is
/// no such message.
pub fn stream_length(header: &[u8; HEADER]) -> Option<usize> {
    let [first, second, high, low] = *header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    NUMBERS.contains(&u16::from_be_bytes([first, second])).then_some(HEADER + length.next_multiple_of(4))
}

#[cfg(test)]
mod tests;
