//! The servers' configuration files and command lines, tuned as an expert would.

use super::{Kind, Setup};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const EJABBERD: &str = include_str!("../../peers/ejabberd.yml");
const MOSQUITTO: &str = include_str!("../../peers/mosquitto.conf");
const PROSODY: &str = include_str!("../../peers/prosody.cfg.lua");
/// No database, no log, no console; one account.
const COTURN: &str = "-n -L 127.0.0.1 -E 127.0.0.1 --no-tls --no-dtls -a -u bench0:nightjar-bench -r localhost \
    --allow-loopback-peers --no-cli --min-port 10000 --max-port 65535 --no-software-attribute --no-stdout-log \
    --log-file /dev/null";
/// Relays reach this machine, which is where the peer is; ejabberd calls that an empty blacklist.
const TURN: &str = "  -
    port: {port_turn}
    ip: \"127.0.0.1\"
    transport: udp
    module: ejabberd_stun
    use_turn: true
    turn_ipv4_address: 127.0.0.1
    turn_min_port: 10000
    turn_max_port: 65535
    turn_max_allocations: infinity
    turn_blacklist: []
    shaper: none
";
const TURN_NIGHTJAR: &str = "    turn_whitelist: [127.0.0.0/8]\n";
const MQTT: &str = "  -
    port: {port_mqtt}
    ip: \"127.0.0.1\"
    module: mod_mqtt
    backlog: 1024
  -
    port: {port_mqtt_tls}
    ip: \"127.0.0.1\"
    module: mod_mqtt
    tls: true
    backlog: 1024
";
pub const DOMAIN: &str = "localhost";

/// Where one server lives and listens.
#[derive(Debug, Clone)]
pub struct Place {
    pub kind: Kind,
    pub setup: Setup,
    /// Absolute, made by `prepare`
    pub home: PathBuf,
    pub port: u16,
    pub port_tls: u16,
    pub port_http: u16,
    pub port_turn: u16,
    pub port_mqtt: u16,
    pub port_mqtt_tls: u16,
}

/// Empties the server's home and writes its certificate, configuration and database.
pub fn prepare(place: &Place) -> Result<()> {
    let home = &place.home;
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    fs::create_dir_all(home)?;
    crate::certificate::write(DOMAIN, &home.join("server.pem"))?;
    match place.kind {
        Kind::Relay | Kind::Echo | Kind::Coturn => {}
        Kind::Mosquitto => {
            fs::write(home.join("mosquitto.conf"), fill(MOSQUITTO, place, &[]))?;
            let passwords = home.join("passwords");
            fs::write(&passwords, format!("bench0@{DOMAIN}:nightjar-bench\n"))?;
            let status = Command::new("mosquitto_passwd").arg("-U").arg(passwords).status()?;
            ensure!(status.success(), "mosquitto_passwd failed");
        }
        Kind::Ejabberd => {
            fs::write(home.join("ejabberd.yml"), ejabberd(place))?;
            create_database(&home.join("archive.db"), "/usr/share/ejabberd/sql/lite.sql")?;
        }
        Kind::Nightjar => fs::write(home.join("ejabberd.yml"), ejabberd(place))?,
        Kind::Prosody => {
            fs::create_dir_all(home.join("data"))?;
            fs::write(home.join("prosody.cfg.lua"), prosody(place))?;
            create_database(&home.join("archive.db"), "")?;
        }
    }
    Ok(())
}

/// The write-ahead log is a property of the file, so it can be switched on for servers that have no option for it.
fn create_database(path: &Path, schema: &str) -> Result<()> {
    let mut command = Command::new("sqlite3");
    command.arg(path).arg("PRAGMA journal_mode=WAL");
    if !schema.is_empty() {
        command.arg(format!(".read {schema}"));
    }
    let status = command.stdout(Stdio::null()).status().context("sqlite3 is needed")?;
    ensure!(status.success(), "{} was not created", path.display());
    Ok(())
}

fn ejabberd(place: &Place) -> String {
    let home = place.home.display();
    let archive = place.setup == Setup::Archive;
    // Nightjar keeps everything in SQLite without being told.
    let storage = match (place.kind, archive) {
        (Kind::Ejabberd, true) => format!("sql_type: sqlite\nsql_database: \"{home}/archive.db\""),
        _ => String::new(),
    };
    let database = if place.kind == Kind::Ejabberd { "\n    db_type: sql" } else { "" };
    let module = format!("  mod_mam:\n    default: always{database}");
    let mqtt = if place.setup == Setup::Mqtt { "  mod_mqtt: {}" } else { "" };
    let turn = match (place.setup, place.kind) {
        (Setup::Turn, Kind::Nightjar) => [TURN, TURN_NIGHTJAR].concat(),
        (Setup::Turn, _) => TURN.to_owned(),
        (Setup::Mqtt, _) => MQTT.to_owned(),
        _ => String::new(),
    };
    fill(
        &EJABBERD.replace("{turn}\n", &turn),
        place,
        &[
            ("{password_format}", if archive { "scram" } else { "plain" }),
            ("{storage}", &storage),
            ("{archive}", if archive { &module } else { mqtt }),
        ],
    )
}

