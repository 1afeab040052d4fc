use super::*;

#[test]
fn reads_durations() {
    let ok = |text: &str, ms: u64| assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
    ok("1", 1000);
    ok("60", 60_000);
    ok(" 5 minutes ", 300_000);
    ok("5m", 300_000);
    ok("2 H", 7_200_000);
    ok("30 days", 2_592_000_000);
    ok("1000 ms", 1000);
    ok("1500 milliseconds", 1500);
    ok("+3 s", 3000);
    for (text, error) in [
        ("", DurationError::NotANumber),
        ("minutes", DurationError::NotANumber),
        ("-1", DurationError::NotPositive),
        ("0 s", DurationError::NotPositive),
        ("5 fortnights", DurationError::UnknownUnit("fortnights".into())),
        ("1.5 h", DurationError::UnknownUnit(".5 h".into())),
        ("999 ms", DurationError::TooShort),
        ("99999999999999999999", DurationError::TooLong),
        ("9999999999999999 days", DurationError::TooLong),
    ] {
        assert_eq!(duration(text), Err(error), "{text}");
    }
}

#[test]
fn every_unit_of_the_table_is_known() {
    let mut seen = 0;
    for line in include_str!("../../data/config_compat.tsv").lines() {
        let mut cells = line.split('\t');
        if cells.next() != Some("duration_unit") {
            continue;
        }
        let unit = cells.next().unwrap();
        let expected = match cells.nth(1).unwrap() {
            "millisecond" => 1,
            "second" => 1000,
            "minute" => 60_000,
            "hour" => 3_600_000,
            "day" => 86_400_000,
            other => panic!("{other}"),
        };
        assert_eq!(duration(&format!("5000 {unit}")), Ok(Duration::from_millis(5000 * expected)), "{unit}");
        seen += 1;
    }
    assert_eq!(seen, 23);
}

#[test]
fn shows_durations_as_people_write_them() {
    for (ms, text) in [
        (1000, "1 second"),
        (90_000, "90 seconds"),
        (120_000, "2 minutes"),
        (3_600_000, "1 hour"),
        (86_400_000 * 3, "3 days"),
        (1500, "1500 ms"),
    ] {
        let shown = show_duration(Duration::from_millis(ms));
        assert_eq!(shown, text);
        assert_eq!(duration(&shown), Ok(Duration::from_millis(ms)));
    }
}

#[test]
fn reads_numbers_and_words() {
    for (text, value) in [
        ("0", Some(0)),
        ("-12", Some(-12)),
        ("+7", Some(7)),
        ("0x1F", Some(31)),
        ("0o644", Some(420)),
        ("007", Some(7)),
        ("", None),
        ("-", None),
        ("1_000", None),
        ("1.0", None),
        ("0x", None),
        ("--1", None),
        ("99999999999999999999", None),
        ("é", None),
    ] {
        assert_eq!(integer(text), value, "{text}");
    }
    assert_eq!(["true", "on", "yes", "y"].map(boolean), [Some(true); 4]);
    assert_eq!(["false", "off", "no", "n"].map(boolean), [Some(false); 4]);
    assert_eq!(["True", "1", ""].map(boolean), [None; 3]);
    assert!(["infinity", "infinite", "unlimited"].into_iter().all(is_infinity));
}

#[test]
fn networks_contain_their_addresses() {
    for (range, address, inside) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("127.0.0.1/8", "127.200.0.2", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "10.9.9.9", true),
        ("::1/128", "::1", true),
        ("::1/128", "127.0.0.1", false),
        ("2001:db8::/32", "2001:db8:1::5", true),
        ("2001:db8::/32", "2001:db9::", false),
        ("0.0.0.0/0", "192.0.2.9", true),
        ("::/0", "2001:db8::1", true),
    ] {
        let network = Network::parse(range).unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), inside, "{range} {address}");
    }
    for bad in ["", "/8", "1.2.3.4/33", "::/129", "1.2.3/8", "host", "1.2.3.4/-1", "1.2.3.4/8/8"] {
        assert_eq!(Network::parse(bad), None, "{bad}");
    }
}
