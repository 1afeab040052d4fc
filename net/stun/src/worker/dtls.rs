//! Clients that speak DTLS: what they say goes the way of datagrams, and the same way back.

use nightjar_stun::server::{Client, FromClient};

use super::{Handle, Worker};
use crate::dtls::Output;

impl Worker {
    /// Does what DTLS wants: it sends datagrams, and the machine hears what was in others.
    pub(super) fn do_dtls(&mut self, now: u64, handle: &Handle) {
        while let Some(output) = self.next_of_dtls() {
            match output {
                Output::Datagram(client, bytes) => self.send_parts(&client, &[&bytes]),
                Output::Gone(client) => self.machine.handle_closed(&client),
                Output::Said(client, bytes) => {
                    let relay = self.machine.handle_input(now, &client, &bytes);
                    if let FromClient::Relay { allocation, peer, data, dont_fragment } = relay {
                        let bytes = bytes.get(data).unwrap_or_default();
                        self.relay_now(allocation.index, peer, bytes, dont_fragment);
                    }
                }
            }
            self.do_outputs(now, handle);
        }
    }

    pub(super) fn dtls_timeout(&mut self, now: u64, handle: &Handle) {
        let machine = &self.machine;
        let Some(dtls) = &mut self.dtls else { return };
        dtls.handle_timeout(now, |client| machine.has_allocation(client));
        self.do_dtls(now, handle);
    }

    /// A message made of parts to a client, inside DTLS; it leaves with the others of this wake.
    pub(super) fn send_inside(&mut self, client: &Client, parts: &[&[u8]]) {
        let now = self.now();
        if let Some(dtls) = &mut self.dtls {
            dtls.send(now, client, parts);
        }
    }

    /// The end: what waits is sent, and clients are told as far as there are means to.
    pub(super) fn end(&mut self, now: u64) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close_all(now);
        }
        while let Some(output) = self.next_of_dtls() {
            if let Output::Datagram(client, bytes) = output {
                self.send_parts(&client, &[&bytes]);
            }
        }
        self.flush_to_clients();
    }

    fn next_of_dtls(&mut self) -> Option<Output> {
        self.dtls.as_mut()?.poll_output()
    }
}
