use super::messages::{Introduction, read_complement, read_reply, write_ack, write_named};
use super::{Handshake, Next, Peer, Refusal, agree};
use crate::flags::{self, Flags};
use crate::name::{NodeName, check_host};

/// The dialled side.
#[derive(Debug)]
pub(super) enum Accepting {
    /// Waits for `send_name`.
    Name { dialling: Vec<NodeName> },
    /// Waits for `send_complement`: the peer introduced itself by version 5 and speaks 6.
    Complement(Caller),
    /// Waits for `send_challenge_reply`.
    Reply(Caller),
}

/// What a peer says of itself. Nothing of it is proved yet.
#[derive(Debug)]
pub(super) struct Caller {
    name: NodeName,
    flags: Flags,
    creation: u32,
    is_named_by_us: bool,
}

impl Accepting {
    pub(super) fn new(dialling: &[NodeName]) -> Self {
        Self::Name { dialling: dialling.to_vec() }
    }
}

impl Handshake {
    pub(super) fn accepting(&mut self, state: Accepting, frame: &[u8]) -> Result<Next<Accepting>, Refusal> {
        match state {
            Accepting::Name { dialling } => self.on_name(&dialling, frame).map(Next::Wait),
            Accepting::Complement(mut caller) => {
                let (high, creation) =
                    read_complement(frame).ok_or(Refusal::Protocol("the complement is malformed"))?;
                caller.flags = caller.flags | high;
                caller.creation = creation;
                Ok(Next::Wait(Accepting::Reply(caller)))
            }
            Accepting::Reply(caller) => self.on_reply(caller, frame).map(Next::Established),
        }
    }

    fn on_name(&mut self, dialling: &[NodeName], frame: &[u8]) -> Result<Accepting, Refusal> {
        let said = Introduction::read_name(frame)?;
        // Version 5 sends the upper flags later: what is missing in the lower ones is missing for good.
        agree(&self.local, &said.name, said.flags)?;
        let caller = self.name_caller(&said)?;
        if caller.name == self.local.name {
            return Err(Refusal::WrongPeer(caller.name));
        }
        if caller.is_named_by_us {
            self.send(&write_named(caller.name.as_str(), caller.creation));
        } else if !dialling.contains(&caller.name) {
            self.send(b"sok");
        } else if self.local.name > caller.name {
            self.send(b"snok");
            return Err(Refusal::Simultaneous);
        } else {
            self.send(b"sok_simultaneous");
        }
        let speaks_six = said.flags.expanded().has(flags::HANDSHAKE_23);
        // A node without a name takes it only from one that repeats the wish.
        let named = if caller.is_named_by_us { flags::NAME_ME } else { Flags::default() };
        let challenge = Introduction {
            is_old: !speaks_six,
            flags: self.local.flags | named,
            creation: self.local.creation,
            challenge: self.random.challenge,
            name: self.local.name.as_str().to_owned(),
        };
        self.send(&challenge.write_challenge());
        Ok(if said.is_old && speaks_six { Accepting::Complement(caller) } else { Accepting::Reply(caller) })
    }

    fn name_caller(&self, said: &Introduction) -> Result<Caller, Refusal> {
        let is_named_by_us = !said.is_old && said.flags.has(flags::NAME_ME);
        let (name, creation) = if is_named_by_us {
            check_host(&said.name)?;
            let alive = format!("n{:016x}", self.random.name);
            (NodeName::parse(&format!("{alive}@{}", said.name))?, self.random.creation.max(1))
        } else {
            (NodeName::parse(&said.name)?, said.creation)
        };
        Ok(Caller { name, flags: said.flags, creation, is_named_by_us })
    }

    fn on_reply(&mut self, caller: Caller, frame: &[u8]) -> Result<Peer, Refusal> {
        let (challenge, digest) = read_reply(frame).ok_or(Refusal::Protocol("the reply is malformed"))?;
        if !self.local.cookie.proves(self.random.challenge, &digest) {
            return Err(Refusal::Cookie { peer: caller.name.as_str().to_owned() });
        }
        self.send(&write_ack(&self.local.cookie.digest(challenge)));
        Ok(Peer {
            flags: agree(&self.local, caller.name.as_str(), caller.flags)?,
            is_hidden: !caller.flags.has(flags::PUBLISHED),
            name: caller.name,
            creation: caller.creation,
            is_named_by_us: caller.is_named_by_us,
        })
    }
}
