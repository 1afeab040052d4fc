//! A sound installation in a folder of its own, to be spoiled.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nightjar_config::{Declarations, Environment, ModuleSpec, load_with};
use nightjar_firewall::{Erlang, Protocol};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

use crate::*;

/// 2027-06-01
const NOW: i64 = 1_811_808_000;

const CONFIG: &str = include_str!("sound.yml");

const fn spec(name: &'static str) -> ModuleSpec {
    ModuleSpec { name, options: &[], doc: "" }
}

const LISTENERS: &[&ModuleSpec] = &[
    &spec("ejabberd_c2s"),
    &spec("ejabberd_s2s_in"),
    &spec("ejabberd_service"),
    &spec("ejabberd_http"),
    &spec("mod_mqtt"),
    &spec("ejabberd_stun"),
    &spec("ejabberd_xmlrpc"),
];
const MODULES: &[&ModuleSpec] = &[
    &spec("mod_proxy65"),
    &spec("mod_register"),
    &spec("mod_muc"),
    &spec("mod_vcard"),
    &spec("mod_legacy_auth"),
    &spec("mod_fail2ban"),
];
const WHOLE: Declarations<'static> = Declarations { modules: MODULES, listeners: LISTENERS, toplevel: &[] };

/// A folder of its own that vanishes with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nightjar-doctor-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A DNS in memory.
#[derive(Default)]
pub(super) struct Names {
    pub(super) srv: HashMap<String, Vec<Srv>>,
    pub(super) addresses: HashMap<String, Vec<IpAddr>>,
    pub(super) tlsa: HashMap<String, Vec<Tlsa>>,
    pub(super) secure: bool,
    pub(super) fails: Cell<bool>,
}

impl Names {
    fn answer<T: Clone>(
        &self,
        records: &HashMap<String, Vec<T>>,
        name: &str,
    ) -> Result<Answer<T>, DnsFailure> {
        if self.fails.get() {
            return Err(DnsFailure("timed out".to_owned()));
        }
        let records = records.get(name).cloned().unwrap_or_default();
        Ok(Answer { records, secure: self.secure })
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let srv = self.srv.drain().map(|(name, records)| {
            let target = |srv: Srv| Srv { target: srv.target.replace(from, to), ..srv };
            (name.replace(from, to), records.into_iter().map(target).collect())
        });
        self.srv = srv.collect();
        self.addresses =
            self.addresses.drain().map(|(name, found)| (name.replace(from, to), found)).collect();
    }

    pub(super) fn point(&mut self, name: &str, target: &str, port: u16) {
        self.srv.insert(name.to_owned(), vec![Srv { target: target.to_owned(), port }]);
    }
}

impl Resolver for Names {
    fn srv(&self, name: &str) -> Result<Answer<Srv>, DnsFailure> {
        self.answer(&self.srv, name)
    }

    fn addresses(&self, name: &str) -> Result<Answer<IpAddr>, DnsFailure> {
        self.answer(&self.addresses, name)
    }

    fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, DnsFailure> {
        self.answer(&self.tlsa, name)
    }
}

impl DatabaseProbe for Database {
    fn probe(&self, _: &str) -> Database {
        self.clone()
    }
}

/// All that an examination looks at.
pub(super) struct Scenario {
    pub(super) folder: Folder,
    pub(super) yaml: String,
    /// The chain and key as they are written to `certs/example.org.pem`.
    pub(super) pem: String,
    pub(super) names: Names,
    pub(super) machine: Machine,
    pub(super) node: Option<NodeProcess>,
    pub(super) sockets: Vec<Socket>,
    /// Of the Erlang side; there is none if empty.
    pub(super) variables: Vec<(&'static str, &'static str)>,
    pub(super) erlang_tls: bool,
    /// Whose the home is.
    uid: u32,
    pub(super) database: Database,
    /// Modes that differ from those of a sound installation, by the file's name.
    pub(super) modes: Vec<(&'static str, u32)>,
    pub(super) cookie: &'static str,
}

impl Scenario {
    pub(super) fn new() -> Scenario {
        let folder = Folder::new();
        // Whoever is root owns files in the name of the node's user; others are that user.
        let me = fs::metadata(folder.path()).unwrap().uid();
        let uid = if me == 0 { 990 } else { me };
        let (gibi, disk) = (1 << 30, PathBuf::from("/srv"));
        Scenario {
            yaml: CONFIG.to_owned(),
            pem: Issued::default().pem(),
            names: names(),
            machine: Machine {
                now: NOW,
                synchronised: Some(true),
                nofile: 1 << 20,
                somaxconn: Some(4096),
                memory: Some((gibi, 2 * gibi)),
                disks: vec![Disk { path: disk, free: gibi, total: 10 * gibi, free_files: 10, files: 100 }],
            },
            node: Some(NodeProcess { pid: 4711, uid, sandboxed: Some(true), nofile: Some(1 << 20) }),
            sockets: sockets(),
            variables: Vec::new(),
            erlang_tls: false,
            uid,
            database: Database::Fine,
            modes: Vec::new(),
            cookie: "Jm3aS5cXv0oQ9dZ1rT7yKpLw2bNhGf8e",
            folder,
        }
    }

    /// Changes the configuration; the text has to be there.
    pub(super) fn replace(&mut self, from: &str, to: &str) {
        assert!(self.yaml.contains(from), "{from}");
        self.yaml = self.yaml.replacen(from, to, 1);
    }

    /// Adds lines to the configuration.
    pub(super) fn add(&mut self, lines: &str) {
        self.yaml.push_str(lines);
    }

