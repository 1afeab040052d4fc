//! recvmmsg and sendmmsg: many datagrams in one system call. Nothing is asked of the kernel that isn't needed: each
//! control message costs time with every datagram.

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr;

/// Datagrams, or runs of them, that one call moves at most.
pub(crate) const BATCH: usize = 64;
/// Room for an address: sockaddr_in6.
const NAME: usize = 28;
/// Room for control messages: IPV6_PKTINFO and UDP_GRO, with their headers.
const CONTROL: usize = 96;
/// A control message is aligned like its length.
const ALIGN: usize = size_of::<usize>();
/// Its length, level and kind.
const HEADER: usize = ALIGN + 8;

/// Where the kernel writes about what it reads.
pub(crate) struct Room {
    names: [Name; BATCH],
    controls: [Control; BATCH],
    arrived: [Arrived; BATCH],
}

/// sockaddr_in or sockaddr_in6.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Name([u8; NAME]);

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// What is told of one filled buffer.
#[derive(Clone, Copy)]
pub(crate) struct Arrived {
    /// Who has sent it.
    pub(crate) from: SocketAddr,
    /// Which of our addresses it came to, where the socket asks for it.
    pub(crate) to: Option<IpAddr>,
    /// Bytes.
    pub(crate) length: usize,
    /// Bytes of each datagram but the last, where the kernel has put several together.
    pub(crate) segment: usize,
}

/// One datagram, or several of one size but for the last.
pub(crate) struct Departing<'a> {
    /// To whom.
    pub(crate) to: SocketAddr,
    /// From which of our addresses.
    pub(crate) from: Option<IpAddr>,
    /// All bytes.
    pub(crate) bytes: &'a [u8],
    /// Where the kernel is to take them apart.
    pub(crate) segment: Option<u16>,
}

/// What an ICMP packet told of a datagram that was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Where the datagram was to go.
    pub(crate) to: SocketAddr,
    /// ICMP's or ICMPv6's type.
    pub(crate) kind: u8,
    /// And code.
    pub(crate) code: u8,
    /// The MTU, where it was too long; 0 otherwise.
    pub(crate) mtu: u32,
}

impl Room {
    pub(crate) fn new() -> Self {
        const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        Self {
            names: [Name([0; NAME]); BATCH],
            controls: [Control([0; CONTROL]); BATCH],
            arrived: [Arrived { from: NOWHERE, to: None, length: 0, segment: 0 }; BATCH],
        }
    }

    /// What the last call has told, buffer by buffer.
    pub(crate) fn arrived(&self) -> &[Arrived; BATCH] {
        &self.arrived
    }
}

/// Reads into the first `wanted` buffers of `stride` bytes each; how many were filled.
#[allow(unsafe_code)]
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    storage: &mut [u8],
    stride: usize,
    wanted: usize,
    room: &mut Room,
) -> io::Result<usize> {
    let mut vectors = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH];
    let mut count = 0;
    let places = headers.iter_mut().zip(&mut vectors).zip(&mut room.names).zip(&mut room.controls);
    for ((((header, vector), name), control), buffer) in
        places.zip(storage.chunks_exact_mut(stride)).take(wanted)
    {
        let vector =
            vector.write(libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() });
        let header = &mut header.write(empty()).msg_hdr;
        header.msg_name = name.0.as_mut_ptr().cast();
        header.msg_namelen = NAME as _;
        header.msg_iov = vector;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = CONTROL as _;
        count += 1;
    }
    let filled = retry(|| {
        // SAFETY: the first `count` headers were written above; each points to a buffer, a name and a control of its
        // own, which are borrowed mutably until the call returns, with their true lengths.
        unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr().cast(),
                count as _,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        }
    })?;
    for at in 0..filled.min(count) {
        let (Some(header), Some(name), Some(control), Some(arrived)) =
            (headers.get(at), room.names.get(at), room.controls.get(at), room.arrived.get_mut(at))
        else {
            break;
        };
        // SAFETY: `at` is below `count`, so it was written above.
        let header = unsafe { header.assume_init_ref() };
        let (to, segment) = control.read(header.msg_hdr.msg_controllen as _);
        let length = header.msg_len as usize;
        *arrived = Arrived { from: name.read(), to, length, segment: segment.unwrap_or(length).max(1) };
    }
    Ok(filled)
}

