//! Time and randomness as the server gives them to its parts; tests own both.

use std::fmt::Write as _;
use std::time::Duration;

use nightjar_text::Text;

/// Wall clock and monotonic clock.
pub trait Clock: Send + Sync {
    /// Microseconds since the UNIX epoch.
    fn unix_micros(&self) -> i64;
    /// Time since an arbitrary start that never goes back.
    fn monotonic(&self) -> Duration;

    /// Seconds that local time is ahead of UTC.
    fn utc_offset(&self) -> i32 {
        0
    }

    /// Seconds since the UNIX epoch.
    fn unix_seconds(&self) -> i64 {
        self.unix_micros().div_euclid(1_000_000)
    }
}

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` with bytes nobody can guess.
    fn fill(&self, bytes: &mut [u8]);

    /// An unpredictable number.
    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// 128 unpredictable bits as 32 hexadecimal digits: a stanza, stream or resource identifier.
    fn identifier(&self) -> Text {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        let mut hexadecimal = String::with_capacity(32);
        for byte in bytes {
            let _ = write!(hexadecimal, "{byte:02x}");
        }
        Text::from(hexadecimal)
    }
}
