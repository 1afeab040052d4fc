use nightjar_base::metrics::Families;
use nightjar_stun::server::Counters;

use super::{Counted, Listener, PortsWatch};

#[test]
fn what_a_worker_publishes_is_read() {
    let counted = Counted::default();
    assert_eq!(counted.read(), Counters::default());
    let counters =
        Counters { bindings: 3, bytes_to_clients: u64::MAX, refused_no_port: 1, ..Counters::default() };
    counted.publish(&counters);
    assert_eq!(counted.read(), counters);
}

#[test]
fn scarce_ports_are_told_of_once_for_each_crossing() {
    let watch = PortsWatch::default();
    for (used, wanted) in [
        (0, None),
        (80, None),
        (81, Some(true)),
        (100, None),
        (79, None),
        (70, None),
        (81, None),
        (69, Some(false)),
        (80, None),
        (81, Some(true)),
    ] {
        assert_eq!(watch.crossing(used, 100), wanted, "{used}");
    }
    assert_eq!(PortsWatch::default().crossing(0, 0), None, "a listener without relays has no ports");
}

#[test]
fn every_counter_but_the_ends_of_relays_is_shown() {
    let listener = Listener { transport: "udp", address: "192.0.2.1:3478".parse().unwrap() };
    // Each counter has a value of its own.
    let values = std::array::from_fn(|at| 1_000 + at as u64);
    let counters = Counters::from_values(values);
    let mut families = Families::default();
    listener.write(&mut families, &counters, (3, 4));
    let shown = format!("{families:?}");
    for (name, value) in Counters::NAMES.iter().zip(values).filter(|(name, _)| **name != "allocations_ended")
    {
        assert!(shown.contains(&format!("Count({value})")), "{name} is not shown");
    }
    assert!(shown.contains("Real(0.75)") && shown.contains("192.0.2.1:3478"), "{shown}");
}
