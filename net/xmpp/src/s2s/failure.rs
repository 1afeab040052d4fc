//! Why stanzas don't get to another server.

use nightjar_text::Text;
use nightjar_xmpp::StanzaError;
use nightjar_xmpp::s2s::{End, Verdict};

/// The step that failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The domain is not in the DNS, or offers no such service.
    #[error("no server is known for the domain: {0}")]
    NotFound(String),
    /// The DNS doesn't answer.
    #[error("the DNS gives no answer: {0}")]
    NameServers(String),
    /// No address of the domain takes connections.
    #[error("no connection: {0}")]
    Connect(String),
    /// TLS failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The certificate doesn't prove the domain, and dialback may not.
    #[error("the certificate doesn't prove the domain: {0}")]
    Certificate(String),
    /// The stream ended before stanzas could be sent.
    #[error("the stream ended: {0}")]
    Stream(String),
    /// There is no way to authenticate that both servers take.
    #[error("no way to authenticate: {0}")]
    NoWay(&'static str),
    /// The other server doesn't believe who we are.
    #[error("the other server doesn't believe who we are: {0}")]
    Refused(String),
    /// The access rule forbids it.
    #[error("s2s_access forbids it")]
    Denied,
    /// The command `stop_s2s_connections`, or the server's end.
    #[error("the connection was stopped")]
    Stopped,
    /// More stanzas wait than may.
    #[error("too many stanzas wait")]
    QueueFull,
}

impl Failure {
    /// What the senders of waiting stanzas are told.
    pub fn error(&self) -> StanzaError {
        let error = match self {
            Failure::NotFound(_) => StanzaError::remote_server_not_found(),
            Failure::QueueFull => StanzaError::resource_constraint(),
            Failure::Denied => StanzaError::forbidden(),
            _ => StanzaError::remote_server_timeout(),
        };
        error.with_text(Text::from(self.to_string()))
    }

    /// One word for figures.
    pub fn word(&self) -> &'static str {
        match self {
            Failure::NotFound(_) => "not-found",
            Failure::NameServers(_) => "dns",
            Failure::Connect(_) => "connect",
            Failure::Tls(_) => "tls",
            Failure::Certificate(_) => "certificate",
            Failure::Stream(_) => "stream",
            Failure::NoWay(_) => "no-way",
            Failure::Refused(_) => "refused",
            Failure::Denied => "denied",
            Failure::Stopped => "stopped",
            Failure::QueueFull => "queue-full",
        }
    }

    /// The end of a stream before it was of use.
    pub fn of_end(end: &End) -> Self {
        match end {
            End::PeerError(error) => {
                Failure::Stream(format!("the other server said {}", error.condition.as_str()))
            }
            End::Error(error) => Failure::Stream(format!("it was ended with {}", error.condition.as_str())),
            End::Closed => Failure::Stream("the other server closed it".to_owned()),
            End::TlsMissing => Failure::Tls("the other server doesn't offer it".to_owned()),
            End::TlsDemanded => Failure::Tls("the other server demands it".to_owned()),
            End::TlsRefused => Failure::Tls("the other server refused it".to_owned()),
            End::TlsTimeout => Failure::Tls("the handshake took too long".to_owned()),
            End::EarlyData => Failure::Tls("there were bytes in the clear before it".to_owned()),
            End::DialbackInvalid => Failure::Refused("the dialback key was not valid".to_owned()),
            other => Failure::Stream(format!("{other:?}")),
        }
    }

    /// A pair that the other server doesn't take.
    pub fn of_verdict(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Valid => Failure::Stream("ended".to_owned()),
            Verdict::Invalid => Failure::Refused("the dialback key is not valid".to_owned()),
            Verdict::Error(error) => Failure::Refused(error.condition.as_str().to_owned()),
        }
    }
}
