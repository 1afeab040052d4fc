//! The words that `erl` and ejabberdctl.cfg have for a node: `-sname`, `-setcookie`, `-kernel inet_dist_listen_min`…

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nightjar_sasl::Secret;

/// What the words say. What they don't name is as it was.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// `-sname`
    pub sname: Option<String>,
    /// `-name`
    pub name: Option<String>,
    /// `-setcookie`
    pub cookie: Option<Secret>,
    /// `-proto_dist`: `inet_tcp`, `inet6_tcp`, `inet_tls`, `inet6_tls`.
    pub protocol: Option<String>,
    /// `-kernel inet_dist_use_interface`
    pub interface: Option<IpAddr>,
    /// `-kernel inet_dist_listen_min`
    pub port_min: Option<u16>,
    /// `-kernel inet_dist_listen_max`
    pub port_max: Option<u16>,
    /// `-erl_epmd_port`: the port of all nodes, without epmd.
    pub fixed_port: Option<u16>,
    /// `-start_epmd`
    pub start_epmd: Option<bool>,
    /// `-hidden`
    pub hidden: bool,
}

/// Reads words; those about other things are passed over.
///
/// # Errors
/// A sentence about a value that can't be understood.
pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Words, String> {
    let mut found = Words::default();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix('-') else { continue };
        let mut values: Vec<&str> = Vec::new();
        while let Some(value) = words.next_if(|next| !is_flag(next)) {
            values.push(value);
        }
        take(&mut found, flag.trim_start_matches('-'), &values)?;
    }
    Ok(found)
}

/// Splits a text like `ERL_OPTIONS` as a shell does with it unquoted; quotes that a second shell would take away go.
pub fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| word.trim_matches(['\'', '"', '\\']).to_owned()).collect()
}

fn is_flag(word: &str) -> bool {
    word.strip_prefix(['-', '+']).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

fn take(found: &mut Words, flag: &str, values: &[&str]) -> Result<(), String> {
    let value = || values.first().copied().ok_or_else(|| format!("-{flag} needs a value"));
    match flag {
        "sname" => found.sname = Some(value()?.to_owned()),
        "name" => found.name = Some(value()?.to_owned()),
        "setcookie" => found.cookie = Some(Secret::from(*values.last().ok_or("-setcookie needs a value")?)),
        "proto_dist" => found.protocol = Some(value()?.to_owned()),
        "erl_epmd_port" => found.fixed_port = Some(port(flag, value()?)?),
        "start_epmd" => found.start_epmd = Some(value()? != "false"),
        "hidden" => found.hidden = true,
        "kernel" => {
            for pair in values.chunks(2) {
                let [key, value] = pair else { return Err(format!("-kernel {pair:?} needs a value")) };
                kernel(found, key, value)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn kernel(found: &mut Words, key: &str, value: &str) -> Result<(), String> {
    match key {
        "inet_dist_listen_min" => found.port_min = Some(port(key, value)?),
        "inet_dist_listen_max" => found.port_max = Some(port(key, value)?),
        "inet_dist_use_interface" => {
            let address = address(value).ok_or_else(|| format!("{key} must be an address, not {value}"))?;
            found.interface = Some(address);
        }
        _ => {}
    }
    Ok(())
}

fn port(key: &str, value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| format!("{key} must be a port, not {value}"))
}

/// An address as text, or as the tuple that Erlang has for it: `{127,0,0,1}`.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(['\'', '"', '\\']);
    let Some(tuple) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return text.parse().ok();
    };
    let parts: Vec<&str> = tuple.split(',').map(str::trim).collect();
    let part = |part: &&str| match part.strip_prefix("16#") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => part.parse().ok(),
    };
    let numbers: Vec<u16> = parts.iter().map(part).collect::<Option<_>>()?;
    match numbers.len() {
        4 => {
            let bytes: Vec<u8> =
                numbers.iter().map(|part| u8::try_from(*part).ok()).collect::<Option<_>>()?;
            Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into())
        }
        8 => Some(Ipv6Addr::from(<[u16; 8]>::try_from(numbers).ok()?).into()),
        _ => None,
    }
}

/// `FIREWALL_WINDOW`: `4200-4210`, or one port.
///
/// # Errors
/// A sentence.
pub fn window(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("FIREWALL_WINDOW must be like 4200-4210, not {text:?}");
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let (min, max): (u16, u16) =
        (min.trim().parse().map_err(|_| wrong())?, max.trim().parse().map_err(|_| wrong())?);
    if min == 0 || min > max { Err(wrong()) } else { Ok((min, max)) }
}

#[cfg(test)]
mod tests;
