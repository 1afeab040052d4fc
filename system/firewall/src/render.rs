//! What was found, written for a person or for a firewall.

mod firewalld;
mod iptables;
mod nft;
mod rule;
mod table;
mod ufw;

use nightjar_config::units::Network;

use crate::opening::{Opening, Zone};

#[cfg(test)]
mod tests;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person, as in ejabberd's guide.
    Table,
    /// `nft -f`
    Nft,
    /// A script of `ufw` commands.
    Ufw,
    /// A script of `firewall-cmd` commands.
    Firewalld,
    /// `iptables-restore --noflush` and `ip6tables-restore --noflush`
    Iptables,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] =
        [Format::Table, Format::Nft, Format::Ufw, Format::Firewalld, Format::Iptables];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Nft => "nft",
            Format::Ufw => "ufw",
            Format::Firewalld => "firewalld",
            Format::Iptables => "iptables",
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Request {
    /// How it is written.
    pub format: Format,
    /// Only this zone.
    pub zone: Option<Zone>,
    /// Whose connections the cluster's ports take; nobody's but this machine's if empty.
    pub cluster: Vec<Network>,
}

/// The text, with a line's end at its end.
pub fn render(openings: &[Opening], request: &Request) -> String {
    let wanted = |opening: &&Opening| request.zone.is_none_or(|zone| zone == opening.zone);
    let openings: Vec<&Opening> = openings.iter().filter(wanted).collect();
    let rules = rule::Rules::new(&openings, &request.cluster);
    match request.format {
        Format::Table => table::render(&openings),
        Format::Nft => nft::render(&rules),
        Format::Ufw => ufw::render(&rules),
        Format::Firewalld => firewalld::render(&rules),
        Format::Iptables => iptables::render(&rules),
    }
}
