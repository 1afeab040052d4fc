//! What a person sees when a node has started.

use std::fmt::Write as _;

use nightjar_config::Config;

use crate::home::Home;
use crate::listeners;

/// Each port, what speaks there, and what to try.
pub(crate) fn banner(config: &Config, home: &Home, account: Option<&str>) -> String {
    let mut text = format!("\nNightjar {} is running\n\n", env!("CARGO_PKG_VERSION"));
    let hosts: Vec<_> = config.hosts().iter().map(|host| host.as_str()).collect();
    let _ = writeln!(text, "  hosts    {}", hosts.join(", "));
    let _ = writeln!(text, "  home     {}", home.path().display());
    for listener in config.listeners() {
        let speaks = listeners::find(&listener.module).map_or("", |kind| (kind.speaks)(listener));
        let _ = writeln!(text, "  {:<24} {speaks}", listener.endpoint().to_string());
    }
    if let Some(account) = account {
        let _ = writeln!(text, "\n  {account}");
    }
    let first = hosts.first().copied().unwrap_or("localhost");
    let _ = write!(
        text,
        "\nTry\n  nightjar ctl --home {home} register alice {first} PASSWORD\n  \
         and log in as alice@{first} with any XMPP client\n  nightjar ctl --home {home} status\n",
        home = home.path().display()
    );
    text
}
