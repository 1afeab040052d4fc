use super::*;

#[test]
fn every_value_falls_into_a_bucket_that_holds_it() {
    for value in [0, 1, 31, 32, 33, 63, 64, 1000, 123_456, 1 << 40, u64::MAX - 1, u64::MAX] {
        let index = bucket(value);
        assert!(index < BUCKETS, "{value}");
        let upper = upper_bound(index);
        assert!(upper >= value, "{value} above {upper}");
        assert!((upper - value) as f64 <= value as f64 / 31.0, "{value} too far below {upper}");
    }
}

#[test]
fn percentiles_of_a_ramp() {
    let mut histogram = Histogram::default();
    for value in 1..=10_000 {
        histogram.record(value);
    }
    for (part, wanted) in [(0.5, 5_000.0), (0.9, 9_000.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
        let got = histogram.percentile(part) as f64;
        assert!((got - wanted).abs() / wanted < 0.04, "{part}: {got}");
    }
    histogram.clear();
    assert!(histogram.latency().is_none());
}
