//! How accounts are made, kept and checked.

use nightjar_config::access::{Access, Who};
use nightjar_config::{Config, HostConfig, Options, Value};

use crate::finding::Finding;
use crate::look::{STRANGERS, flag, is_public, line, nobody, value, word, words};

pub(super) fn check(config: &Config, found: &mut Vec<Finding>) {
    let reachable = config.listeners().iter().any(is_public);
    for host in config.hosts() {
        let of_host = config.host(host);
        if reachable {
            registration(of_host, found);
            guesses(of_host, found);
        }
        passwords(&of_host.options, found);
        if of_host.module("mod_legacy_auth").is_some() {
            let what = "mod_legacy_auth is on";
            found.push(Finding::new("legacy-auth", what, "remove mod_legacy_auth"));
        }
    }
}

fn registration(host: &HostConfig, found: &mut Vec<Finding>) {
    let Some(options) = host.module("mod_register") else { return };
    if flag(options, "captcha_protected") {
        return;
    }
    let Some(account) = nobody(&host.name) else { return };
    let open = |address| {
        let who = Who::jid(&account).with_ip(address);
        allows(&host.access, options, "access", &who) && allows(&host.access, options, "ip_access", &who)
    };
    if STRANGERS.into_iter().any(open) {
        let what = "everybody can make an account, from anywhere";
        let fix = "write `ip_access: trusted_network` under mod_register, or remove it";
        let at = line(options, "ip_access").or_else(|| line(options, "access"));
        found.push(Finding::new("open-registration", what, fix).at(at));
    }
}

/// Of the network only: on this machine nobody needs to guess.
fn guesses(host: &HostConfig, found: &mut Vec<Finding>) {
    if host.module("mod_fail2ban").is_none() {
        let what = "nobody is kept out for failing to log in";
        found.push(Finding::new("no-fail2ban", what, "add `mod_fail2ban: {}` to modules"));
    }
}

fn allows(access: &Access, options: &Options, name: &str, who: &Who<'_>) -> bool {
    match value(options, name) {
        Value::Access(rule) => access.allows(rule, who),
        _ => false,
    }
}

fn passwords(options: &Options, found: &mut Vec<Finding>) {
    let stored = ["auth_password_format", "auth_stored_password_types"];
    let plain = stored.into_iter().find(|name| words(options, name).iter().any(|word| word == "plain"));
    if let Some(name) = plain {
        let what = "passwords are stored as they are";
        let fix = format!("remove `{name}`: SCRAM keys are stored then");
        found.push(Finding::new("password-plain", what, fix).at(line(options, name)));
    }
    if words(options, "auth_method").iter().any(|method| method == "anonymous") {
        let what = "everybody can log in without an account";
        let fix = "remove `anonymous` from auth_method";
        found.push(Finding::new("anonymous-login", what, fix).at(line(options, "auth_method")));
    }
    if word(options, "disable_sasl_scram_downgrade_protection") == Some("true") {
        let what = "clients can't notice a list of mechanisms that was changed on its way";
        let name = "disable_sasl_scram_downgrade_protection";
        let fix = format!("remove `{name}`");
        found.push(Finding::new("scram-downgrade", what, fix).at(line(options, name)));
    }
}
