//! Openings as a firewall sees them.

use std::net::IpAddr;

use nightjar_config::units::Network;

use crate::opening::{Endpoint, Opening, Ports, Protocol, Zone};

/// Connections of one kind that are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The address they go to; none for all of the machine's.
    pub(super) to: Option<IpAddr>,
    /// Only IPv4, only IPv6, or both.
    pub(super) family: Family,
    pub(super) protocol: Protocol,
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) comment: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Both,
    V4,
    V6,
}

/// All that a firewall has to be told.
#[derive(Debug)]
pub(super) struct Rules {
    /// For everybody.
    pub(super) public: Vec<Rule>,
    /// For the machines of the cluster, and for nobody else.
    pub(super) cluster: Vec<Rule>,
    /// Those machines.
    pub(super) machines: Vec<Network>,
    /// What no rule can say.
    pub(super) remarks: Vec<String>,
}

impl Rules {
    pub(super) fn new(openings: &[&Opening], machines: &[Network]) -> Rules {
        let mut rules = Rules {
            public: Vec::new(),
            cluster: Vec::new(),
            machines: machines.to_vec(),
            remarks: Vec::new(),
        };
        for opening in openings {
            rules.take(opening);
        }
        if !rules.cluster.is_empty() && machines.is_empty() {
            let remark = "No machine of the cluster was named: its ports are for this machine alone \
                          (--cluster-address)";
            rules.remarks.push(remark.to_owned());
        }
        rules
    }

    fn take(&mut self, opening: &Opening) {
        let Endpoint::Net { address, ports, protocol } = &opening.endpoint else { return };
        if !opening.served || opening.zone == Zone::Local {
            return;
        }
        let comment = format!("{} {}", opening.module, opening.speaks);
        let Ports::Range(first, last) = *ports else {
            let what = opening.speaks;
            self.remarks
                .push(format!("{what} has a random port, so there is no rule for it: {}", opening.note));
            return;
        };
        let family = match address {
            IpAddr::V6(any) if any.is_unspecified() => Family::Both,
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        };
        let to = (!address.is_unspecified()).then_some(*address);
        let rule = Rule { to, family, protocol: *protocol, first, last, comment };
        let list = if opening.zone == Zone::Public { &mut self.public } else { &mut self.cluster };
        if !list.contains(&rule) {
            list.push(rule);
        }
    }

    /// The machines that a rule can hold for.
    pub(super) fn machines_of(&self, rule: &Rule) -> impl Iterator<Item = &Network> {
        let family = rule.family;
        self.machines.iter().filter(move |machine| match family {
            Family::Both => true,
            Family::V4 => machine.address.is_ipv4(),
            Family::V6 => machine.address.is_ipv6(),
        })
    }

    /// Lines of comment.
    pub(super) fn remarks(&self) -> String {
        self.remarks.iter().map(|remark| format!("# {remark}.\n")).collect()
    }
}

impl Rule {
    /// `5222`, or the first and last port with a sign between them.
    pub(super) fn ports(&self, between: char) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}{between}{}", self.first, self.last)
        }
    }
}
