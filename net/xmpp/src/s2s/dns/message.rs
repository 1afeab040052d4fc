//! Questions to name servers and what their answers say (RFC 1035 §4).

use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::ProtoError;
use hickory_resolver::proto::op::{Edns, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{RData, RecordType};

/// What fits into a packet that no network splits.
const PAYLOAD_BYTES: u16 = 1232;
/// How long anything is kept at most.
const KEPT_MAX: Duration = Duration::from_hours(24);
/// How long a name that isn't there is kept at most.
const ABSENT_MAX: Duration = Duration::from_mins(5);
/// Aliases that are followed.
const ALIASES_MAX: usize = 8;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    /// The data of the records, and how long they may be kept.
    Found(Arc<[RData]>, Duration),
    /// There are none; why, and how long that may be kept (RFC 2308 §5).
    Absent(&'static str, Duration),
    /// It doesn't fit: it is to be asked for by TCP.
    Truncated,
    /// The server doesn't know EDNS (RFC 6891 §7).
    Plainer,
    /// The server can't say.
    Failed(String),
}

/// A question in the form in which it is sent.
pub(super) fn question(query: &Query, id: u16, edns: bool) -> Result<Vec<u8>, ProtoError> {
    let mut message = Message::query();
    message.metadata.id = id;
    message.metadata.recursion_desired = true;
    message.add_query(query.clone());
    if edns {
        let mut extension = Edns::new();
        extension.set_max_payload(PAYLOAD_BYTES).set_version(0);
        message.set_edns(extension);
    }
    message.to_vec()
}

/// What a message says about a question. Only records of the name that was asked for count, and of its aliases.
pub(super) fn read(message: &Message, query: &Query, edns: bool) -> Reply {
    if message.metadata.truncation {
        return Reply::Truncated;
    }
    match message.metadata.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Reply::Absent("NXDOMAIN", absent_for(message)),
        ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS if edns => {
            return Reply::Plainer;
        }
        other => return Reply::Failed(other.to_string()),
    }
    let mut owner = query.name();
    let mut seconds = u32::MAX;
    for _ in 0..ALIASES_MAX {
        let mut found = Vec::new();
        let mut alias = None;
        for record in message.answers.iter().filter(|record| record.name == *owner) {
            if record.record_type() == query.query_type() {
                found.push(record.data.clone());
                seconds = seconds.min(record.ttl);
            } else if let RData::CNAME(name) = &record.data {
                alias = Some((&name.0, record.ttl));
            }
        }
        if !found.is_empty() {
            return Reply::Found(found.into(), Duration::from_secs(seconds.into()).min(KEPT_MAX));
        }
        let Some((name, ttl)) = alias else { break };
        (owner, seconds) = (name, seconds.min(ttl));
    }
    Reply::Absent("there is no such record", absent_for(message))
}

/// The smaller of the SOA record's own time and its minimum; not at all without one (RFC 2308 §5).
fn absent_for(message: &Message) -> Duration {
    let soa = message.authorities.iter().filter(|record| record.record_type() == RecordType::SOA);
    let seconds = soa.filter_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    });
    Duration::from_secs(seconds.min().unwrap_or(0).into()).min(ABSENT_MAX)
}