fn prosody(place: &Place) -> String {
    let archive = place.setup == Setup::Archive;
    let sql = format!("sql = {{ driver = \"SQLite3\", database = \"{}/archive.db\" }}", place.home.display());
    fill(
        PROSODY,
        place,
        &[
            ("{authentication}", if archive { "internal_hashed" } else { "internal_plain" }),
            ("{storage}", if archive { "{ archive = \"sql\" }" } else { "\"internal\"" }),
            ("{sql}", if archive { &sql } else { "" }),
            ("{archive}", if archive { "\"mam\"" } else { "" }),
        ],
    )
}

fn fill(template: &str, place: &Place, more: &[(&str, &str)]) -> String {
    let mut text = template
        .replace("{domain}", DOMAIN)
        .replace("{home}", &place.home.display().to_string())
        .replace("{port}", &place.port.to_string())
        .replace("{port_tls}", &place.port_tls.to_string())
        .replace("{port_http}", &place.port_http.to_string())
        .replace("{port_turn}", &place.port_turn.to_string())
        .replace("{port_mqtt}", &place.port_mqtt.to_string())
        .replace("{port_mqtt_tls}", &place.port_mqtt_tls.to_string());
    for (mark, value) in more {
        text = text.replace(mark, value);
    }
    text
}

/// The command that runs the server in the foreground. `nightjar`: its binary.
pub fn command(place: &Place, nightjar: &Path) -> Result<Command> {
    let home = &place.home;
    let mut command = match place.kind {
        Kind::Relay | Kind::Echo => Command::new(std::env::current_exe()?),
        Kind::Coturn => Command::new("turnserver"),
        Kind::Mosquitto => Command::new("mosquitto"),
        Kind::Ejabberd => Command::new("erl"),
        Kind::Prosody => Command::new("prosody"),
        Kind::Nightjar => Command::new(nightjar),
    };
    match place.kind {
        Kind::Relay => {
            command.args(["relay", "--port", &place.port.to_string()]);
        }
        Kind::Echo => {
            command.args(["echo", "--port", &place.port_turn.to_string()]);
        }
        Kind::Coturn => {
            command.args(COTURN.split_whitespace()).args(["--listening-port", &place.port_turn.to_string()]);
            command.arg("--pidfile").arg(home.join("pid"));
        }
        Kind::Mosquitto => {
            command.arg("-c").arg(home.join("mosquitto.conf"));
        }
        Kind::Ejabberd => {
            // No busy waiting: it would count as work. Without a node name no epmd is started.
            command.args("+K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none +Bd -noinput".split(' '));
            command.args(["-mnesia", "dir", &format!("\"{}/spool\"", home.display())]);
            command.args(["-ejabberd", "quiet", "true", "-s", "ejabberd"]);
            command.env("ERL_LIBS", libraries()?).env("EJABBERD_CONFIG_PATH", home.join("ejabberd.yml"));
            command.env("EJABBERD_LOG_PATH", home.join("ejabberd.log"));
            command.env("ERL_CRASH_DUMP", home.join("crash.dump"));
        }
        Kind::Prosody => {
            command.arg("--config").arg(home.join("prosody.cfg.lua")).arg("-F");
        }
        Kind::Nightjar => {
            let state = home.join("state");
            command.arg("start").arg("--home").arg(state).arg("--config").arg(home.join("ejabberd.yml"));
            // The others run as whoever measures, too.
            command.env("NIGHTJAR_ALLOW_ROOT", "1");
        }
    }
    Ok(command)
}

/// Debian keeps ejabberd's own applications in the folder of the machine's architecture.
fn libraries() -> Result<PathBuf> {
    for entry in fs::read_dir("/usr/lib")?.flatten() {
        if fs::read_dir(entry.path()).is_ok_and(|mut inner| {
            inner.any(|inner| {
                inner.is_ok_and(|inner| inner.file_name().to_string_lossy().starts_with("ejabberd-"))
            })
        }) {
            return Ok(entry.path());
        }
    }
    anyhow::bail!("ejabberd is not installed: apt-get install ejabberd")
}
