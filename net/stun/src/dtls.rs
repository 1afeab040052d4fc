//! DTLS on a worker's UDP socket (RFC 7350): datagrams in, datagrams and what was in them out. Nothing is kept of an
//! address that hasn't shown that it gets what is sent to it.

mod association;
mod crypto;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nightjar_net_listen::Certificates;
use nightjar_stun::dtls_hello::{Cookies, Hello};
use nightjar_stun::server::Client;

use association::{Association, Happened};

/// Associations that one worker keeps.
const ASSOCIATIONS_MAX: usize = 8_192;
/// Those of them whose handshake isn't done.
const HANDSHAKES_MAX: usize = 1_024;
/// Associations of one address (an IPv6 /64 is one).
const OF_ADDRESS_MAX: usize = 256;
/// Milliseconds that a client without an allocation may say nothing.
const SILENCE_MS: u64 = 60_000;

/// What is to be done with what came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// This datagram goes to a client.
    Datagram(Client, Vec<u8>),
    /// A client has said this.
    Said(Client, Vec<u8>),
    /// A client has gone.
    Gone(Client),
}

/// The associations of one worker.
pub(crate) struct Dtls {
    cookies: Cookies,
    certificates: Arc<Certificates>,
    config: Arc<dimpl::Config>,
    /// When the clock of milliseconds began.
    begun: Instant,
    associations: HashMap<Client, Association>,
    handshakes: usize,
    of_addresses: HashMap<IpAddr, usize>,
    /// When to look at an association again.
    due: BTreeMap<(u64, u64), Client>,
    next_number: u64,
    outputs: VecDeque<Output>,
}

impl Dtls {
    /// # Errors
    /// If the cryptography doesn't do what it should.
    pub(crate) fn new(
        secret: [u8; 32],
        certificates: Arc<Certificates>,
        now: u64,
    ) -> Result<Self, dimpl::Error> {
        let begun = Instant::now();
        Ok(Self {
            cookies: Cookies::new(secret),
            certificates,
            config: Arc::new(crypto::config()?),
            begun: begun.checked_sub(Duration::from_millis(now)).unwrap_or(begun),
            associations: HashMap::new(),
            handshakes: 0,
            of_addresses: HashMap::new(),
            due: BTreeMap::new(),
            next_number: 0,
            outputs: VecDeque::new(),
        })
    }

    /// A datagram of a client.
    pub(crate) fn handle_datagram(&mut self, now: u64, client: &Client, datagram: &[u8]) {
        let hello = Hello::parse(datagram);
        let known = self.associations.get(client).map(Association::random);
        match hello {
            Some(hello) if hello.is_outdated() => {
                self.outputs.push_back(Output::Datagram(*client, hello.alert()));
            }
            // The same handshake's hello once more, or any other record.
            Some(hello) if known == Some(hello.random()) => self.feed(now, client, Some(datagram)),
            None if known.is_some() => self.feed(now, client, Some(datagram)),
            None => {}
            Some(hello) if self.cookies.is_good(now, client.remote, &hello) => {
                // A client that has begun anew from the same port (RFC 6347 §4.2.8).
                self.forget(client);
                self.open(now, client, datagram, &hello);
            }
            Some(hello) => {
                let answer = hello.verify_request(&self.cookies.make(now, client.remote, &hello));
                if answer.len() <= datagram.len() {
                    self.outputs.push_back(Output::Datagram(*client, answer));
                }
            }
        }
    }

    /// Sends to a client what is said inside; one whose handshake isn't done gets nothing.
    pub(crate) fn send(&mut self, now: u64, client: &Client, parts: &[&[u8]]) {
        let Some(association) = self.associations.get_mut(client) else { return };
        if association.say(&parts.concat()) {
            self.feed(now, client, None);
        } else {
            self.forget(client);
        }
    }

