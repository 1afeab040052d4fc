use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, SRV};
use hickory_resolver::proto::rr::{Name, Record};

use super::*;

/// A name server that knows `good.example`, fails for `broken.example`, is silent about `silent.example`, and says
/// of everything else that it doesn't exist. Its thread ends with the process.
fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&Message::from_vec(&buffer[..length]).unwrap()) {
                socket.send_to(&answer.to_vec().unwrap(), from).unwrap();
            }
        }
    });
    address
}

fn answer(question: &Message) -> Option<Message> {
    let query = question.queries[0].clone();
    let (name, kind) = (query.name().to_ascii(), query.query_type());
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.add_query(query.clone());
    let data = match (name.as_str(), kind) {
        ("silent.example.", _) => return None,
        ("_xmpp-client._tcp.good.example.", RecordType::SRV) => {
            RData::SRV(SRV::new(5, 0, 5222, Name::from_ascii("XMPP.good.example.").unwrap()))
        }
        ("_none._tcp.good.example.", RecordType::SRV) => RData::SRV(SRV::new(0, 0, 0, Name::root())),
        ("good.example.", RecordType::A) => RData::A(A::new(192, 0, 2, 7)),
        ("good.example.", _) => return Some(answer),
        ("broken.example.", _) => {
            answer.metadata.response_code = ResponseCode::ServFail;
            return Some(answer);
        }
        _ => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            return Some(answer);
        }
    };
    answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
    Some(answer)
}

fn resolver() -> Hickory {
    let server = name_server();
    let builder = || {
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let mut name_server = NameServerConfig::udp(server.ip());
        name_server.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
        Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
    };
    Hickory::with(builder, Duration::from_millis(200)).unwrap()
}

#[test]
fn records_are_read() {
    let resolver = resolver();
    let srv = |name: &str| resolver.srv(name).unwrap().records;
    let expected = Srv { target: "xmpp.good.example".to_owned(), port: 5222 };
    assert_eq!(srv("_xmpp-client._tcp.good.example"), [expected]);
    assert_eq!(srv("_none._tcp.good.example"), [Srv { target: String::new(), port: 0 }]);
    assert_eq!(resolver.addresses("good.example").unwrap().records, [IpAddr::from([192, 0, 2, 7])]);
}

#[test]
fn no_record_is_told_from_no_answer() {
    let resolver = resolver();
    assert_eq!(resolver.srv("_xmpp-server._tcp.good.example").unwrap().records, []);
    assert_eq!(resolver.addresses("nowhere.example").unwrap().records, Vec::<IpAddr>::new());
    for name in ["broken.example", "silent.example"] {
        assert!(resolver.addresses(name).is_err(), "{name}");
    }
}
