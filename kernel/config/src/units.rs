//! ejabberd's words and units for single values (config_compat: `bool_word`, `duration_unit`).

use std::net::IpAddr;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// true, on, yes, y and their opposites, in lower case as ejabberd has them.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "on" | "yes" | "y" => Some(true),
        "false" | "off" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// A whole number: decimal with an optional sign, `0x…` or `0o…`.
pub fn integer(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = [("0x", 16), ("0o", 8)].into_iter().find(|(prefix, _)| digits.starts_with(prefix));
    let (digits, base) = match radix {
        Some((prefix, base)) => (digits.get(prefix.len()..)?, base),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let value = i64::from_str_radix(digits, base).ok()?;
    Some(if negative { -value } else { value })
}

/// infinity, infinite, unlimited.
pub fn is_infinity(text: &str) -> bool {
    matches!(text, "infinity" | "infinite" | "unlimited")
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// It does not begin with a whole number.
    NotANumber,
    /// Zero or negative.
    NotPositive,
    /// The word after the number is no unit.
    UnknownUnit(String),
    /// Shorter than a second, the unit of every duration option.
    TooShort,
    /// More than 292 million years.
    TooLong,
}

/// A duration: a number of seconds, or a number and a unit (`5 minutes`, `100 ms`).
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = digits.split_at(length);
    if number.is_empty() {
        return Err(DurationError::NotANumber);
    }
    let number: u64 = number.parse().map_err(|_| DurationError::TooLong)?;
    if number == 0 || text.starts_with('-') {
        return Err(DurationError::NotPositive);
    }
    let milliseconds = unit_milliseconds(unit)?;
    let total = number.checked_mul(milliseconds).filter(|total| *total <= i64::MAX as u64);
    match total {
        None => Err(DurationError::TooLong),
        Some(total) if total < 1000 => Err(DurationError::TooShort),
        Some(total) => Ok(Duration::from_millis(total)),
    }
}

/// Length of a unit in milliseconds; no unit means seconds.
fn unit_milliseconds(unit: &str) -> Result<u64, DurationError> {
    let unit = unit.trim().to_ascii_lowercase();
    Ok(match unit.as_str() {
        "ms" | "msec" | "msecs" | "millisec" | "millisecs" | "millisecond" | "milliseconds" => 1,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * 1000,
        "h" | "hour" | "hours" => 60 * 60 * 1000,
        "d" | "day" | "days" => 24 * 60 * 60 * 1000,
        _ => return Err(DurationError::UnknownUnit(unit)),
    })
}

/// The longest unit that says it in whole numbers: `5 minutes`, `1 day`, `1500 ms`.
pub fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")];
    for (length, name) in units {
        if milliseconds >= length && milliseconds.is_multiple_of(length) {
            let number = milliseconds / length;
            return format!("{number} {name}{}", if number == 1 { "" } else { "s" });
        }
    }
    format!("{milliseconds} ms")
}

/// An IP address, IPv6 without brackets or scope.
pub fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A range of IP addresses; an address alone is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An address of the range.
    pub address: IpAddr,
    /// Number of leading bits that decide.
    pub prefix: u8,
}

impl Network {
    /// `192.0.2.1`, `10.0.0.0/8`, `::1/128`.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (ip(address)?, Some(prefix.parse::<u8>().ok()?)),
            None => (ip(text)?, None),
        };
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then_some(Network { address, prefix })
    }

    /// Whether an address is in the range. An IPv4 address that arrives on an IPv6 socket counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (range, range_bits) = bits(self.address.to_canonical());
        let (address, address_bits) = bits(address.to_canonical());
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let mapped = self.address.is_ipv6() && range_bits == 32;
        let prefix = if mapped { u32::from(self.prefix).saturating_sub(96) } else { u32::from(self.prefix) };
        let ignored = range_bits.saturating_sub(prefix);
        range_bits == address_bits
            && range.checked_shr(ignored).unwrap_or(0) == address.checked_shr(ignored).unwrap_or(0)
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}