    /// When [`Dtls::handle_timeout`] is to be called.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        self.due.first_key_value().map(|((when, _), _)| *when)
    }

    /// Sends again what was lost, and ends what is silent and has nothing here.
    pub(crate) fn handle_timeout(&mut self, now: u64, has_allocation: impl Fn(&Client) -> bool) {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let client = entry.remove();
            let Some(association) = self.associations.get_mut(&client) else { continue };
            let is_silent = now.saturating_sub(association.heard) >= SILENCE_MS;
            if is_silent && has_allocation(&client) {
                association.heard = now;
            } else if is_silent {
                self.close(now, &client);
                continue;
            }
            self.feed(now, &client, None);
        }
    }

    /// What is to be done.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Tells all clients that this is the end.
    pub(crate) fn close_all(&mut self, now: u64) {
        let clients: Vec<Client> = self.associations.keys().copied().collect();
        clients.iter().for_each(|client| self.close(now, client));
    }

    fn close(&mut self, now: u64, client: &Client) {
        if let Some(association) = self.associations.get_mut(client)
            && association.close()
        {
            self.feed(now, client, None);
        }
        self.forget(client);
    }

    fn open(&mut self, now: u64, client: &Client, datagram: &[u8], hello: &Hello<'_>) {
        let of_address = self.of_addresses.get(&network(client.remote.ip())).copied().unwrap_or_default();
        if self.associations.len() >= ASSOCIATIONS_MAX
            || self.handshakes >= HANDSHAKES_MAX
            || of_address >= OF_ADDRESS_MAX
        {
            return;
        }
        let Some((certificate, private_key)) = self.certificates.for_datagrams() else {
            tracing::warn!("DTLS needs a certificate with a key for ECDSA, and there is none");
            return;
        };
        let certificate = dimpl::DtlsCertificate { certificate, private_key };
        let instant = self.begun + Duration::from_millis(now);
        self.next_number += 1;
        let opened =
            Association::open(Arc::clone(&self.config), certificate, hello, instant, now, self.next_number);
        let Some(association) = opened else { return };
        self.handshakes += 1;
        *self.of_addresses.entry(network(client.remote.ip())).or_default() += 1;
        self.associations.insert(*client, association);
        let cookie = hello.cookie().unwrap_or_default();
        crypto::with_cookie(cookie, || self.feed(now, client, Some(datagram)));
    }

    /// Gives an association what came, if anything did, and takes what it has to say.
    fn feed(&mut self, now: u64, client: &Client, datagram: Option<&[u8]>) {
        let Some(association) = self.associations.get_mut(client) else { return };
        let instant = self.begun + Duration::from_millis(now);
        let was_connected = association.is_connected;
        let (mut is_over, mut wake) = (false, None);
        let outputs = &mut self.outputs;
        let worked = association.step(instant, datagram, |happened| match happened {
            Happened::Datagram(bytes) => outputs.push_back(Output::Datagram(*client, bytes)),
            Happened::Said(bytes) => outputs.push_back(Output::Said(*client, bytes)),
            Happened::Closed => is_over = true,
            Happened::Wake(when) => wake = Some(when),
        });
        if association.is_connected && !was_connected {
            self.handshakes = self.handshakes.saturating_sub(1);
        }
        if association.has_heard {
            association.has_heard = false;
            association.heard = now;
        }
        if !worked || is_over {
            return self.forget(client);
        }
        let wake = wake.map_or(u64::MAX, |when| {
            let after = when.saturating_duration_since(self.begun).as_millis();
            u64::try_from(after).unwrap_or(u64::MAX).max(now + 1)
        });
        // A timer that is early does no harm.
        let wake = wake.min(now + SILENCE_MS);
        let number = association.number;
        if wake < association.due || association.due <= now {
            self.due.remove(&(association.due, number));
            association.due = wake;
            self.due.insert((wake, number), *client);
        }
    }

    fn forget(&mut self, client: &Client) {
        let Some(association) = self.associations.remove(client) else { return };
        self.due.remove(&(association.due, association.number));
        if !association.is_connected {
            self.handshakes = self.handshakes.saturating_sub(1);
        }
        let address = network(client.remote.ip());
        if let Some(count) = self.of_addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of_addresses.remove(&address);
            }
        }
        self.outputs.push_back(Output::Gone(*client));
    }
}

/// An IPv6 site has very many addresses: its /64 counts as one.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests;
