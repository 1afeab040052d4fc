//! A bare echo of datagrams with the calls that a relay would use: what no relay can go below.

use anyhow::Result;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use rustix::event::{PollFd, PollFlags, poll};
use std::{
    io::{ErrorKind, IoSliceMut},
    net::{Ipv4Addr, TcpListener, UdpSocket},
};

const BUFFER: usize = 65_536;

/// Serves until the process is ended. A TCP port of the same number tells that it's ready.
pub fn run(port: u16) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    let _ready = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let state = UdpSocketState::new((&socket).into())?;
    let mut storage = vec![0; BUFFER * BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    loop {
        poll(&mut [PollFd::new(&socket, PollFlags::IN)], None)?;
        let mut slices: Vec<_> = storage.chunks_mut(BUFFER).map(IoSliceMut::new).collect();
        let count = match state.recv((&socket).into(), &mut slices, &mut metas) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            count => count?,
        };
        for (meta, bytes) in metas.iter().zip(storage.chunks(BUFFER)).take(count) {
            for contents in bytes.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                let destination = meta.addr;
                let transmit =
                    Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
                // A full buffer loses it; the client sends it again.
                let _ = state.try_send((&socket).into(), &transmit);
            }
        }
    }
}
