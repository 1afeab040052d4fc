//! The node's Erlang side, for commands that only look at it.

use anyhow::Context as _;
use nightjar_firewall::Erlang;

/// What nodes speak over TLS.
const TLS: &str = "inet_tls";

#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ErlangArguments {
    /// The node's long Erlang name; its ports come from the variables of ejabberdctl
    #[arg(long, value_name = "NODE", env = "ERLANG_NODE")]
    name: Option<String>,
    /// The node's short Erlang name
    #[arg(long, value_name = "NODE", conflicts_with = "name")]
    sname: Option<String>,
    /// What Erlang nodes speak among themselves: inet_tcp or inet_tls
    #[arg(long, value_name = "PROTOCOL", default_value = "inet_tcp")]
    proto_dist: String,
}

impl ErlangArguments {
    /// The node's Erlang side; none without a name.
    ///
    /// # Errors
    /// If a variable can't be understood.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Erlang>> {
        let Some(name) = self.name.as_ref().or(self.sname.as_ref()) else { return Ok(None) };
        let erlang = Erlang::new(name, self.proto_dist == TLS, |name| std::env::var(name).ok());
        erlang.map(Some).context("the environment")
    }
}
