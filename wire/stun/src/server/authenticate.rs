//! Who sent a request (RFC 8489 §9.2.4).

use super::{Client, Output, Proof, Server, Ticket, Username, WAITING_MAX, Who};
use crate::attribute::{ErrorCode, kind};
use crate::credential::{ALGORITHMS, Algorithm, Integrity, Key};
use crate::message::Message;
use crate::nonce::Judgement;
use crate::server::settings::Authentication;

/// A request whose sender's key is being looked up.
pub(super) struct Waiting {
    pub(super) client: Client,
    packet: Vec<u8>,
}

/// Bytes of a request that may wait.
const REQUEST_MAX: usize = 2_048;
/// RFC 8489 §14.3
const USERNAME_MAX: usize = 508;

impl Server {
    /// A TURN request.
    pub(super) fn request(&mut self, now: u64, client: &Client, message: &Message<'_>, packet: &[u8]) {
        let who = self.stranger(client, message, packet.len());
        if self.settings.authentication == Authentication::Anonymous {
            let proof = Proof { user: String::new(), key: None, integrity: Integrity::Sha1 };
            return self.known(now, Who { proof: Some(proof), ..who }, message);
        }
        match self.claim(now, client, message) {
            Err(Objection::Challenge(error)) => self.challenge(now, &who, message, error),
            Err(Objection::Error(error)) => self.refuse(now, &who, message, error),
            Ok((username, algorithm)) => self.prove(now, who, message, packet, username, algorithm),
        }
    }

    /// What a request says about its sender, before any key is known.
    fn claim(
        &self,
        now: u64,
        client: &Client,
        message: &Message<'_>,
    ) -> Result<(Username, Algorithm), Objection> {
        if !message.has_integrity() {
            return Err(Objection::Challenge(ErrorCode::UNAUTHENTICATED));
        }
        let bad = Objection::Error(ErrorCode::BAD_REQUEST);
        let (Some(realm), Some(nonce)) = (message.get(kind::REALM), message.get(kind::NONCE)) else {
            return Err(bad);
        };
        let username = username(message).ok_or(bad)?;
        let Judgement::Fresh(offered) = self.settings.nonces.judge(nonce, client.remote.ip(), now / 1000)
        else {
            return Err(Objection::Challenge(ErrorCode::STALE_NONCE));
        };
        // Who isn't offered to hide its name and does is nobody known here (RFC 8489 §9.2.4).
        if matches!(username, Username::Hash(_)) && !offered.username_anonymity {
            return Err(Objection::Challenge(ErrorCode::UNAUTHENTICATED));
        }
        let algorithm = algorithm(message).ok_or(Objection::Error(ErrorCode::BAD_REQUEST))?;
        if realm != self.settings.realm.as_bytes() {
            return Err(Objection::Challenge(ErrorCode::UNAUTHENTICATED));
        }
        Ok((username, algorithm))
    }

    fn prove(
        &mut self,
        now: u64,
        who: Who,
        message: &Message<'_>,
        packet: &[u8],
        username: Username,
        algorithm: Algorithm,
    ) {
        let own = self.by_client.get(&who.client).and_then(|id| self.get(*id));
        let known = own.and_then(|own| {
            own.key_for(algorithm).map(|key| (own.is_of(&username), key.clone(), own.user.clone()))
        });
        match known {
            // An allocation is its maker's (RFC 8656 §5).
            Some((false, ..)) => self.refuse(now, &who, message, ErrorCode::WRONG_CREDENTIALS),
            Some((true, key, user)) => self.judge(now, who, message, user, key),
            None if self.waiting.len() < WAITING_MAX && packet.len() <= REQUEST_MAX => {
                let ticket = self.ticket();
                let waiting = Waiting { client: who.client, packet: packet.to_vec() };
                self.waiting.insert(ticket, waiting);
                self.outputs.push_back(Output::Authenticate { ticket: Ticket(ticket), username, algorithm });
            }
            // The client will ask again.
            None => self.counters.answers_withheld += 1,
        }
    }

    /// The answer to [`Output::Authenticate`]: the account's name and key, if there is such an account.
    pub fn authenticated(&mut self, now: u64, ticket: Ticket, account: Option<(String, Key)>) {
        let Some(waiting) = self.waiting.remove(&ticket.0) else { return };
        let Ok(message) = Message::parse(&waiting.packet) else { return };
        let who = self.stranger(&waiting.client, &message, waiting.packet.len());
        match account {
            Some((user, key)) => self.judge(now, who, &message, user, key),
            None => self.reject(now, &who, &message),
        }
    }

    /// A key that may be out of date, while [`Output::Authenticate`] waits for its answer: true if it is the sender's,
    /// and the request is answered.
    pub fn try_key(&mut self, now: u64, ticket: Ticket, user: String, key: Key) -> bool {
        let Some(waiting) = self.waiting.get(&ticket.0) else { return false };
        if !Message::parse(&waiting.packet).is_ok_and(|message| message.verify(&key)) {
            return false;
        }
        self.authenticated(now, ticket, Some((user, key)));
        true
    }

    fn judge(&mut self, now: u64, who: Who, message: &Message<'_>, user: String, key: Key) {
        if !message.verify(&key) {
            return self.reject(now, &who, message);
        }
        let integrity = if message.has_integrity_sha256() { Integrity::Sha256 } else { Integrity::Sha1 };
        let proof = Proof { user, key: Some(key), integrity };
        self.known(now, Who { proof: Some(proof), ..who }, message);
    }

    /// An unknown account and a wrong key look the same. A hidden name may be one that can't be found by its hash, so it
    /// is asked for as it is: by a nonce that offers no hiding, which clients take from 438 and try again.
    fn reject(&mut self, now: u64, who: &Who, message: &Message<'_>) {
        self.counters.authentication_failures += 1;
        if message.get(kind::USERHASH).is_some() {
            return self.ask_openly(now, who, message);
        }
        self.challenge(now, who, message, ErrorCode::UNAUTHENTICATED);
    }
}

enum Objection {
    Challenge(ErrorCode),
    Error(ErrorCode),
}

fn username(message: &Message<'_>) -> Option<Username> {
    match (message.get(kind::USERNAME), message.get(kind::USERHASH)) {
        (Some(name), None) if name.len() <= USERNAME_MAX => {
            std::str::from_utf8(name).ok().map(|name| Username::Plain(name.to_owned()))
        }
        (None, Some(hash)) => hash.try_into().ok().map(Username::Hash),
        _ => None,
    }
}

/// The algorithm that a client chose. One that chooses shows the whole list it was offered, so that nobody between could
/// take the better ones away (RFC 8489 §9.2.4).
fn algorithm(message: &Message<'_>) -> Option<Algorithm> {
    match (message.get(kind::PASSWORD_ALGORITHMS), message.get(kind::PASSWORD_ALGORITHM)) {
        (None, None) => Some(Algorithm::Md5),
        (Some(offered), Some(chosen)) if offered == ALGORITHMS => {
            [Algorithm::Md5, Algorithm::Sha256].into_iter().find(|known| {
                let [high, low] = known.number().to_be_bytes();
                chosen == [high, low, 0, 0]
            })
        }
        _ => None,
    }
}
