//! What a machine counts. All of it only grows.

use super::Refused;
use crate::policy::Refusal;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened so far.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Names, in the order of [`Counters::values`].
            pub const NAMES: &[&str] = &[$(stringify!($name),)*];

            /// All values.
            pub fn values(&self) -> [u64; Self::NAMES.len()] {
                [$(self.$name,)*]
            }

            /// Adds what another machine has counted.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// From what [`Counters::values`] gave.
            pub fn from_values(values: [u64; Self::NAMES.len()]) -> Self {
                let [$($name,)*] = values;
                Self { $($name,)* }
            }
        }
    };
}

counters! {
    /// Binding requests.
    bindings,
    /// Allocations made.
    allocations,
    /// Allocations ended.
    allocations_ended,
    /// Requests with a wrong key.
    authentication_failures,
    /// Packets relayed to peers.
    packets_to_peers,
    /// Their bytes.
    bytes_to_peers,
    /// Packets relayed to clients.
    packets_to_clients,
    /// Their bytes.
    bytes_to_clients,
    /// Packets that no permission covers.
    packets_without_permission,
    /// Packets that were more than an allocation may carry.
    packets_over_rate,
    /// Errors of the way to a peer that clients were told.
    icmp_errors,
    /// Answers not sent because an address had too many.
    answers_withheld,
    /// Packets that were nothing known.
    noise,
    /// Allocations refused because their client's address has as many as it may.
    quota_of_address_reached,
    /// Allocations refused because their account has as many as it may.
    quota_of_account_reached,
    /// Allocations refused because all together are as many as there may be.
    quota_of_server_reached,
    /// Allocations refused whose clients were told of another server.
    redirected,
    /// Allocations refused for want of sockets.
    no_relay_port,
    /// Allocations refused because no new ones are taken.
    draining,
    /// Peers refused: see [`Refusal::Blacklisted`].
    refused_blacklisted,
    /// [`Refusal::Loopback`]
    refused_loopback,
    /// [`Refusal::Private`]
    refused_private,
    /// [`Refusal::LinkLocal`]
    refused_link_local,
    /// [`Refusal::Multicast`]
    refused_multicast,
    /// [`Refusal::Reserved`]
    refused_reserved,
    /// [`Refusal::OwnService`]
    refused_own_service,
    /// [`Refusal::NoPort`]
    refused_no_port,
}

impl Counters {
    pub(super) fn refused(&mut self, refusal: Refusal) {
        *match refusal {
            Refusal::Blacklisted => &mut self.refused_blacklisted,
            Refusal::Loopback => &mut self.refused_loopback,
            Refusal::Private => &mut self.refused_private,
            Refusal::LinkLocal => &mut self.refused_link_local,
            Refusal::Multicast => &mut self.refused_multicast,
            Refusal::Reserved => &mut self.refused_reserved,
            Refusal::OwnService => &mut self.refused_own_service,
            Refusal::NoPort => &mut self.refused_no_port,
        } += 1;
    }

    pub(super) fn over_quota(&mut self, refused: Refused) {
        *match refused {
            Refused::Address => &mut self.quota_of_address_reached,
            Refused::Account => &mut self.quota_of_account_reached,
            Refused::Server => &mut self.quota_of_server_reached,
        } += 1;
    }
}
