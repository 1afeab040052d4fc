//! Addresses of people as the log shows them when `hide_sensitive_log_data` is on: the network, not the machine.

use std::net::{IpAddr, SocketAddr};

/// Fields that hold addresses.
const FIELDS: [&str; 5] = ["ip", "peer", "address", "client", "remote"];

/// What is logged for a field.
pub(crate) fn masked(field: &str, value: String) -> String {
    if !FIELDS.contains(&field) {
        return value;
    }
    let bare = value.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(&value);
    let ip = bare.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| bare.parse::<IpAddr>());
    match ip {
        Ok(ip) if ip.is_loopback() => value,
        Ok(IpAddr::V4(ip)) => {
            let [one, two, three, _] = ip.octets();
            format!("{one}.{two}.{three}.x")
        }
        Ok(IpAddr::V6(ip)) => {
            let [one, two, three, ..] = ip.segments();
            format!("{one:x}:{two:x}:{three:x}::x")
        }
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests;
