//! `nightjar doctor`

mod database;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nightjar_config::{Config, diagnostic};
use nightjar_doctor::{
    Examination, Hickory, Machine, NodeProcess, Paths, Resolver, examine, is_private, json, sockets, text,
    verdict,
};
use nightjar_firewall::{Erlang, openings};

use super::erlang::ErlangArguments;
use super::print;
use crate::certificates;
use crate::home::Home;
use crate::node::read_config;
use database::Databases;

#[cfg(test)]
mod tests;

/// Something is critical, or the configuration can't be used at all.
const CRITICAL: u8 = 2;
/// Where distributions keep the authorities they trust.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print a JSON array of findings
    #[arg(long)]
    json: bool,
    /// The configuration file [default: that of the node that runs, or the built-in one]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of database, keys, logs and control socket [default: ./nightjar-home]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Ask no name server
    #[arg(long)]
    no_dns: bool,
    #[command(flatten)]
    erlang: ErlangArguments,
}

/// Compares the configuration with the machine; changes nothing.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let home = Home::locate(arguments.home.clone());
    let node = NodeProcess::find(Path::new("/proc"), &home.lock_file());
    let file = arguments.config.clone().or_else(|| file_of(node.as_ref()?.pid));
    let config = match read_config(file.as_ref(), &home) {
        Ok((config, _)) => config,
        Err(mistakes) => {
            let colour = std::io::stderr().is_terminal();
            let _ = write!(std::io::stderr(), "{}", diagnostic::render(&mistakes, colour));
            remark("the configuration has mistakes, and nothing else was looked at");
            return ExitCode::from(CRITICAL);
        }
    };
    let erlang = match arguments.erlang.read() {
        Ok(erlang) => erlang,
        Err(error) => {
            remark(&format!("{error:#}"));
            return ExitCode::from(CRITICAL);
        }
    };
    if node.is_none() {
        remark(&format!("no node runs in {}: what runs could not be looked at", home.path().display()));
    }
    let resolver = resolver(&config, arguments.no_dns);
    let found = examine(&Examination {
        config: &config,
        file: file.as_deref(),
        paths: &paths(&config, &home, erlang.as_ref()),
        openings: &openings(&config, erlang.as_ref()),
        erlang: erlang.as_ref(),
        machine: &Machine::now(&[home.path(), &home.logs()]),
        node: node.as_ref(),
        sockets: &sockets(Path::new("/proc")),
        resolver: resolver.as_ref().map(|resolver| resolver as &dyn Resolver),
        databases: &Databases::new(&config, &home),
    });
    if arguments.json {
        print(&json(&found));
    } else {
        let _ = write!(std::io::stdout(), "{}", text(&found, std::io::stdout().is_terminal()));
    }
    ExitCode::from(verdict(&found))
}

fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "nightjar: {text}");
}

/// The real one, where there is something to ask it.
fn resolver(config: &Config, is_off: bool) -> Option<Hickory> {
    if is_off || config.hosts().iter().all(|host| is_private(host)) {
        return None;
    }
    match Hickory::new() {
        Ok(resolver) => Some(resolver),
        Err(error) => {
            remark(&format!("no name server can be asked: {error}"));
            None
        }
    }
}

/// The configuration file a running node was given.
fn file_of(pid: u32) -> Option<PathBuf> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let line = std::fs::read(folder.join("cmdline")).ok()?;
    let words: Vec<String> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let file = named_file(&words)?;
    Some(std::fs::read_link(folder.join("cwd")).ok()?.join(file))
}

fn named_file(words: &[String]) -> Option<&str> {
    words.iter().enumerate().find_map(|(place, word)| match word.as_str() {
        "--config" | "-c" => words.get(place + 1).map(String::as_str),
        word => word.strip_prefix("--config="),
    })
}

fn paths(config: &Config, home: &Home, erlang: Option<&Erlang>) -> Paths {
    let options = &config.global;
    let named = options.opt_text("sql_database").filter(|_| options.text("sql_type") == *"sqlite");
    let mut cookies = vec![home.path().join(".erlang.cookie")];
    if let (Some(_), Some(user)) = (erlang, std::env::var_os("HOME").map(PathBuf::from)) {
        cookies.extend([user.join(".erlang.cookie"), user.join(".config/erlang/.erlang.cookie")]);
    }
    let certificates = options.texts("certfiles").into_iter().map(|pattern| {
        let files = certificates::expand(Path::new(pattern.as_str()));
        (pattern.to_string(), files)
    });
    let authorities = match options.is_set("ca_file") {
        true => options.opt_text("ca_file").map(|file| PathBuf::from(file.as_str())),
        false => AUTHORITIES.iter().map(PathBuf::from).find(|file| file.exists()),
    };
    Paths {
        home: home.path().to_owned(),
        database: named.map_or_else(|| home.database(), |name| PathBuf::from(name.as_str())),
        logs: home.logs(),
        secrets: vec![home.secret(), home.own_certificate()],
        cookies,
        control: home.control_socket(),
        certificates: certificates.collect(),
        authorities,
    }
}
