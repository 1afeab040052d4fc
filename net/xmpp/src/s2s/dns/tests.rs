use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record};
use nightjar_base::Random;
use parking_lot::Mutex;
use tokio::net::UdpSocket;

use super::{Asking, DnsOptions, Family, Resolver, Target, Trace};
use crate::s2s::failure::Failure;

/// Always the same number.
struct Fixed(u64);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.to_le_bytes();
        bytes.iter_mut().zip(number).for_each(|(byte, of)| *byte = of);
    }
}

/// A name server on loopback that says what it is told, counts questions, and is silent about `silent.`.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start(records: &[(&str, RData)]) -> Self {
        let mut known: HashMap<(String, String), Vec<RData>> = HashMap::new();
        for (name, data) in records {
            known.entry((format!("{name}."), data.record_type().to_string())).or_default().push(data.clone());
        }
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                counter.fetch_add(1, Ordering::Relaxed);
                if let Some(answer) = answer(&known, &buffer[..length]) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, asked }
    }

    fn resolver(&self, timeout_ms: u64, retries: usize) -> Resolver {
        let options = DnsOptions { timeout: Duration::from_millis(timeout_ms), retries };
        let resolver = Resolver { options, asking: Mutex::new(None), path: String::new() };
        let mut connection = ConnectionConfig::udp();
        connection.port = self.address.port();
        let mut server = NameServerConfig::udp(self.address.ip());
        server.connections = vec![connection];
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let plain = resolver.build(&config, &ResolverOpts::default(), false).unwrap();
        *resolver.asking.lock() = Some(Asking {
            plain: Arc::new(plain),
            validating: None,
            changed: None,
            checked: Instant::now() + Duration::from_secs(3600),
        });
        resolver
    }
}

fn answer(known: &HashMap<(String, String), Vec<RData>>, question: &[u8]) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    let query = question.queries.first()?.clone();
    let name = query.name().to_ascii().to_ascii_lowercase();
    if name.contains("silent.") {
        return None;
    }
    let mut answer = question.into_response();
    match known.get(&(name.clone(), query.query_type().to_string())) {
        Some(data) => {
            answer.add_answers(
                data.iter().map(|data| Record::from_rdata(query.name().clone(), 60, data.clone())),
            );
        }
        None if known.keys().any(|(other, _)| *other == name) => {}
        None => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer.to_vec().ok()
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(SRV::new(priority, weight, port, Name::from_ascii(target).unwrap()))
}

async fn names(server: &Server, domain: &str, random: u64) -> Result<Vec<String>, Failure> {
    let targets =
        server.resolver(500, 0).targets(domain, 5269, &Fixed(random), &mut Trace::default()).await?;
    let show = |target: &Target| {
        format!("{}:{}{}", target.name, target.port, if target.direct_tls { " tls" } else { "" })
    };
    Ok(targets.iter().map(show).collect())
}

#[tokio::test]
async fn servers_are_tried_by_priority_and_weight_in_one_list_of_both_services() {
    let server = Server::start(&[
        ("_xmpp-server._tcp.example.org", srv(20, 0, 5269, "last.example.org.")),
        ("_xmpp-server._tcp.example.org", srv(10, 10, 5269, "light.example.org.")),
        ("_xmpp-server._tcp.example.org", srv(10, 90, 5270, "heavy.example.org.")),
        ("_xmpps-server._tcp.example.org", srv(5, 0, 5271, "tls.example.org.")),
    ])
    .await;
    let first = "tls.example.org:5271 tls";
    let (light, heavy, last) = ("light.example.org:5269", "heavy.example.org:5270", "last.example.org:5269");
    assert_eq!(names(&server, "example.org", 5).await.unwrap(), [first, light, heavy, last]);
    assert_eq!(names(&server, "example.org", 11).await.unwrap(), [first, heavy, light, last]);
}

#[tokio::test]
async fn without_srv_records_the_domain_itself_is_the_server() {
    let server = Server::start(&[("example.org", RData::A(A::new(192, 0, 2, 1)))]).await;
    assert_eq!(names(&server, "example.org", 0).await.unwrap(), ["example.org:5269"]);
    assert_eq!(names(&server, "bücher.example", 0).await.unwrap(), ["xn--bcher-kva.example:5269"]);
    assert_eq!(names(&server, "192.0.2.7", 0).await.unwrap(), ["192.0.2.7:5269"]);
    assert_eq!(names(&server, "[2001:db8::7]", 0).await.unwrap(), ["2001:db8::7:5269"]);
}

#[tokio::test]
async fn a_dot_says_that_there_is_no_server() {
    let server = Server::start(&[
        ("_xmpp-server._tcp.example.org", srv(0, 0, 0, ".")),
        ("example.org", RData::A(A::new(192, 0, 2, 1))),
    ])
    .await;
    assert!(matches!(names(&server, "example.org", 0).await, Err(Failure::NotFound(_))));
}

#[tokio::test]
async fn addresses_of_both_families_come_in_turn_and_in_the_order_asked_for() {
    let server = Server::start(&[
        ("x.example", RData::A(A::new(192, 0, 2, 1))),
        ("x.example", RData::A(A::new(192, 0, 2, 2))),
        ("x.example", RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
    ])
    .await;
    let target = Target { name: "x.example".into(), port: 1, direct_tls: false, is_domain: true };
    let rows: &[(&[Family], &[&str])] = &[
        (&[Family::V6, Family::V4], &["[2001:db8::1]:1", "192.0.2.1:1", "192.0.2.2:1"]),
        (&[Family::V4, Family::V6], &["192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.2:1"]),
        (&[Family::V4], &["192.0.2.1:1", "192.0.2.2:1"]),
        (&[Family::V6], &["[2001:db8::1]:1"]),
    ];
    for (families, wanted) in rows {
        let resolver = server.resolver(500, 0);
        let found = resolver.addresses(&target, families, &mut Trace::default()).await.unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, *wanted, "{families:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_asked_once_and_silence_ends_in_time() {
    let server = Server::start(&[]).await;
    let resolver = server.resolver(200, 1);
    let target = Target { name: "nowhere.example".into(), port: 1, direct_tls: false, is_domain: true };
    for _ in 0..5 {
        let found = resolver.addresses(&target, &[Family::V4], &mut Trace::default()).await;
        assert!(matches!(found, Err(Failure::NotFound(_))), "{found:?}");
    }
    let asked = server.asked.load(Ordering::Relaxed);
    assert!(
        asked <= 5,
        "NXDOMAIN without SOA may not be kept, but it is asked {asked} times for 5 questions"
    );

    let before = Instant::now();
    let mut trace = Trace::kept();
    let silent = resolver.targets("silent.example", 5269, &Fixed(0), &mut trace).await;
    assert!(matches!(silent, Err(Failure::NameServers(_))), "{silent:?}");
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    let steps: Vec<String> = trace.into_steps().iter().map(ToString::to_string).collect();
    assert!(steps.iter().all(|step| step.starts_with("FAIL DNS")), "{steps:?}");
}

#[tokio::test]
async fn name_servers_are_read_anew_when_their_file_changes() {
    let folder = std::env::temp_dir().join(format!("nightjar-resolv-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("resolv.conf");
    let resolver = Resolver::of_file(
        DnsOptions { timeout: Duration::from_millis(100), retries: 0 },
        path.to_str().unwrap(),
    );
    assert!(matches!(resolver.plain(), Err(Failure::NameServers(why)) if why.contains("resolv.conf")));
    std::fs::write(&path, "nameserver 127.0.0.1\n").unwrap();
    assert!(resolver.plain().is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}
