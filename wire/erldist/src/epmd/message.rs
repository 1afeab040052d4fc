use super::{EXTRA_BYTES, HIGHEST_VERSION, LOWEST_VERSION, REQUEST_BYTES};
use crate::name::{NameError, check_alive};
use crate::term::Reader;

/// Whether a node is seen by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An ordinary node.
    Visible,
    /// A node that is reached and not listed.
    Hidden,
}

impl NodeKind {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'M' => Some(Self::Visible),
            b'H' => Some(Self::Hidden),
            _ => None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Visible => b'M',
            Self::Hidden => b'H',
        }
    }
}

/// A node as epmd knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its name without host.
    pub name: String,
    /// Where it listens.
    pub port: u16,
    /// Whether it is seen by others.
    pub kind: NodeKind,
    /// 0: TCP over IPv4.
    pub protocol: u8,
    /// The highest version of the handshake that it speaks.
    pub highest: u16,
    /// The lowest.
    pub lowest: u16,
    /// Whatever it wants others to know.
    pub extra: Vec<u8>,
}

impl Registration {
    /// A node that speaks versions 5 and 6 of the handshake.
    pub fn new(name: &str, port: u16, kind: NodeKind) -> Self {
        Self {
            name: name.to_owned(),
            port,
            kind,
            protocol: 0,
            highest: HIGHEST_VERSION,
            lowest: LOWEST_VERSION,
            extra: Vec::new(),
        }
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.port.to_be_bytes());
        bytes.extend([self.kind.byte(), self.protocol]);
        bytes.extend(self.highest.to_be_bytes());
        bytes.extend(self.lowest.to_be_bytes());
        put_text(bytes, self.name.as_bytes());
        put_text(bytes, &self.extra);
    }

    /// None where the bytes end before the registration does. Other runtimes leave the extra away altogether, which
    /// can only be told when no more bytes come: `is_all`.
    pub(super) fn read(input: &mut Reader<'_>, is_all: bool) -> Option<Result<Self, EpmdError>> {
        let port = input.u16()?;
        let kind = input.u8()?;
        let protocol = input.u8()?;
        let (highest, lowest) = (input.u16()?, input.u16()?);
        let length = usize::from(input.u16()?);
        let name = input.take(length)?;
        let extra = match input.u16() {
            Some(length) => input.take(usize::from(length))?,
            None if is_all => &[],
            None => return None,
        };
        Some(Self::check(kind, name, extra).map(|(kind, name)| Self {
            name,
            port,
            kind,
            protocol,
            highest,
            lowest,
            extra: extra.to_vec(),
        }))
    }

    fn check(kind: u8, name: &[u8], extra: &[u8]) -> Result<(NodeKind, String), EpmdError> {
        if extra.len() > EXTRA_BYTES {
            return Err(EpmdError::Malformed);
        }
        Ok((NodeKind::from_byte(kind).ok_or(EpmdError::Malformed)?, read_name(name)?))
    }
}

/// What epmd is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// ALIVE2_REQ: register a node for as long as the connection lives. Only from the same host.
    Register(Registration),
    /// PORT_PLEASE2_REQ: where is the node of this name (without host)?
    Port(String),
    /// NAMES_REQ: which nodes are there?
    Names,
    /// DUMP_REQ: the same for people. Only from the same host.
    Dump,
    /// KILL_REQ: end. Only from the same host.
    Kill,
    /// STOP_REQ: take the node of this name off the list. Only from the same host.
    Stop(String),
}

/// Why bytes are not what epmd says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpmdError {
    /// Longer than [`REQUEST_BYTES`].
    #[error("the request is too long")]
    TooLong,
    /// An unknown request or answer.
    #[error("the tag {0} is unknown")]
    Tag(u8),
    /// Of the wrong length or with values that do not exist.
    #[error("the message is malformed")]
    Malformed,
    /// A name that cannot be one.
    #[error("{0}")]
    Name(#[from] NameError),
    /// The answer ended too early.
    #[error("epmd closed the connection")]
    Closed,
}

impl Request {
    /// The request with its two bytes of length.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = vec![self.tag()];
        match self {
            Self::Register(registration) => registration.put(&mut body),
            Self::Port(name) | Self::Stop(name) => body.extend(name.as_bytes()),
            Self::Names | Self::Dump | Self::Kill => {}
        }
        let mut bytes = Vec::with_capacity(body.len() + 2);
        put_text(&mut bytes, &body);
        bytes
    }

    fn tag(&self) -> u8 {
        match self {
            Self::Register(_) => b'x',
            Self::Port(_) => b'z',
            Self::Names => b'n',
            Self::Dump => b'd',
            Self::Kill => b'k',
            Self::Stop(_) => b's',
        }
    }

    /// Reads a request without its length.
    pub fn decode(body: &[u8]) -> Result<Self, EpmdError> {
        let (tag, rest) = body.split_first().ok_or(EpmdError::Malformed)?;
        let alone = |request| if rest.is_empty() { Ok(request) } else { Err(EpmdError::Malformed) };
        match *tag {
            b'x' => {
                let mut input = Reader::new(rest);
                Registration::read(&mut input, true).ok_or(EpmdError::Malformed)?.map(Self::Register)
            }
            b'z' => read_name(rest).map(Self::Port),
            b'n' => alone(Self::Names),
            b'd' => alone(Self::Dump),
            b'k' => alone(Self::Kill),
            b's' => read_name(rest).map(Self::Stop),
            tag => Err(EpmdError::Tag(tag)),
        }
    }

    /// Takes a request off the front of what came, if it is whole.
    pub(super) fn take(received: &[u8]) -> Result<Option<Self>, EpmdError> {
        let Some((length, rest)) = received.split_first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > REQUEST_BYTES {
            return Err(EpmdError::TooLong);
        }
        rest.get(..length).map(Self::decode).transpose()
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(text);
}

fn read_name(name: &[u8]) -> Result<String, EpmdError> {
    let name = std::str::from_utf8(name).map_err(|_| EpmdError::Malformed)?;
    check_alive(name)?;
    Ok(name.to_owned())
}
