use super::*;
use anyhow::anyhow;

#[test]
fn rounding() {
    for (value, wanted) in [
        (0.126, "0.13"),
        (9.0, "9.00"),
        (12.34, "12.3"),
        (123.4, "123"),
        (1234.5, "1,234"),
        (1234567.0, "1,234,567"),
    ] {
        assert_eq!(round(value), wanted);
    }
}

#[test]
fn medians_and_ratios_of_several_rounds() {
    let mut results = Results::new(&[Kind::Ejabberd, Kind::Prosody, Kind::Nightjar]);
    for value in [30.0, 10.0, 20.0] {
        results.value("chat", "µs of CPU", Kind::Ejabberd, value, false);
    }
    for value in [4.0, 6.0] {
        results.value("chat", "µs of CPU", Kind::Nightjar, value, false);
    }
    results.add(Kind::Prosody, Work::Page, Err(anyhow!("no archive")));
    let text = results.tables();
    assert!(text.contains("| chat | µs of CPU | 20.0 | – | 5.00 | 4.00 | – |"), "{text}");
    assert!(text.contains("No figure: prosody, archive page of 50, plain TCP: no archive"), "{text}");
}