/// Sends at most [`BATCH`]; how many were sent. The error is of the first that wasn't, if it's the very first.
#[allow(unsafe_code)]
pub(crate) fn send<'a>(
    socket: BorrowedFd<'_>,
    departing: impl Iterator<Item = Departing<'a>>,
) -> io::Result<usize> {
    let mut vectors = [const { MaybeUninit::<libc::iovec>::uninit() }; BATCH];
    let mut headers = [const { MaybeUninit::<libc::mmsghdr>::uninit() }; BATCH];
    let mut names = [const { MaybeUninit::<Name>::uninit() }; BATCH];
    let mut controls = [const { MaybeUninit::<Control>::uninit() }; BATCH];
    let mut count = 0;
    let places = headers.iter_mut().zip(&mut vectors).zip(&mut names).zip(&mut controls);
    for ((((header, vector), name), control), departing) in places.zip(departing) {
        let bytes = departing.bytes;
        let vector =
            vector.write(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        let header = &mut header.write(empty()).msg_hdr;
        let (name_written, length) = Name::write(departing.to);
        header.msg_name = name.write(name_written).0.as_mut_ptr().cast();
        header.msg_namelen = length as _;
        header.msg_iov = vector;
        header.msg_iovlen = 1;
        if departing.from.is_some() || departing.segment.is_some() {
            let (control_written, length) = Control::write(departing.from, departing.segment);
            header.msg_control = control.write(control_written).0.as_mut_ptr().cast();
            header.msg_controllen = length as _;
        }
        count += 1;
    }
    // SAFETY: the first `count` headers were written above; each points to bytes that are borrowed for 'a, and to a
    // name and a control of its own, with their true lengths. The kernel writes to none of these when it sends.
    let sent = retry(|| unsafe {
        let first: *mut libc::mmsghdr = headers.as_mut_ptr().cast();
        match count {
            0 => 0,
            1 => libc::sendmsg(socket.as_raw_fd(), &raw const (*first).msg_hdr, libc::MSG_DONTWAIT).signum()
                as _,
            _ => libc::sendmmsg(socket.as_raw_fd(), first, count, libc::MSG_DONTWAIT as _),
        }
    })?;
    // An empty datagram counts as one, too.
    Ok(if count == 1 { 1 } else { sent })
}

/// What became of a datagram that was sent before, where the socket asks for it ([`tell_failures`]).
#[allow(unsafe_code)]
pub(crate) fn failed(socket: BorrowedFd<'_>) -> io::Result<Option<Failed>> {
    let (mut name, mut control) = (Name([0; NAME]), Control([0; CONTROL]));
    let mut header = empty().msg_hdr;
    header.msg_name = name.0.as_mut_ptr().cast();
    header.msg_namelen = NAME as _;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = CONTROL as _;
    // SAFETY: the header points to a name and a control that are borrowed mutably until the call returns, with their true
    // lengths, and to no buffer for data.
    retry(|| unsafe {
        let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
        libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags).signum() as _
    })?;
    Ok(control.failure(header.msg_controllen as _, name.read()))
}

#[allow(unsafe_code)]
fn empty() -> libc::mmsghdr {
    // SAFETY: integers and null pointers; nothing in it may not be zero.
    unsafe { zeroed() }
}

/// Lets the kernel put together what comes in a row from one sender. One that can't doesn't.
pub(crate) fn gather(socket: BorrowedFd<'_>) {
    let _ = switch_on(socket, libc::SOL_UDP, libc::UDP_GRO);
}

/// Has the kernel tell which of our addresses each datagram came to.
pub(crate) fn tell_destinations(socket: BorrowedFd<'_>, is_ipv4: bool) -> io::Result<()> {
    if is_ipv4 {
        switch_on(socket, libc::IPPROTO_IP, libc::IP_PKTINFO)
    } else {
        switch_on(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    }
}

/// Has the kernel keep what ICMP packets tell of datagrams, for [`failed`]. From then on it tells each also as an error of
/// the next call, whatever that is.
pub(crate) fn tell_failures(socket: BorrowedFd<'_>, is_ipv4: bool) {
    let _ = if is_ipv4 {
        switch_on(socket, libc::IPPROTO_IP, libc::IP_RECVERR)
    } else {
        switch_on(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    };
}

#[allow(unsafe_code)]
fn switch_on(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the value is an integer of the length that is told, and is only read.
    retry(|| unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), length) })
        .map(drop)
}

fn retry(mut call: impl FnMut() -> libc::c_int) -> io::Result<usize> {
    let mut may_be_earlier = true;
    loop {
        if let Ok(count) = usize::try_from(call()) {
            return Ok(count);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            // Told once, the failure of an earlier datagram stands in nobody's way.
            Some(number) if may_be_earlier && is_of_icmp(number) => may_be_earlier = false,
            _ => return Err(error),
        }
    }
}

/// Whether the kernel makes this error of an ICMP packet.
fn is_of_icmp(number: libc::c_int) -> bool {
    use libc::{EACCES, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENONET, ENOPROTOOPT};
    let numbers = [EACCES, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENONET, ENOPROTOOPT];
    numbers.contains(&number) || matches!(number, libc::EOPNOTSUPP | libc::EPROTO)
}

