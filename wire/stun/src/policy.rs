//! Whom a relay may reach. A relay stands inside the operator's network: whatever is not on the Internet is refused
//! unless the operator lists it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: u128,
    prefix: u8,
    is_ipv6: bool,
}

impl Network {
    /// The addresses that share `prefix` bits with `ip`; none if there are no so many.
    pub fn new(ip: IpAddr, prefix: u8) -> Option<Self> {
        let width = if ip.is_ipv4() { 32 } else { 128 };
        (prefix <= width).then(|| {
            let (base, is_ipv6) = bits(ip);
            Self { base: base & mask(prefix, width), prefix, is_ipv6 }
        })
    }

    /// Whether an address is inside.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (bits, is_ipv6) = bits(ip);
        let width = if is_ipv6 { 128 } else { 32 };
        is_ipv6 == self.is_ipv6 && bits & mask(self.prefix, width) == self.base
    }
}

fn bits(ip: IpAddr) -> (u128, bool) {
    match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), false),
        IpAddr::V6(ip) => (u128::from(ip), true),
    }
}

fn mask(prefix: u8, width: u8) -> u128 {
    let all = if width == 32 { u128::from(u32::MAX) } else { u128::MAX };
    all.checked_shl(u32::from(width - prefix)).unwrap_or(0) & all
}

/// Why a peer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `turn_blacklist` has it.
    Blacklisted,
    /// This host itself, or nothing (0.0.0.0/8, 127.0.0.0/8, ::, ::1).
    Loopback,
    /// A private network (RFC 1918, RFC 6598, RFC 4193, fec0::/10).
    Private,
    /// Link-local, the metadata services of clouds among them.
    LinkLocal,
    /// Multicast and broadcast.
    Multicast,
    /// For documentation, benchmarks or the future.
    Reserved,
    /// An address of this server's own services.
    OwnService,
    /// Port 0.
    NoPort,
}

impl Refusal {
    /// A word for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Blacklisted => "blacklisted",
            Refusal::Loopback => "loopback",
            Refusal::Private => "private",
            Refusal::LinkLocal => "link_local",
            Refusal::Multicast => "multicast",
            Refusal::Reserved => "reserved",
            Refusal::OwnService => "own_service",
            Refusal::NoPort => "no_port",
        }
    }
}

/// The operator's policy.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Refused in any case.
    pub blacklist: Vec<Network>,
    /// Allowed although it would be refused for what it is.
    pub whitelist: Vec<Network>,
    /// Databases and admin interfaces of this server; refused unless the port is 0, which stands for all ports.
    pub own: Vec<SocketAddr>,
}

impl Policy {
    /// Why a peer is refused, if it is. Every way to write an IPv4 address inside IPv6 is undone first.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self, peer: SocketAddr) -> Result<(), Refusal> {
        if peer.port() == 0 {
            return Err(Refusal::NoPort);
        }
        self.check_ip(peer.ip())?;
        let folded = fold(peer.ip());
        let is_own =
            |own: &&SocketAddr| fold(own.ip()) == folded && (own.port() == 0 || own.port() == peer.port());
        match self.own.iter().find(is_own) {
            Some(_) => Err(Refusal::OwnService),
            None => Ok(()),
        }
    }

    /// As [`Policy::check`], for every port: permissions name none (RFC 8656 §9).
    ///
    /// # Errors
    /// The reason.
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), Refusal> {
        let folded = fold(ip);
        let listed = |list: &[Network]| list.iter().any(|net| net.contains(ip) || net.contains(folded));
        if listed(&self.blacklist) {
            return Err(Refusal::Blacklisted);
        }
        match nature(folded) {
            Some(refusal) if !listed(&self.whitelist) => Err(refusal),
            _ => Ok(()),
        }
    }
}

/// The IPv4 address that an IPv6 address leads to, however it is written.
pub fn fold(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(ip) = ip else { return ip };
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let of = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        // ::a.b.c.d, but for :: and ::1, and ::ffff:a.b.c.d
        [0, 0, 0, 0, 0, 0] if g != 0 || h > 1 => of(g, h),
        [0, 0, 0, 0, 0, 0xffff] => of(g, h),
        // ::ffff:0:a.b.c.d (RFC 2765)
        [0, 0, 0, 0, 0xffff, 0] => of(g, h),
        // NAT64 (RFC 6052 §2.1)
        [0x64, 0xff9b, 0, 0, 0, 0] => of(g, h),
        // 6to4 (RFC 3056)
        [0x2002, high, low, ..] => of(high, low),
        // Teredo (RFC 4380), where the client's address is inverted
        [0x2001, 0, ..] => of(!g, !h),
        // ISATAP (RFC 5214)
        [_, _, _, _, 0 | 0x0200, 0x5efe] => of(g, h),
        _ => IpAddr::V6(ip),
    }
}

fn nature(ip: IpAddr) -> Option<Refusal> {
    match ip {
        IpAddr::V4(ip) => nature_of_ipv4(ip),
        IpAddr::V6(ip) => nature_of_ipv6(ip),
    }
}

fn nature_of_ipv4(ip: Ipv4Addr) -> Option<Refusal> {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (0 | 127, ..) => Some(Refusal::Loopback),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Some(Refusal::Private),
        (169, 254, _) => Some(Refusal::LinkLocal),
        (224..=239, ..) | (255, 255, 255) => Some(Refusal::Multicast),
        // RFC 6890 and the anycast address of 6to4 relays.
        (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) => Some(Refusal::Reserved),
        (198, 18..=19, _) | (240..=255, ..) => Some(Refusal::Reserved),
        _ => None,
    }
}

fn nature_of_ipv6(ip: Ipv6Addr) -> Option<Refusal> {
    let [a, b, ..] = ip.segments();
    match a {
        _ if ip.is_unspecified() || ip.is_loopback() => Some(Refusal::Loopback),
        0xfc00..=0xfdff | 0xfec0..=0xfeff => Some(Refusal::Private),
        0xfe80..=0xfebf => Some(Refusal::LinkLocal),
        0xff00..=0xffff => Some(Refusal::Multicast),
        0x2001 if b == 0x0db8 || b < 0x0200 => Some(Refusal::Reserved),
        0x3fff => Some(Refusal::Reserved),
        // Only this block is given out as unicast (RFC 4291 §2.4).
        0x2000..=0x3fff => None,
        _ => Some(Refusal::Reserved),
    }
}

#[cfg(test)]
mod tests;
