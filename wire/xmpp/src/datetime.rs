//! Dates and times as XMPP writes them (XEP-0082, XEP-0091), from and to microseconds since 1970 UTC.

#[cfg(test)]
mod tests;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// `2002-09-10T23:08:25.000123Z`; the fraction is left out when it is zero.
pub fn format(unix_micros: i64) -> String {
    let moment = Moment::of(unix_micros);
    let Moment { year, month, day, hour, minute, second, micros } = moment;
    if micros == 0 {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// `20020910T23:08:25`, the form of XEP-0091; seconds only.
pub fn format_legacy(unix_micros: i64) -> String {
    let Moment { year, month, day, hour, minute, second, .. } = Moment::of(unix_micros);
    format!("{year:04}{month:02}{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Reads both forms. A date needs a time; the time zone is `Z` or an offset, and UTC when it is missing; digits of
/// the fraction behind the sixth are dropped. `None` for what is not a moment between the years 0000 and 9999.
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once('T')?;
    let days = parse_date(date)?;
    let (clock, offset_seconds) = split_zone(time)?;
    let (clock, micros) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, parse_fraction(fraction)?),
        None => (clock, 0),
    };
    let mut parts = clock.split(':');
    let (hour, minute, second) =
        (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    // 23:59:60 is a leap second; it is the second after it on this scale.
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_seconds;
    Some(seconds * MICROS_PER_SECOND + micros)
}

struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Moment {
    fn of(unix_micros: i64) -> Moment {
        let seconds = unix_micros.div_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        Moment {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            micros: unix_micros.rem_euclid(MICROS_PER_SECOND),
        }
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD` or `YYYYMMDD`.
fn parse_date(text: &str) -> Option<i64> {
    let (year, month, day) = if text.contains('-') {
        let mut parts = text.split('-');
        let date = (parts.next()?, parts.next()?, parts.next()?);
        parts.next().is_none().then_some(date)?
    } else {
        (text.get(..4)?, text.get(4..6)?, text.get(6..)?)
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let days = days_from_civil(year, month, day);
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

/// The clock part and the offset from UTC in seconds.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (clock, zone) = time.split_at(at);
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Some((clock, if zone.starts_with('-') { -seconds } else { seconds }))
}

fn parse_fraction(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((0..6).fold(0, |value, at| {
        value * 10 + i64::from(digits.as_bytes().get(at).map_or(0, |digit| digit - b'0'))
    }))
}

/// A number of exactly `width` digits.
fn number(text: &str, width: usize) -> Option<i64> {
    let digits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}
