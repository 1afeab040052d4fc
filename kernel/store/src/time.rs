//! `timestamp` columns: UTC, microseconds in the program, `YYYY-MM-DD hh:mm:ss[.ffffff]` in text.

#[cfg(test)]
mod tests;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time taken apart: year, month, day, hour, minute, second, microsecond.
pub type Civil = (i32, u8, u8, u8, u8, u8, u32);

/// The parts of `micros` after the UNIX epoch, UTC. Years that four digits cannot hold are clamped.
pub fn to_civil(micros: i64) -> Civil {
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let fraction = micros.rem_euclid(MICROS_PER_SECOND) as u32;
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    // Days are counted from 0000-03-01 so that the leap day ends a year; 146,097 days are 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u8;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 } as u8;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(1..=9999).contains(&year) {
        return if year < 1 { (1, 1, 1, 0, 0, 0, 0) } else { (9999, 12, 31, 23, 59, 59, 999_999) };
    }
    let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    (year as i32, month, day, hour as u8, minute as u8, second as u8, fraction)
}

/// Microseconds after the UNIX epoch of `civil`, UTC.
pub fn from_civil((year, month, day, hour, minute, second, micro): Civil) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds =
        days * SECONDS_PER_DAY + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    seconds * MICROS_PER_SECOND + i64::from(micro)
}

/// As SQL writes it; the fraction only where there is one, so that texts compare as times do.
pub fn format(micros: i64) -> String {
    let (year, month, day, hour, minute, second, fraction) = to_civil(micros);
    let whole = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if fraction == 0 { whole } else { format!("{whole}.{fraction:06}") }
}

/// Reads what [`format`] and `CURRENT_TIMESTAMP` write; `T` and a final `Z` are understood too.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_once([' ', 'T'])?;
    let mut date = date.splitn(3, '-');
    let mut clock = clock.splitn(3, ':');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micro = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let civil: Civil = (
        year.parse().ok()?,
        month.parse().ok()?,
        day.parse().ok()?,
        hour.parse().ok()?,
        minute.parse().ok()?,
        second.parse().ok()?,
        micro,
    );
    let valid = (1..=9999).contains(&civil.0)
        && (1..=12).contains(&civil.1)
        && (1..=31).contains(&civil.2)
        && civil.3 < 24
        && civil.4 < 60
        && civil.5 < 61;
    valid.then(|| from_civil(civil))
}
