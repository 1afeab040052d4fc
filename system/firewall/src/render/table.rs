//! The table of ejabberd's guide "Securing ejabberd", for one configuration.

use crate::opening::{Endpoint, Opening};

const HEAD: [&str; 7] = ["Port", "Protocol", "Address", "Zone", "TLS", "Description", "Configuration"];

pub(super) fn render(openings: &[&Opening]) -> String {
    let served = openings.iter().filter(|opening| opening.served);
    let mut text = table(served.map(|opening| cells(opening)));
    let unserved: Vec<_> = openings.iter().filter(|opening| !opening.served).collect();
    if !unserved.is_empty() {
        text.push_str("\nThe configuration also names these, which this version does not serve:\n\n");
        text.push_str(&table(unserved.iter().map(|opening| cells(opening))));
    }
    text
}

fn cells(opening: &Opening) -> [String; 7] {
    let (port, protocol, address) = match &opening.endpoint {
        Endpoint::Net { address, ports, protocol } => {
            (ports.to_string(), protocol.name().to_owned(), address.to_string())
        }
        Endpoint::Unix(path) => ("-".to_owned(), "unix".to_owned(), path.display().to_string()),
    };
    let mut description = format!("{} ({})", opening.speaks, opening.module);
    if !opening.note.is_empty() && opening.served {
        description.push_str(": ");
        description.push_str(&opening.note);
    }
    let line = opening.line.as_ref().map(ToString::to_string).unwrap_or_default();
    let zone = opening.zone.name().to_owned();
    [port, protocol, address, zone, opening.tls.to_string(), description, line]
}

fn table(rows: impl Iterator<Item = [String; 7]>) -> String {
    let rows: Vec<[String; 7]> = rows.collect();
    let mut widths = HEAD.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; 7]| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let mut text = line(&HEAD.map(str::to_owned));
    text.push_str(&line(&widths.map(|width| "-".repeat(width))));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}
