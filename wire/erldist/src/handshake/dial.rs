use super::messages::{Introduction, read_ack, read_named, write_complement, write_reply};
use super::{Handshake, Local, Next, Peer, Refusal, agree};
use crate::flags;
use crate::name::NodeName;

/// The dialling side.
#[derive(Debug)]
pub(super) struct Dialling {
    peer: NodeName,
    is_old: bool,
    is_unnamed: bool,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Status,
    Challenge,
    Ack(Peer),
}

impl Dialling {
    /// The state and `send_name`.
    pub(super) fn start(local: &Local, peer: NodeName, is_old: bool, is_unnamed: bool) -> (Self, Vec<u8>) {
        let name = if is_unnamed { local.name.host() } else { local.name.as_str() };
        let introduction = Introduction {
            is_old,
            flags: if is_unnamed { local.flags | flags::NAME_ME } else { local.flags },
            creation: local.creation,
            challenge: 0,
            name: name.to_owned(),
        };
        (Self { peer, is_old, is_unnamed, step: Step::Status }, introduction.write_name())
    }
}

impl Handshake {
    pub(super) fn dialling(&mut self, mut state: Dialling, frame: &[u8]) -> Result<Next<Dialling>, Refusal> {
        state.step = match state.step {
            Step::Status => {
                self.on_status(state.is_unnamed, frame)?;
                Step::Challenge
            }
            Step::Challenge => Step::Ack(self.on_challenge(&state.peer, state.is_old, frame)?),
            Step::Ack(peer) => {
                let digest = read_ack(frame).ok_or(Refusal::Protocol("the acknowledgement is malformed"))?;
                if !self.local.cookie.proves(self.random.challenge, &digest) {
                    return Err(Refusal::Cookie { peer: peer.name.as_str().to_owned() });
                }
                return Ok(Next::Established(peer));
            }
        };
        Ok(Next::Wait(state))
    }

    fn on_status(&mut self, is_unnamed: bool, frame: &[u8]) -> Result<(), Refusal> {
        if is_unnamed && frame.starts_with(b"snamed:") {
            let (name, creation) =
                read_named(frame).ok_or(Refusal::Protocol("the name given is malformed"))?;
            self.local.name = NodeName::parse(&name)?;
            self.local.creation = creation;
            return Ok(());
        }
        match frame {
            b"sok" | b"sok_simultaneous" if !is_unnamed => Ok(()),
            // The peer has not seen the end of an older connection of ours.
            b"salive" if !is_unnamed => {
                self.send(b"strue");
                Ok(())
            }
            b"snok" => Err(Refusal::Simultaneous),
            [b's', status @ ..] => {
                Err(Refusal::NotAllowed(String::from_utf8_lossy(status).escape_debug().collect()))
            }
            _ => Err(Refusal::Protocol("the status is malformed")),
        }
    }

    fn on_challenge(&mut self, dialled: &NodeName, is_old: bool, frame: &[u8]) -> Result<Peer, Refusal> {
        let said = Introduction::read_challenge(frame)?;
        let name = NodeName::parse(&said.name)?;
        if name != *dialled {
            return Err(Refusal::WrongPeer(name));
        }
        // A peer with our own challenge could give our answer back as its own.
        if said.challenge == self.random.challenge {
            return Err(Refusal::Protocol("the challenge is our own"));
        }
        if is_old && !said.is_old {
            self.send(&write_complement(self.local.flags, self.local.creation));
        }
        let flags = agree(&self.local, &said.name, said.flags)?;
        let digest = self.local.cookie.digest(said.challenge);
        self.send(&write_reply(self.random.challenge, &digest));
        let is_hidden = !said.flags.has(flags::PUBLISHED);
        Ok(Peer { name, flags, creation: said.creation, is_hidden, is_named_by_us: false })
    }
}
