use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, SOA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record};
use nightjar_base::Random;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::questions::{Counts, Questions};
use super::{DnsOptions, FILES_CHECKED_EVERY, Family, Known, Resolver, Target, Trace};
use crate::s2s::failure::Failure;

/// Always the same number.
struct Fixed(u64);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.to_le_bytes();
        bytes.iter_mut().zip(number).for_each(|(byte, of)| *byte = of);
    }
}

type Records = HashMap<(String, String), Vec<RData>>;

/// A name server on loopback that says what it is told and counts questions. It is silent about `silent.`, fails about
/// `broken.`, does not get the first packet about `dropped.`, lets the absence of `kept.` be kept, and has `large.` asked for by TCP.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start(records: &[(&str, RData)]) -> Self {
        let mut known = Records::new();
        for (name, data) in records {
            known.entry((format!("{name}."), data.record_type().to_string())).or_default().push(data.clone());
        }
        let (socket, listener) = same_port().await;
        let (address, asked) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(answer_by_tcp(listener, known.clone()));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            let mut seen = HashSet::new();
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                counter.fetch_add(1, Ordering::Relaxed);
                let is_first = seen.insert(buffer[..length].to_vec());
                if is_first && buffer[..length].windows(7).any(|part| part == b"dropped") {
                    continue;
                }
                if let Some(answer) = answer(&known, &buffer[..length], false) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, asked }
    }

    fn resolver(&self, timeout_ms: u64, retries: usize) -> Resolver {
        resolver(&[self.address], timeout_ms, retries)
    }
}

/// A port that is free for UDP and TCP: one that is free for one of them may be taken for the other.
async fn same_port() -> (UdpSocket, TcpListener) {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        match TcpListener::bind(socket.local_addr().unwrap()).await {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            listener => return (socket, listener.unwrap()),
        }
    }
}

fn resolver(servers: &[SocketAddr], timeout_ms: u64, retries: usize) -> Resolver {
    let options = DnsOptions { timeout: Duration::from_millis(timeout_ms), retries, anchors: None };
    let resolver = Resolver::of_files(options.clone(), "", "");
    *resolver.known.lock() = Some(Known {
        questions: Arc::new(Questions::new(servers, options)),
        hosts: Arc::default(),
        validator: None,
        changed: [None; 3],
        checked: Instant::now() + Duration::from_secs(3600),
    });
    resolver
}

async fn answer_by_tcp(listener: TcpListener, known: Records) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut question).await.unwrap();
        let answer = answer(&known, &question, true).unwrap();
        stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
        stream.write_all(&answer).await.unwrap();
    }
}

