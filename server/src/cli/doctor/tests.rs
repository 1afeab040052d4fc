use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;

use nightjar_doctor::{Answer, Database, DatabaseProbe as _, DnsFailure, Finding, Srv, Tlsa};
use nightjar_install::{Plan, Request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;
use crate::testing::Folder;

/// A zone with all that `nightjar init` asks for.
struct Zone;

impl Resolver for Zone {
    fn srv(&self, name: &str) -> Result<Answer<Srv>, DnsFailure> {
        let port = match name {
            "_xmpp-client._tcp.example.org" => Some(5222),
            "_xmpps-client._tcp.example.org" => Some(5223),
            _ => None,
        };
        let record = |port| Srv { target: "example.org".to_owned(), port };
        Ok(Answer { records: port.map(record).into_iter().collect(), secure: false })
    }

    fn addresses(&self, name: &str) -> Result<Answer<IpAddr>, DnsFailure> {
        let known = (name == "example.org").then(|| IpAddr::from([192, 0, 2, 1]));
        Ok(Answer { records: known.into_iter().collect(), secure: false })
    }

    fn tlsa(&self, _: &str) -> Result<Answer<Tlsa>, DnsFailure> {
        Ok(Answer { records: Vec::new(), secure: false })
    }
}

/// What is found of a configuration on a machine with nothing wrong, where no node runs.
fn examined(file: Option<&Path>, home: &Home) -> Vec<Finding> {
    home.prepare().unwrap();
    let path = file.map(Path::to_owned);
    let (config, _) = read_config(path.as_ref(), home).map_err(|found| found[0].one_line()).unwrap();
    let machine = Machine {
        synchronised: Some(true),
        nofile: 1 << 20,
        somaxconn: Some(4096),
        memory: None,
        disks: Vec::new(),
        ..Machine::now(&[])
    };
    examine(&Examination {
        config: &config,
        file,
        paths: &Paths { authorities: None, ..paths(&config, home, None) },
        openings: &openings(&config, None),
        erlang: None,
        machine: &machine,
        node: None,
        sockets: &[],
        resolver: Some(&Zone),
        databases: &Databases::new(&config, home),
    })
}

#[test]
fn the_built_in_configuration_is_clean() {
    let folder = Folder::new();
    let home = Home::locate(Some(folder.path().join("home")));
    assert_eq!(examined(None, &home), []);
}

fn plan(folder: &Folder) -> Plan {
    Plan::new(&Request {
        host: "example.org".to_owned(),
        folder: folder.path().to_owned(),
        admin: "admin".to_owned(),
        program: "/usr/bin/nightjar".into(),
        user: "nightjar".to_owned(),
    })
}

/// A chain of two and its key, as an authority gives them.
fn certificate() -> String {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "example.org");
    let now = std::time::SystemTime::now();
    params.not_before = (now - std::time::Duration::from_secs(86_400)).into();
    params.not_after = (now + std::time::Duration::from_secs(60 * 86_400)).into();
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, &authority).unwrap().pem() + &authority.pem() + &key.serialize_pem()
}

#[test]
fn what_init_writes_is_clean_once_the_certificate_is_there() {
    let folder = Folder::new();
    let plan = plan(&folder);
    plan.write().unwrap();
    let (file, home) = (folder.path().join("nightjar.yml"), Home::locate(Some(folder.path().join("home"))));
    let found = examined(Some(&file), &home);
    assert_eq!(found.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["certificate-missing"]);
    assert!(found[0].line.as_ref().is_some_and(|line| line.option == "certfiles"));

    let path = folder.path().join("certs/example.org.pem");
    fs::write(&path, certificate()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(examined(Some(&file), &home), []);
}

#[test]
fn the_file_of_a_running_node_is_found_in_its_command_line() {
    for (line, expected) in [
        ("nightjar start --config a.yml --quiet", Some("a.yml")),
        ("nightjar start -c b.yml", Some("b.yml")),
        ("nightjar start --config=c.yml", Some("c.yml")),
        ("nightjar start --config", None),
        ("nightjar", None),
    ] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(named_file(&words), expected, "{line}");
    }
}

#[test]
fn databases_are_looked_at_without_making_them() {
    let folder = Folder::new();
    let home = Home::locate(Some(folder.path().join("home")));
    home.prepare().unwrap();
    let file = folder.path().join("ejabberd.yml");
    let probe = |yaml: &str| {
        fs::write(&file, format!("hosts: [a]\n{yaml}")).unwrap();
        let (config, _) = read_config(Some(&file), &home).map_err(|found| found[0].one_line()).unwrap();
        Databases::new(&config, &home).probe("a")
    };
    assert_eq!(probe(""), Database::Fine);
    assert!(!home.database().exists());
    fs::write(home.database(), "This is no database, whatever its name may say about it.").unwrap();
    assert!(matches!(probe(""), Database::Damaged(_)));
    // Nothing listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = format!("sql_type: pgsql\nsql_server: 127.0.0.1\nsql_port: {port}\n");
    assert!(matches!(probe(&gone), Database::Unreachable(_)));
    assert!(matches!(probe("sql_type: mysql\nsql_server: /nonexistent.sock\n"), Database::Unreachable(_)));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(probe(&format!("sql_type: pgsql\nsql_server: 127.0.0.1\nsql_port: {port}\n")), Database::Fine);
}
