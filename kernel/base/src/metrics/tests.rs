use super::{Families, Kind, Metrics, Value};

/// The families as lines of text.
fn lines(metrics: &Metrics) -> Vec<String> {
    let mut lines = Vec::new();
    for family in metrics.collect() {
        for sample in family.samples {
            let kind = if family.kind == Kind::Counter { "counter" } else { "gauge" };
            let labels: Vec<_> =
                sample.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let value = match sample.value {
                Value::Count(count) => count.to_string(),
                Value::Real(real) => format!("{real:.2}"),
            };
            lines.push(format!("{kind} {} {} {value}", family.name, labels.join(",")));
        }
    }
    lines
}

fn relays(port: &'static str, count: u64) -> impl Fn(&mut Families) + Send + Sync + 'static {
    move |families| {
        families.gauge("relays", "Relays", &[("port", port)], count);
        families.counter("bytes", "Bytes", &[("port", port), ("to", "peer")], count * 100);
    }
}

#[test]
fn figures_of_one_name_come_together() {
    let metrics = Metrics::default();
    let _one = metrics.add(relays("1", 3));
    let _two = metrics.add(relays("2", 5));
    let wanted = [
        "gauge relays port=1 3",
        "gauge relays port=2 5",
        "counter bytes port=1,to=peer 300",
        "counter bytes port=2,to=peer 500",
    ];
    assert_eq!(lines(&metrics), wanted);
}

#[test]
fn a_dropped_guard_takes_its_figures_away() {
    let metrics = Metrics::default();
    let one = metrics.add(relays("1", 3));
    assert_eq!(lines(&metrics).len(), 2);
    drop(one);
    assert_eq!(lines(&metrics), Vec::<String>::new());
}

#[test]
fn a_panic_and_a_quarrel_cost_nobody_else_anything() {
    let metrics = Metrics::default();
    let _first = metrics.add(|families| families.real("share", "A share", &[], 0.25));
    let _broken = metrics.add(|families| {
        families.gauge("before", "Before", &[], 1);
        panic!("on purpose");
    });
    let _quarrel = metrics.add(|families| families.counter("share", "A count", &[], 7));
    let _last = metrics.add(|families| families.counter("last", "Last", &[], 9));
    assert_eq!(lines(&metrics), ["gauge share  0.25", "gauge before  1", "counter last  9"]);
}
