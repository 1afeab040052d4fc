use std::time::Duration;

use super::FrameMeter;

fn ping() -> Vec<u8> {
    vec![0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
}

/// How many pings are taken, in pieces of this many bytes, before the meter says stop.
fn pings_taken(piece: usize) -> usize {
    let mut meter = FrameMeter::new();
    assert!(meter.take(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Duration::ZERO));
    let bytes = ping().repeat(5_000);
    let pieces = bytes.chunks(piece).take_while(|piece| meter.take(piece, Duration::ZERO));
    pieces.count() * piece / ping().len()
}

#[test]
fn frames_are_counted_however_they_are_cut() {
    for piece in [1, 9, 10, 17] {
        assert!((1_995..=2_000).contains(&pings_taken(piece)), "{piece}: {}", pings_taken(piece));
    }
}

#[test]
fn patience_comes_back_with_time() {
    let mut meter = FrameMeter::new();
    assert!(meter.take(&[0; 24], Duration::ZERO));
    assert!(meter.take(&ping().repeat(2_000), Duration::ZERO));
    assert!(meter.take(&ping().repeat(100), Duration::from_secs(1)));
    assert!(!meter.take(&ping(), Duration::from_secs(1)));
}

#[test]
fn bodies_cost_nothing() {
    let mut meter = FrameMeter::new();
    assert!(meter.take(&[0; 24], Duration::ZERO));
    let data = [&[0, 0, 5, 0, 0, 0, 0, 0, 1][..], b"hello"].concat();
    assert!(meter.take(&data.repeat(10_000), Duration::ZERO));
}
