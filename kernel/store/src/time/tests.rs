use super::{format, from_civil, parse, to_civil};

#[test]
fn text_and_microseconds_agree() {
    for (micros, text) in [
        (0, "1970-01-01 00:00:00"),
        (1_000_000_000_000_000, "2001-09-09 01:46:40"),
        (1_709_164_800_000_001, "2024-02-29 00:00:00.000001"),
        (-1_000_000, "1969-12-31 23:59:59"),
        (951_782_400_000_000, "2000-02-29 00:00:00"),
        (4_102_444_800_500_000, "2100-01-01 00:00:00.500000"),
    ] {
        assert_eq!(format(micros), text);
        assert_eq!(parse(text), Some(micros), "{text}");
    }
}

#[test]
fn every_day_of_four_centuries_returns() {
    for day in 0..146_097_i64 {
        let micros = (day - 30_000) * 86_400_000_000;
        assert_eq!(from_civil(to_civil(micros)), micros, "day {day}");
    }
}

#[test]
fn other_spellings_are_read_and_nonsense_is_not() {
    assert_eq!(parse("2001-09-09T01:46:40.5Z"), Some(1_000_000_000_500_000));
    for text in
        ["", "2001-09-09", "2001-13-09 00:00:00", "x-y-z a:b:c", "2001-09-09 24:00:00", "1-1-1 1:1:1.é"]
    {
        assert_eq!(parse(text), None, "{text:?}");
    }
    assert_eq!(format(i64::MAX), "9999-12-31 23:59:59.999999");
}