    /// Adds a listener, and the socket it binds.
    pub(super) fn listen(&mut self, port: u16, listener: &str) {
        self.replace("listen:\n", &format!("listen:\n  - {{port: {port}, {listener}}}\n"));
        self.sockets.push(socket(Protocol::Tcp, "::", port));
    }

    fn mode(&self, name: &str, usual: u32) -> u32 {
        self.modes.iter().find(|(other, _)| *other == name).map_or(usual, |(_, mode)| *mode)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(self.mode(name, mode))).unwrap();
        path
    }

    fn restrict(&self, name: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(self.mode(name, mode))).unwrap();
    }

    fn paths(&self) -> Paths {
        let certificate = self.write("certs/example.org.pem", &self.pem, 0o600);
        let home = self.folder.path().join("home");
        let paths = Paths {
            database: self.write("home/nightjar.db", "", 0o600),
            secrets: vec![self.write("home/secret", "", 0o600)],
            cookies: vec![self.write("home/.erlang.cookie", self.cookie, 0o400)],
            control: self.write("home/ctl.sock", "", 0o600),
            logs: self.folder.path().join("home/logs"),
            certificates: vec![(
                "certs/*.pem".to_owned(),
                if self.pem.is_empty() { Vec::new() } else { vec![certificate] },
            )],
            authorities: None,
            home,
        };
        self.write("home/logs/nightjar.log", "", 0o600);
        self.write("home/api.sock", "", 0o660);
        self.restrict("home/logs", 0o700);
        self.restrict("home", 0o700);
        chown(&paths.home, Some(self.uid), None).unwrap();
        paths
    }

    /// Everything found.
    pub(super) fn examine(&self) -> Vec<Finding> {
        let paths = self.paths();
        let file = self.write("nightjar.yml", &self.yaml, 0o600);
        let loaded = load_with(&file, &WHOLE, &Environment::default(), &nightjar_config::Disk);
        let (config, _) = loaded.map_err(|mistakes| mistakes[0].one_line()).unwrap();
        let find = |name: &str| {
            self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let erlang = (!self.variables.is_empty())
            .then(|| Erlang::new("n@example.org", self.erlang_tls, find).unwrap());
        let openings = nightjar_firewall::openings(&config, erlang.as_ref());
        examine(&Examination {
            config: &config,
            file: Some(&file),
            paths: &paths,
            openings: &openings,
            erlang: erlang.as_ref(),
            machine: &self.machine,
            node: self.node.as_ref(),
            sockets: &self.sockets,
            resolver: Some(&self.names),
            databases: &self.database,
        })
    }
}

fn names() -> Names {
    let mut names = Names::default();
    let target = "xmpp.example.org";
    for (label, port) in
        [("xmpp-client", 5222), ("xmpps-client", 5223), ("xmpp-server", 5269), ("xmpps-server", 5270)]
    {
        names.point(&format!("_{label}._tcp.example.org"), target, port);
    }
    names.point("_stun._udp.example.org", target, 3478);
    names.point("_xmpp-server._tcp.conference.example.org", target, 5269);
    for name in ["example.org", "proxy.example.org", target] {
        names.addresses.insert(name.to_owned(), vec!["192.0.2.7".parse().unwrap()]);
    }
    names
}

pub(super) fn socket(protocol: Protocol, address: &str, port: u16) -> Socket {
    let owners = vec![(4711, "nightjar".to_owned())];
    Socket { protocol, address: address.parse().unwrap(), port, uid: 990, owners }
}

fn sockets() -> Vec<Socket> {
    let tcp = [5222, 5223, 5269, 5270, 5443].map(|port| socket(Protocol::Tcp, "::", port));
    let others = [
        socket(Protocol::Udp, "::", 3478),
        socket(Protocol::Tcp, "127.0.0.1", 5280),
        socket(Protocol::Tcp, "127.0.0.1", 5347),
        socket(Protocol::Tcp, "::", 7777),
    ];
    tcp.into_iter().chain(others).collect()
}

/// What a certificate is made of.
pub(super) struct Issued {
    pub(super) names: &'static [&'static str],
    pub(super) from: (i32, u8, u8),
    pub(super) until: (i32, u8, u8),
    pub(super) self_signed: bool,
    /// Leaf, intermediate authority, root; and the key.
    pub(super) parts: &'static [&'static str],
}

impl Default for Issued {
    fn default() -> Issued {
        Issued {
            names: &["example.org", "*.example.org"],
            from: (2027, 5, 1),
            until: (2027, 8, 1),
            self_signed: false,
            parts: &["leaf", "intermediate", "root", "key"],
        }
    }
}

impl Issued {
    pub(super) fn pem(&self) -> String {
        let authority = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let root = CertifiedIssuer::self_signed(authority("Root"), KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let intermediate = CertifiedIssuer::signed_by(authority("Intermediate"), key, &root).unwrap();
        let mut params =
            CertificateParams::new(self.names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .unwrap();
        params.distinguished_name.push(DnType::CommonName, self.names[0]);
        params.not_before = date_time_ymd(self.from.0, self.from.1, self.from.2);
        params.not_after = date_time_ymd(self.until.0, self.until.1, self.until.2);
        let key = KeyPair::generate().unwrap();
        let leaf = match self.self_signed {
            true => params.self_signed(&key).unwrap(),
            false => params.signed_by(&key, &intermediate).unwrap(),
        };
        let part = |name: &&str| match *name {
            "leaf" => leaf.pem(),
            "intermediate" => intermediate.pem(),
            "root" => root.pem(),
            "key" => key.serialize_pem(),
            _ => KeyPair::generate().unwrap().serialize_pem(),
        };
        self.parts.iter().map(part).collect()
    }
}
