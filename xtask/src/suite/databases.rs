//! PostgreSQL and MariaDB of our own, below a temporary folder, on free loopback ports.
//! Durability is off: their data lives as long as the tests do.

use super::setup;
use crate::shell::{self, Running};
use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const NAME: &str = "nightjar";
const READY: Duration = Duration::from_secs(60);

/// Both servers; dropping ends them, then removes their data.
pub(crate) struct Databases {
    postgres_port: u16,
    mysql_port: u16,
    _postgres: Running,
    _mysql: Running,
    _folder: Folder,
}

/// A temporary folder that is removed when dropped. It is not below the target folder because
/// the servers' own users must reach it, and because a socket's path has at most 107 bytes.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Databases {
    pub(crate) fn start() -> Result<Databases> {
        let folder = Folder(std::env::temp_dir().join(format!("nightjar-databases-{}", std::process::id())));
        fs::create_dir_all(&folder.0)?;
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755))?;
        let ports = shell::free_ports(2)?;
        let [postgres_port, mysql_port] = ports[..] else { bail!("no free ports") };
        let postgres = start_postgres(&folder.0.join("postgres"), postgres_port)?;
        let mysql = start_mysql(&folder.0.join("mysql"), mysql_port)?;
        Ok(Databases { postgres_port, mysql_port, _postgres: postgres, _mysql: mysql, _folder: folder })
    }

    /// What the contract tests read; REQUIRE turns a missing database from a skip into a failure.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        [
            (
                "NIGHTJAR_TEST_POSTGRES",
                format!("postgres://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.postgres_port),
            ),
            ("NIGHTJAR_TEST_MYSQL", format!("mysql://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.mysql_port)),
            ("NIGHTJAR_TEST_REQUIRE", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// A command under the server's own user when we are root: neither server runs as root.
/// The kernel ends it with us, whatever ends us.
fn unprivileged(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if shell::is_root() {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

fn data_folder(folder: &Path, user: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    if shell::is_root() {
        shell::must("chown", Command::new("chown").arg(format!("{user}:")).arg(folder))?;
    }
    Ok(())
}

fn start_postgres(folder: &Path, port: u16) -> Result<Running> {
    let programs = setup::postgres_folder().context("PostgreSQL's server is not installed")?;
    data_folder(folder, "postgres")?;
    let data = folder.join("data");
    let password = folder.join("password");
    fs::write(&password, NAME)?;
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644))?;
    let mut create = unprivileged("postgres", &programs.join("initdb"));
    create.args([
        "--username",
        NAME,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-sync",
    ]);
    create.arg("--pwfile").arg(&password).arg("--pgdata").arg(&data);
    shell::must("initdb", &mut create)?;

    let mut server = unprivileged("postgres", &programs.join("postgres"));
    server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(folder);
    for setting in ["listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "max_connections=200"]
    {
        server.args(["-c", setting]);
    }
    let mut running = Running::start(&mut server, &shell::work().join("logs/postgres.log"), Signal::INT)?;
    let client = |database: &str, statement: &str| {
        let mut command = Command::new(programs.join("psql"));
        command.env("PGPASSWORD", NAME).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--username", NAME, "--dbname", database, "--command", statement]);
        command.output().is_ok_and(|output| output.status.success())
    };
    if !shell::wait_until(READY, || running.has_ended() || client("postgres", "select 1"))
        || running.has_ended()
    {
        bail!("PostgreSQL did not start; see logs/postgres.log");
    }
    if !client("postgres", &format!("create database {NAME}")) {
        bail!("PostgreSQL refused to create the test database");
    }
    Ok(running)
}

fn start_mysql(folder: &Path, port: u16) -> Result<Running> {
    data_folder(folder, "mysql")?;
    let data = folder.join("data");
    let socket = folder.join("socket");
    let mut create = unprivileged("mysql", Path::new("mariadb-install-db"));
    create.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
    create.arg(format!("--datadir={}", data.display()));
    shell::must("mariadb-install-db", &mut create)?;

    let program =
        ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"].iter().find(|path| Path::new(path).is_file());
    let mut server = unprivileged("mysql", Path::new(program.unwrap_or(&"mariadbd")));
    server.args([
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--innodb-flush-log-at-trx-commit=0",
        "--skip-log-bin",
    ]);
    server.args([
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_bin",
        "--max-connections=200",
    ]);
    server.args([format!("--datadir={}", data.display()), format!("--socket={}", socket.display())]);
    server.args([format!("--port={port}"), format!("--pid-file={}", folder.join("pid").display())]);
    let mut running = Running::start(&mut server, &shell::work().join("logs/mariadb.log"), Signal::TERM)?;
    let client = |statement: &str| {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--user=root", "--execute", statement]);
        command.arg(format!("--socket={}", socket.display()));
        command.output().is_ok_and(|output| output.status.success())
    };
    if !shell::wait_until(READY, || running.has_ended() || client("select 1")) || running.has_ended() {
        bail!("MariaDB did not start; see logs/mariadb.log");
    }
    let account = format!("'{NAME}'@'127.0.0.1'");
    // The contract tests make a database each, hence the grant on all.
    let prepared = client(&format!(
        "create database {NAME}; create user {account} identified by '{NAME}'; grant all on *.* to {account} with grant option"
    ));
    if !prepared {
        bail!("MariaDB refused to create the test database");
    }
    Ok(running)
}
