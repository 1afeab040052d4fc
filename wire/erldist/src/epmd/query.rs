use super::message::{EpmdError, Registration, Request};
use crate::term::Reader;

/// Bytes of the longest answer: thousands of names.
const ANSWER_BYTES: usize = 1 << 20;

/// What epmd answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The node is registered for as long as the connection stays open.
    Registered {
        /// What tells this life of the node from the last one; 1 to 3 from an epmd before OTP 23.
        creation: u32,
    },
    /// The name is taken, or is no name.
    Refused,
    /// Where the node is; None if there is none of that name.
    Port(Option<Registration>),
    /// The names and ports of all nodes, and the port of epmd itself.
    Names {
        /// Where epmd says that it listens.
        port: u16,
        /// Name and port of each node.
        nodes: Vec<(String, u16)>,
    },
    /// The answer to Kill (`OK`, or `NO` while there are nodes), to Stop (`STOPPED`, `NOEXIST`), or the dump.
    Text(String),
}

/// A question to epmd.
#[derive(Debug)]
pub struct Query {
    expected: Expected,
    received: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Registration,
    Port,
    Names,
    Dump,
    Text,
}

impl Query {
    /// The question, and the bytes to send.
    pub fn new(request: &Request) -> (Self, Vec<u8>) {
        let expected = match request {
            Request::Register(_) => Expected::Registration,
            Request::Port(_) => Expected::Port,
            Request::Names => Expected::Names,
            Request::Dump => Expected::Dump,
            Request::Kill | Request::Stop(_) => Expected::Text,
        };
        (Self { expected, received: Vec::new() }, request.encode())
    }

    /// Takes what epmd sent; gives the answer once it is whole. After [`Answer::Registered`] the connection stays.
    pub fn handle_input(&mut self, input: &[u8]) -> Result<Option<Answer>, EpmdError> {
        self.received.extend_from_slice(input);
        if self.received.len() > ANSWER_BYTES {
            return Err(EpmdError::TooLong);
        }
        match self.expected {
            Expected::Registration => read_registered(&self.received),
            Expected::Port => read_port(&self.received, false),
            // Their end is the end of the connection.
            Expected::Names | Expected::Dump | Expected::Text => Ok(None),
        }
    }

    /// epmd has closed the connection, which ends the longer answers.
    pub fn handle_end(&mut self) -> Result<Answer, EpmdError> {
        let received = std::mem::take(&mut self.received);
        match self.expected {
            Expected::Registration => Err(EpmdError::Closed),
            Expected::Port => read_port(&received, true)?.ok_or(EpmdError::Closed),
            Expected::Text if received.is_empty() => Err(EpmdError::Closed),
            Expected::Text => Ok(Answer::Text(text(&received))),
            Expected::Dump => Ok(Answer::Text(text(received.get(4..).ok_or(EpmdError::Closed)?))),
            Expected::Names => read_names(&received),
        }
    }
}

/// ALIVE2_X_RESP `v` with 32 bits of creation, or ALIVE2_RESP `y` with 16.
fn read_registered(received: &[u8]) -> Result<Option<Answer>, EpmdError> {
    let mut input = Reader::new(received);
    let Some(tag) = input.u8() else { return Ok(None) };
    if !matches!(tag, b'v' | b'y') {
        return Err(EpmdError::Tag(tag));
    }
    let Some(result) = input.u8() else { return Ok(None) };
    let creation = if tag == b'v' { input.u32() } else { input.u16().map(u32::from) };
    Ok(creation.map(|creation| if result == 0 { Answer::Registered { creation } } else { Answer::Refused }))
}

/// PORT2_RESP `w`.
fn read_port(received: &[u8], is_all: bool) -> Result<Option<Answer>, EpmdError> {
    let mut input = Reader::new(received);
    match (input.u8(), input.u8()) {
        (None | Some(b'w'), None) => Ok(None),
        (Some(b'w'), Some(0)) => {
            let registration = Registration::read(&mut input, is_all).transpose()?;
            Ok(registration.map(|registration| Answer::Port(Some(registration))))
        }
        (Some(b'w'), Some(_)) => Ok(Some(Answer::Port(None))),
        (Some(tag), _) => Err(EpmdError::Tag(tag)),
        (None, Some(_)) => Err(EpmdError::Malformed),
    }
}

/// NAMES_RESP: the port in four bytes, then lines `name N at port P`.
fn read_names(received: &[u8]) -> Result<Answer, EpmdError> {
    let mut input = Reader::new(received);
    let port = input.u32().ok_or(EpmdError::Closed)?;
    let port = u16::try_from(port).map_err(|_| EpmdError::Malformed)?;
    let lines = text(input.rest());
    let nodes =
        lines.lines().map(|line| read_line(line).ok_or(EpmdError::Malformed)).collect::<Result<_, _>>()?;
    Ok(Answer::Names { port, nodes })
}

fn read_line(line: &str) -> Option<(String, u16)> {
    let (name, port) = line.strip_prefix("name ")?.split_once(" at port ")?;
    Some((name.to_owned(), port.trim_end().parse().ok()?))
}

/// Text of people: epmd ends its lines of the dump with a zero.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "")
}
