//! One client's association.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, Output};
use nightjar_stun::dtls_hello::{Hello, renumber};

use super::crypto;

/// Bytes of a record at most, with what encryption adds (RFC 6347 §4.1).
const RECORD_MAX: usize = 1 << 14;
/// Room for what the library has to say; it asks for more when it needs more.
const ROOM: usize = 2_048;

/// What a step has brought.
pub(super) enum Happened {
    /// To be sent.
    Datagram(Vec<u8>),
    /// What the client has said.
    Said(Vec<u8>),
    /// The client has ended it.
    Closed,
    /// When to look again.
    Wake(Instant),
}

/// One client's association.
pub(super) struct Association {
    dtls: Dtls,
    random: [u8; 32],
    /// Added to the numbers of records that aren't encrypted.
    ahead: u64,
    pub(super) is_connected: bool,
    /// Whether the last step brought something that only the client can have said.
    pub(super) has_heard: bool,
    /// When the client was last heard of, in milliseconds.
    pub(super) heard: u64,
    /// When it is looked at again.
    pub(super) due: u64,
    pub(super) number: u64,
}

impl Association {
    /// For a client whose hello has a good cookie. `None` if that can't be.
    pub(super) fn open(
        config: Arc<Config>,
        certificate: DtlsCertificate,
        hello: &Hello<'_>,
        instant: Instant,
        now: u64,
        number: u64,
    ) -> Option<Self> {
        let ahead = hello.sequence().checked_sub(1)?;
        let (cookie, first) = (hello.cookie()?, hello.before());
        if hello.message() != 1 {
            return None;
        }
        let dtls = caught(|| Dtls::new_12(config, certificate, instant))?;
        let mut association = Self {
            dtls,
            random: hello.random(),
            ahead,
            is_connected: false,
            has_heard: false,
            heard: now,
            due: u64::MAX,
            number,
        };
        // The library has to see the hello that came without a cookie, too; its answer was ours, long ago.
        let has_worked = crypto::with_cookie(cookie, || association.step(instant, Some(&first), |_| {}));
        has_worked.then_some(association)
    }

    /// What tells its handshake from others.
    pub(super) fn random(&self) -> [u8; 32] {
        self.random
    }

    /// False if it's broken.
    pub(super) fn say(&mut self, bytes: &[u8]) -> bool {
        if !self.is_connected || bytes.len() > RECORD_MAX {
            return true;
        }
        caught(|| self.dtls.send_application_data(bytes).is_ok()) == Some(true)
    }

    /// False if there is nobody to be told.
    pub(super) fn close(&mut self) -> bool {
        self.is_connected && caught(|| self.dtls.close().is_ok()) == Some(true)
    }

    /// Gives it what came and the time. False if it is over.
    pub(super) fn step(
        &mut self,
        instant: Instant,
        datagram: Option<&[u8]>,
        mut tell: impl FnMut(Happened),
    ) -> bool {
        let worked = caught(|| {
            if self.dtls.handle_timeout(instant).is_err() {
                return false;
            }
            let is_good = datagram.is_none_or(|datagram| self.dtls.handle_packet(datagram).is_ok());
            self.take(&mut tell);
            is_good
        });
        worked == Some(true)
    }

    fn take(&mut self, tell: &mut impl FnMut(Happened)) {
        let mut room = vec![0; ROOM];
        loop {
            let needed = match self.dtls.poll_output(&mut room) {
                Output::Packet(bytes) => {
                    let mut bytes = bytes.to_vec();
                    renumber(&mut bytes, self.ahead);
                    tell(Happened::Datagram(bytes));
                    continue;
                }
                Output::ApplicationData(bytes) => {
                    self.has_heard = true;
                    tell(Happened::Said(bytes.to_vec()));
                    continue;
                }
                Output::Connected => {
                    self.is_connected = true;
                    continue;
                }
                Output::CloseNotify => {
                    tell(Happened::Closed);
                    continue;
                }
                Output::Timeout(when) => return tell(Happened::Wake(when)),
                Output::BufferTooSmall { needed } => needed,
                _ => continue,
            };
            if needed > RECORD_MAX * 2 || needed <= room.len() {
                return tell(Happened::Closed);
            }
            room.resize(needed, 0);
        }
    }
}

/// A mistake of the library's ends one association, never the worker.
fn caught<T>(act: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok()
}