fn answer(known: &Records, question: &[u8], by_tcp: bool) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    let query = question.queries.first()?.clone();
    let name = query.name().to_ascii().to_ascii_lowercase();
    if name.contains("silent.") {
        return None;
    }
    let mut answer = question.into_response();
    if name.contains("broken.") {
        answer.metadata.response_code = ResponseCode::ServFail;
        return answer.to_vec().ok();
    }
    if name.contains("large.") && !by_tcp {
        answer.metadata.truncation = true;
        return answer.to_vec().ok();
    }
    if name.contains("kept.") {
        let root = Name::root();
        let soa = SOA::new(root.clone(), root.clone(), 1, 1, 1, 1, 60);
        answer.add_authority(Record::from_rdata(root, 60, RData::SOA(soa)));
    }
    match known.get(&(name.clone(), query.query_type().to_string())) {
        Some(data) => {
            answer.add_answers(
                data.iter().map(|data| Record::from_rdata(query.name().clone(), 60, data.clone())),
            );
        }
        None if known.contains_key(&(name.clone(), "CNAME".to_owned())) => {
            let alias = &known[&(name, "CNAME".to_owned())][0];
            let RData::CNAME(to) = alias else { return None };
            let data = &known[&(to.0.to_ascii(), query.query_type().to_string())][0];
            answer.add_answer(Record::from_rdata(query.name().clone(), 60, alias.clone()));
            answer.add_answer(Record::from_rdata(to.0.clone(), 60, data.clone()));
            // Nobody has asked about this one.
            let other = RData::A(A::new(192, 0, 2, 66));
            answer.add_answer(Record::from_rdata(Name::from_ascii("other.example.").unwrap(), 60, other));
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
    let (none, real) = (srv(0, 0, 0, "."), srv(0, 0, 5270, "x.example."));
    let (starttls, direct) = ("_xmpp-server._tcp.example.org", "_xmpps-server._tcp.example.org");
    type Row<'a> = (&'a [(&'a str, RData)], Option<&'a str>);
    let rows: &[Row<'_>] = &[
        (&[(starttls, none.clone())], None),
        (&[(starttls, none.clone()), (direct, none.clone())], None),
        (&[(starttls, none.clone()), (direct, real.clone())], Some("x.example:5270 tls")),
        (&[(starttls, real), (direct, none.clone())], Some("x.example:5270")),
        // Only direct TLS is declared absent.
        (&[(direct, none)], Some("example.org:5269")),
    ];
    for (records, wanted) in rows {
        let server = Server::start(records).await;
        let found = names(&server, "example.org", 0).await;
        match wanted {
            Some(wanted) => assert_eq!(found.unwrap(), [*wanted], "{records:?}"),
            None => assert!(matches!(found, Err(Failure::NotFound(_))), "{records:?}: {found:?}"),
        }
    }
}

async fn v4(resolver: &Resolver, name: &str) -> Result<String, Failure> {
    let target = Target { name: name.into(), port: 1, direct_tls: false, is_domain: true };
    let found = resolver.addresses(&target, &[Family::V4], &mut Trace::default()).await?;
    Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn aliases_are_followed_large_answers_come_by_tcp_and_records_of_others_do_not_count() {
    let server = Server::start(&[
        ("alias.example", RData::CNAME(CNAME(Name::from_ascii("real.example.").unwrap()))),
        ("real.example", RData::A(A::new(192, 0, 2, 1))),
        ("large.example", RData::A(A::new(192, 0, 2, 2))),
    ])
    .await;
    let resolver = server.resolver(2000, 0);
    assert_eq!(v4(&resolver, "alias.example").await.unwrap(), "192.0.2.1:1");
    assert_eq!(v4(&resolver, "large.example").await.unwrap(), "192.0.2.2:1");
}

#[tokio::test]
async fn a_question_is_asked_once_for_all_and_its_answer_is_kept_whatever_it_is() {
    let server = Server::start(&[("x.example", RData::A(A::new(192, 0, 2, 1)))]).await;
    let resolver = server.resolver(2000, 0);
    let (one, two) = tokio::join!(v4(&resolver, "x.example"), v4(&resolver, "x.example"));
    assert_eq!(
        (one.unwrap(), v4(&resolver, "X.example").await.unwrap()),
        (two.unwrap(), "192.0.2.1:1".into())
    );
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
    for _ in 0..3 {
        assert!(matches!(v4(&resolver, "kept.example").await, Err(Failure::NotFound(_))));
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 2);
    // Without SOA it may not be kept (RFC 2308 §5).
    for _ in 0..3 {
        assert!(matches!(v4(&resolver, "lost.example").await, Err(Failure::NotFound(_))));
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 5);
    let nobody = resolver.known().unwrap().questions.counts();
    assert_eq!(nobody, Counts { waiting: 0, kept: 2, sockets: 0 });
}

#[tokio::test]
async fn one_who_gives_up_leaves_the_question_to_the_others() {
    let server = Server::start(&[]).await;
    let resolver = Arc::new(server.resolver(400, 0));
    let other = Arc::clone(&resolver);
    let first = tokio::spawn(async move { v4(&other, "silent.example").await });
    while server.asked.load(Ordering::Relaxed) < 1 {
        tokio::task::yield_now().await;
    }
    let second = v4(&resolver, "silent.example");
    let (_, second) = tokio::join!(async { first.abort() }, second);
    assert!(matches!(second, Err(Failure::NameServers(_))), "{second:?}");
    assert_eq!(server.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn servers_that_are_silent_refuse_or_fail_are_made_up_for_by_others() {
    let good = Server::start(&[("x.example", RData::A(A::new(192, 0, 2, 1)))]).await;
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for bad in [silent.local_addr().unwrap(), gone] {
        let resolver = resolver(&[bad, good.address], 1000, 0);
        assert_eq!(v4(&resolver, "x.example").await.unwrap(), "192.0.2.1:1");
        // From now on the good one is asked first.
        let before = Instant::now();
        assert!(matches!(v4(&resolver, "y.example").await, Err(Failure::NotFound(_))));
        assert!(before.elapsed() < Duration::from_millis(400), "{:?}", before.elapsed());
    }
    // A failure is not asked for again, silence is: `s2s_dns_retries`.
    let server = Server::start(&[]).await;
    for (name, packets) in [("broken.example", 1), ("silent.example", 3)] {
        let before = server.asked.load(Ordering::Relaxed);
        let found = v4(&server.resolver(100, 2), name).await;
        assert!(matches!(found, Err(Failure::NameServers(_))), "{name}: {found:?}");
        assert_eq!(server.asked.load(Ordering::Relaxed) - before, packets, "{name}");
    }
}

#[tokio::test]
async fn a_lost_packet_costs_no_seconds() {
    let server = Server::start(&[("dropped.example", RData::A(A::new(192, 0, 2, 1)))]).await;
    assert_eq!(v4(&server.resolver(1500, 0), "dropped.example").await.unwrap(), "192.0.2.1:1");
    assert_eq!(server.asked.load(Ordering::Relaxed), 2);
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
async fn silence_ends_in_time_and_each_step_is_told() {
    let server = Server::start(&[]).await;
    let resolver = server.resolver(200, 1);
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
    let resolver = Resolver::of_files(
        DnsOptions { timeout: Duration::from_millis(100), retries: 0, anchors: None },
        path.to_str().unwrap(),
        "",
    );
    assert!(matches!(resolver.known().err(), Some(Failure::NameServers(why)) if why.contains("resolv.conf")));
    std::fs::write(&path, "nameserver 127.0.0.1\n").unwrap();
    assert!(resolver.known().is_ok());

    let hosts = folder.join("hosts");
    let there = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let resolver = Resolver::of_files(resolver.options.clone(), &there(&path), &there(&hosts));
    assert!(resolver.known().is_ok());
    std::fs::write(&hosts, "192.0.2.9 named.example # a comment\n").unwrap();
    resolver.known.lock().as_mut().unwrap().checked -= FILES_CHECKED_EVERY;
    assert_eq!(v4(&resolver, "named.example").await.unwrap(), "192.0.2.9:1");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn ten_thousand_silent_domains_take_few_sockets_and_delay_nobody() {
    let server =
        Server::start(&[("_xmpp-server._tcp.good.example", srv(0, 0, 5269, "x.good.example."))]).await;
    let resolver = Arc::new(server.resolver(60_000, 0));
    let mut silent = tokio::task::JoinSet::new();
    for number in 0..10_000 {
        let resolver = Arc::clone(&resolver);
        silent.spawn(async move {
            let domain = format!("d{number}.silent.example");
            let mut trace = Trace::default();
            Box::pin(resolver.targets(&domain, 5269, &Fixed(0), &mut trace)).await.is_ok()
        });
    }
    let questions = resolver.known().unwrap().questions;
    while questions.counts().waiting < 20_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(questions.counts(), Counts { waiting: 20_000, kept: 0, sockets: 64 });

    let mut trace = Trace::default();
    let good = resolver.targets("good.example", 5269, &Fixed(0), &mut trace);
    let good = tokio::time::timeout(Duration::from_secs(10), good).await.unwrap().unwrap();
    assert_eq!(&*good[0].name, "x.good.example");

    // A question that nobody waits for any more leaves nothing behind.
    silent.shutdown().await;
    assert_eq!(questions.counts(), Counts { waiting: 0, kept: 1, sockets: 0 });
    let future = resolver.targets("good.example", 5269, &Fixed(0), &mut trace);
    assert!(size_of_val(&future) <= 3072, "{} bytes for each domain", size_of_val(&future));
}