impl Name {
    /// With the length of what was written.
    fn write(address: SocketAddr) -> (Self, usize) {
        let mut bytes = [0; NAME];
        let mut put = |at: usize, part: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        };
        put(2, &address.port().to_be_bytes());
        let length = match address {
            SocketAddr::V4(address) => {
                put(0, &(libc::AF_INET as libc::sa_family_t).to_ne_bytes());
                put(4, &address.ip().octets());
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                put(0, &(libc::AF_INET6 as libc::sa_family_t).to_ne_bytes());
                put(8, &address.ip().octets());
                put(24, &address.scope_id().to_ne_bytes());
                size_of::<libc::sockaddr_in6>()
            }
        };
        (Self(bytes), length)
    }

    fn read(&self) -> SocketAddr {
        let [a, b, c, d, rest @ ..] = self.0;
        let port = u16::from_be_bytes([c, d]);
        if libc::c_int::from(libc::sa_family_t::from_ne_bytes([a, b])) == libc::AF_INET {
            let [a, b, c, d, ..] = rest;
            return SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port).into();
        }
        let ip: [u8; 16] = rest.get(4..20).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        let scope: [u8; 4] = rest.get(20..24).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        SocketAddrV6::new(ip.into(), port, 0, u32::from_ne_bytes(scope)).into()
    }
}

impl Control {
    /// With the length of what was written.
    fn write(from: Option<IpAddr>, segment: Option<u16>) -> (Self, usize) {
        let (mut control, mut at) = (Self([0; CONTROL]), 0);
        match from {
            // in_pktinfo: interface, our address, and one that only matters when reading.
            Some(IpAddr::V4(ip)) => {
                let [a, b, c, d] = ip.octets();
                let info = [0, 0, 0, 0, a, b, c, d, 0, 0, 0, 0];
                control.push(&mut at, (libc::IPPROTO_IP, libc::IP_PKTINFO), &info);
            }
            // in6_pktinfo: our address, interface.
            Some(IpAddr::V6(ip)) => {
                let mut info = [0; 20];
                info[..16].copy_from_slice(&ip.octets());
                control.push(&mut at, (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO), &info);
            }
            None => {}
        }
        if let Some(segment) = segment {
            control.push(&mut at, (libc::SOL_UDP, libc::UDP_SEGMENT), &segment.to_ne_bytes());
        }
        (control, at)
    }

    fn push(&mut self, at: &mut usize, (level, kind): (i32, i32), value: &[u8]) {
        let length = HEADER + value.len();
        let Some(place) = self.0.get_mut(*at..*at + length) else { return };
        place[..ALIGN].copy_from_slice(&length.to_ne_bytes());
        place[ALIGN..ALIGN + 4].copy_from_slice(&level.to_ne_bytes());
        place[ALIGN + 4..HEADER].copy_from_slice(&kind.to_ne_bytes());
        place[HEADER..].copy_from_slice(value);
        *at += length.next_multiple_of(ALIGN);
    }

    /// Our address and the size of datagrams that were put together.
    fn read(&self, length: usize) -> (Option<IpAddr>, Option<usize>) {
        let (mut to, mut segment) = (None, None);
        let mut rest = self.0.get(..length).unwrap_or_default();
        while let Some((level, kind, value)) = next(&mut rest) {
            match (level, kind) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let ip = value.get(8..12).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
                    to = ip.map(|ip| Ipv4Addr::from(ip).into());
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let ip = value.get(..16).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
                    to = ip.map(|ip| Ipv6Addr::from(ip).into());
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let size = value.get(..4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
                    segment = size.and_then(|size| usize::try_from(size).ok());
                }
                _ => {}
            }
        }
        (to, segment)
    }
}

impl Control {
    /// sock_extended_err: an error's number, who told it, type, code, a byte of nothing, the MTU.
    fn failure(&self, length: usize, to: SocketAddr) -> Option<Failed> {
        let mut rest = self.0.get(..length).unwrap_or_default();
        while let Some((level, option, value)) = next(&mut rest) {
            let is_failure = matches!(
                (level, option),
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
            );
            let Some([n0, n1, n2, n3, origin, kind, code, _, m0, m1, m2, m3]) = value.first_chunk() else {
                continue;
            };
            if is_failure && matches!(*origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6) {
                let is_too_long = i32::from_ne_bytes([*n0, *n1, *n2, *n3]) == libc::EMSGSIZE;
                let mtu = if is_too_long { u32::from_ne_bytes([*m0, *m1, *m2, *m3]) } else { 0 };
                return Some(Failed { to, kind: *kind, code: *code, mtu });
            }
        }
        None
    }
}

/// Level, kind and value of the next control message.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(i32, i32, &'a [u8])> {
    let number = |at: usize| Some(i32::from_ne_bytes(rest.get(at..at + 4)?.try_into().ok()?));
    let length = usize::from_ne_bytes(rest.get(..ALIGN)?.try_into().ok()?);
    let found = (number(ALIGN)?, number(ALIGN + 4)?, rest.get(HEADER..length)?);
    *rest = rest.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
    Some(found)
}

#[cfg(test)]
mod tests;
