//! Relaying through a TURN server over UDP: packets by channel to a peer that sends each one back, and allocations.

use crate::{
    report::{Report, Window},
    target::Target,
    turn::client::{CHANNEL, Client, Login},
    turn::echo::Step,
};
use anyhow::{Result, ensure};
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, UdpSocket},
    time::{Duration, Instant},
};

/// Bytes that a peer gets; a call's video has a little more.
const PAYLOAD: usize = 1_000;
/// After so long without a packet those that are missing were lost.
const LOST: Duration = Duration::from_millis(50);
/// coturn keeps the ports of relays for a while after their end, and has no more than there are.
const ALLOCATIONS_MAX: u64 = 20_000;
/// Clients that share a peer: what they have on the way at most fits into the receive buffer that a socket has as it comes.
const CLIENTS_OF_PEER: usize = 8;
/// Packets that are read from one socket before the next is looked at.
const TURN: usize = 64;

#[derive(Debug, Clone)]
pub struct Options {
    /// Clients, each with an allocation
    pub clients: usize,
    /// Packets of each client that are on the way
    pub window: usize,
    pub warm_up: f64,
    pub seconds: f64,
    /// The server is an echo: no allocation is real, and what comes back was moved once
    pub bare: bool,
}

struct Flow<'a> {
    client: Client<'a>,
    in_flight: usize,
    heard: Instant,
}

#[derive(Default)]
struct Counts {
    relayed: u64,
    lost: u64,
}

/// A unit is a packet that the server received once and sent once.
pub fn packets(target: &Target, options: &Options) -> Result<Report> {
    let login = login(target)?;
    let peers = (0..options.clients.div_ceil(CLIENTS_OF_PEER)).map(|_| peer()).collect::<Result<Vec<_>>>()?;
    let mut flows = Vec::new();
    for (number, peer) in (0..options.clients as u64).zip(peers.iter().cycle()) {
        let client = Client::new(&login, number)?;
        if !options.bare {
            client.succeed(client.allocate(number * 2)?)?;
            client.succeed(client.bind_channel(number * 2 + 1, peer.local_addr()?.port())?)?;
        }
        client.socket.set_nonblocking(true)?;
        flows.push(Flow { client, in_flight: 0, heard: Instant::now() });
    }
    let mut counts = Counts::default();
    exchange(&mut flows, &peers, options, options.warm_up, &mut counts)?;
    ensure!(counts.relayed > 0, "nothing was relayed");
    counts = Counts::default();
    let window = Window::open(target.pid)?;
    exchange(&mut flows, &peers, options, options.seconds, &mut counts)?;
    let title = format!("{} clients, {} packets of each on the way", options.clients, options.window);
    let mut report = window.close(title, "packet", counts.relayed)?;
    report.notes.push(format!("{} packets lost", counts.lost));
    if !options.bare {
        for (number, flow) in flows.iter().enumerate() {
            flow.client.socket.set_nonblocking(false)?;
            flow.client.succeed(flow.client.end(1 << 32 | number as u64)?)?;
        }
    }
    Ok(report)
}

fn login(target: &Target) -> Result<Login> {
    Ok(Login { server: target.address()?, user: target.user(0), password: target.password.clone() })
}

fn exchange(
    flows: &mut [Flow<'_>],
    peers: &[UdpSocket],
    options: &Options,
    seconds: f64,
    counts: &mut Counts,
) -> Result<()> {
    let [number, length] = [CHANNEL, PAYLOAD as u16].map(u16::to_be_bytes);
    let packet = [number.as_slice(), &length, &[0x5a; PAYLOAD]].concat();
    let mut buffer = [0; 2048];
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    loop {
        let now = Instant::now();
        if now >= end {
            return Ok(());
        }
        for flow in &mut *flows {
            for _ in 0..TURN {
                if !is_there(flow.client.socket.recv(&mut buffer))? {
                    break;
                }
                flow.heard = now;
                flow.in_flight = flow.in_flight.saturating_sub(1);
                counts.relayed += 1;
            }
            if now.duration_since(flow.heard) > LOST {
                counts.lost += flow.in_flight as u64;
                (flow.in_flight, flow.heard) = (0, now);
            }
            while flow.in_flight < options.window {
                is_there(flow.client.socket.send(&packet))?;
                flow.in_flight += 1;
            }
        }
        for peer in peers {
            counts.relayed += send_back(peer, &mut buffer)?;
        }
    }
}

fn peer() -> Result<UdpSocket> {
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    peer.set_nonblocking(true)?;
    Ok(peer)
}

/// Sends back what a peer has got, and counts it.
fn send_back(peer: &UdpSocket, buffer: &mut [u8]) -> Result<u64> {
    for count in 0..TURN as u64 {
        match peer.recv_from(buffer) {
            Ok((length, relay)) => {
                is_there(peer.send_to(buffer.get(..length).unwrap_or_default(), relay))?;
            }
            Err(error) => {
                is_there(Err(error))?;
                return Ok(count);
            }
        }
    }
    Ok(TURN as u64)
}

/// Whether a call moved a packet.
fn is_there(result: std::io::Result<usize>) -> Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A unit is an allocation of a new client at a new address, which is challenged first, and its end.
pub fn allocations(target: &Target, options: &Options) -> Result<Report> {
    let login = login(target)?;
    let mut transaction = 0;
    let round = if options.bare { bare_round } else { round };
    round(&login, options.clients, &mut transaction)?;
    let window = Window::open(target.pid)?;
    let (started, mut units) = (Instant::now(), 0);
    while started.elapsed().as_secs_f64() < options.seconds && units < ALLOCATIONS_MAX {
        round(&login, options.clients, &mut transaction)?;
        units += options.clients as u64;
    }
    window.close(format!("allocations, {} at a time", options.clients), "allocation", units)
}

fn round(login: &Login, clients: usize, transaction: &mut u64) -> Result<()> {
    let mut next = || {
        *transaction += 1;
        *transaction
    };
    let clients = (0..clients).map(|_| Client::new(login, next())).collect::<Result<Vec<_>>>()?;
    for is_end in [false, true] {
        let ask =
            |client: &Client<'_>, number| if is_end { client.end(number) } else { client.allocate(number) };
        let asked = clients.iter().map(|client| Ok((client, ask(client, next())?)));
        let mut open = asked.collect::<Result<Vec<_>>>()?;
        // All are on their way together, those that ask again, too.
        while !open.is_empty() {
            let settled = open.into_iter().map(|(client, asked)| Ok((client, client.settle(asked)?)));
            let settled = settled.collect::<Result<Vec<_>>>()?;
            open = settled.into_iter().filter_map(|(client, again)| Some((client, again?))).collect();
        }
    }
    Ok(())
}

/// As many datagrams, sockets opened and closed, and nothing else.
fn bare_round(login: &Login, clients: usize, number: &mut u64) -> Result<()> {
    let client = |number: u64| Client::new(login, number);
    let clients = (0..clients as u64).map(|at| client(*number + at)).collect::<Result<Vec<_>>>()?;
    *number += clients.len() as u64;
    let mut buffer = [0; 256];
    for step in Step::ALL {
        let request = step.request();
        for client in &clients {
            client.socket.send(&request)?;
        }
        for client in &clients {
            client.socket.recv(&mut buffer)?;
        }
    }
    Ok(())
}
