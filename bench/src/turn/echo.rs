//! A bare echo of datagrams with the calls that a relay would use, and sockets opened and closed as a relay's would be: what
//! the kernel takes for them.

use anyhow::Result;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg},
};
use std::{
    collections::HashMap,
    io::{ErrorKind, IoSlice, IoSliceMut},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

const BUFFER: usize = 65_536;

/// What is asked for in place of an allocation and its end, with as many bytes each way as TURN has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An answer, as a challenge is one
    Ask = 1,
    /// A socket of the client's own, and an answer
    Open,
    /// The socket's end, and an answer
    Close,
}

impl Step {
    pub const ALL: [Self; 3] = [Self::Ask, Self::Open, Self::Close];

    pub fn request(self) -> Vec<u8> {
        let length = if self == Self::Ask { 28 } else { 132 };
        let mut bytes = vec![0; length];
        bytes[1] = self as u8;
        bytes
    }

    fn answer(self) -> &'static [u8] {
        match self {
            Self::Ask => &[1; 92],
            Self::Open => &[1; 96],
            Self::Close => &[1; 64],
        }
    }

    /// Packets of channels begin with 0x40.
    fn of(datagram: &[u8]) -> Option<Self> {
        let [0, number, ..] = datagram else { return None };
        Self::ALL.into_iter().find(|step| *step as u8 == *number)
    }
}

/// Serves until the process is ended. A TCP port of the same number tells that it's ready.
pub fn run(port: u16) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    let _ready = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let state = UdpSocketState::new((&socket).into())?;
    let mut storage = vec![0; BUFFER * BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    let mut relays = HashMap::new();
    loop {
        poll(&mut [PollFd::new(&socket, PollFlags::IN)], None)?;
        let mut slices: Vec<_> = storage.chunks_mut(BUFFER).map(IoSliceMut::new).collect();
        let count = match state.recv((&socket).into(), &mut slices, &mut metas) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            count => count?,
        };
        let mut answers = Vec::new();
        for (meta, bytes) in metas.iter().zip(storage.chunks(BUFFER)).take(count) {
            for datagram in bytes.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                answers.push((meta.addr, answer(datagram, meta.addr, &mut relays)?));
            }
        }
        send(&socket, &answers);
    }
}

fn answer<'a>(
    datagram: &'a [u8],
    client: SocketAddr,
    relays: &mut HashMap<SocketAddr, UdpSocket>,
) -> Result<&'a [u8]> {
    let Some(step) = Step::of(datagram) else { return Ok(datagram) };
    match step {
        Step::Ask => {}
        Step::Open => drop(relays.insert(client, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?)),
        Step::Close => drop(relays.remove(&client)),
    }
    Ok(step.answer())
}

/// All in one call. What a full buffer loses the client sends again.
fn send(socket: &UdpSocket, answers: &[(SocketAddr, &[u8])]) {
    let addresses: Vec<SocketAddrAny> = answers.iter().map(|(to, _)| (*to).into()).collect();
    let slices: Vec<_> = answers.iter().map(|(_, bytes)| [IoSlice::new(bytes)]).collect();
    let mut controls: Vec<_> = answers.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let places = addresses.iter().zip(&slices).zip(&mut controls);
    let mut messages: Vec<_> =
        places.map(|((address, slice), control)| MMsgHdr::new_with_addr(address, slice, control)).collect();
    let mut rest = messages.as_mut_slice();
    while !rest.is_empty() {
        let sent = sendmmsg(socket, rest, SendFlags::DONTWAIT).unwrap_or(1).max(1);
        rest = rest.get_mut(sent..).unwrap_or_default();
    }
}
