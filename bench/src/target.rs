//! Which server is loaded, and how its clients log in.

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

/// No single login, page or drain may take longer.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How a connection is encrypted. Every handshake is a full one: no session is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    /// Never, even where the server offers STARTTLS.
    None,
    Starttls,
    /// From the first byte (XEP-0368).
    Direct,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mechanism {
    Plain,
    ScramSha1,
    ScramSha256,
    ScramSha512,
}

impl Mechanism {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// The server under load. Only loopback addresses are accepted: this tool is not for other people's servers.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// Address of the server, a loopback one
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Port of the server
    #[arg(long)]
    pub port: u16,
    /// XMPP domain
    #[arg(long, default_value = "localhost")]
    pub domain: String,
    /// Encryption of the connections
    #[arg(long, value_enum, default_value = "none")]
    pub tls: Tls,
    /// SASL mechanism; by default the one that costs least among those offered
    #[arg(long, value_enum)]
    pub mechanism: Option<Mechanism>,
    /// Accounts are named PREFIX0, PREFIX1, …
    #[arg(long, default_value = "bench")]
    pub user_prefix: String,
    /// Number of the first account
    #[arg(long, default_value_t = 0)]
    pub first_user: usize,
    /// Password of every account
    #[arg(long, default_value = "nightjar-bench")]
    pub password: String,
    /// Process of the server: its CPU time and memory are reported, with those of its children
    #[arg(long)]
    pub pid: Option<u32>,
}

impl Target {
    pub fn address(&self) -> Result<SocketAddr> {
        ensure!(
            self.host.is_loopback(),
            "{} is not a loopback address; other machines are never loaded",
            self.host
        );
        Ok(SocketAddr::new(self.host, self.port))
    }

    pub fn user(&self, number: usize) -> String {
        format!("{}{}", self.user_prefix, self.first_user + number)
    }

    /// Full address of a session that was bound with `resource`.
    pub fn full_jid(&self, number: usize, resource: &str) -> String {
        format!("{}@{}/{resource}", self.user(number), self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback() {
        for (host, allowed) in [
            ("127.0.0.1", true),
            ("127.8.0.9", true),
            ("::1", true),
            ("192.0.2.1", false),
            ("0.0.0.0", false),
        ] {
            let target = Target {
                host: host.parse().unwrap(),
                port: 5222,
                domain: "localhost".into(),
                tls: Tls::None,
                mechanism: None,
                user_prefix: "u".into(),
                first_user: 3,
                password: "p".into(),
                pid: None,
            };
            assert_eq!(target.address().is_ok(), allowed, "{host}");
            assert_eq!(target.full_jid(4, "r"), "u7@localhost/r");
        }
    }
}
