//! Every finding there can be.

use serde::Serialize;

#[cfg(test)]
mod tests;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody can get at what is not theirs, or the server can't do its work.
    Critical,
    /// It should be changed.
    Warning,
    /// It could be better.
    Advice,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Advice => "advice",
        }
    }
}

/// A kind of finding.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, as `--json` has it.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Why it matters, one sentence without a full stop.
    pub why: &'static str,
}

const fn critical(id: &'static str, why: &'static str) -> Rule {
    Rule { id, severity: Severity::Critical, why }
}

const fn warning(id: &'static str, why: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, why }
}

const fn advice(id: &'static str, why: &'static str) -> Rule {
    Rule { id, severity: Severity::Advice, why }
}

/// All kinds, by what they are about.
pub const RULES: &[Rule] = &[
    // Connections
    critical("c2s-unencrypted", "everybody on the way reads messages and takes over sessions"),
    warning("starttls-optional", "whoever stands in between strips the offer of encryption"),
    warning("sasl2-unencrypted", "logins pass in plain text"),
    critical("s2s-unencrypted", "messages to and from other servers pass in plain text"),
    warning("s2s-starttls-optional", "whoever stands between two servers strips the offer of encryption"),
    warning("mqtt-without-tls", "MQTT sends the password in plain text"),
    critical("admin-without-tls", "an administrator's password passes in plain text"),
    warning("http-without-tls", "what browsers send and get passes in plain text"),
    advice("web-admin-public", "everybody can try passwords of administrators there"),
    warning(
        "component-without-tls",
        "a component's secret and its stanzas pass over the network in plain text",
    ),
    warning("component-password-weak", "whoever guesses the secret speaks for a whole domain"),
    warning("component-any-sender", "a component may send in the name of anybody, of your users too"),
    critical("turn-open-relay", "everybody can send through this machine to any address"),
    warning("proxy65-open", "everybody can send files to each other at your cost"),
    warning("proxy-protocol-public", "whoever connects directly says which address he comes from"),
    warning("legacy-tls", "SSL and TLS before 1.2 can be broken"),
    warning("weak-ciphers", "these ciphers can be broken"),
    warning("tls-compression", "compression below TLS lets secrets be guessed (CRIME)"),
    advice("stanza-size-unlimited", "one client can make the server keep very large stanzas"),
    warning("trusted-proxies-all", "every client says which address it comes from"),
    advice("websocket-any-origin", "any page a user opens can use his browser to connect"),
    // Accounts and rights
    critical("open-registration", "open servers are used to send spam, and are blocked by others"),
    warning("password-plain", "whoever gets the database gets every password"),
    warning("anonymous-login", "nobody can be held to account for what is sent from here"),
    warning("scram-downgrade", "whoever stands in between can choose the weakest mechanism"),
    warning("legacy-auth", "XEP-0078 logs in with a password in plain text or an unsalted SHA-1"),
    advice("no-fail2ban", "passwords can be tried without end"),
    critical("admin-for-all", "every account is an administrator"),
    critical("api-open", "everybody can run administration commands"),
    critical("api-all-accounts", "every account can run administration commands"),
    advice("oauth-any-client", "any application can ask a user for a token"),
    // Logs
    warning("loglevel-debug", "the log tells who talks to whom, and grows fast"),
    advice("log-modules-fully", "these modules log at every level, whatever loglevel says"),
    advice("sensitive-data-logged", "the log holds the addresses of all clients"),
    // Database
    warning("sql-unencrypted", "queries, keys of passwords and the database's password pass in plain text"),
    advice("sql-certificate-unchecked", "whoever stands in between can play the database"),
    critical("database-unreachable", "nobody can log in"),
    critical("database-damaged", "what was stored is lost or will be"),
    // Ports
    critical("port-not-bound", "nobody can connect there"),
    critical("port-taken", "another program gets the connections of your users"),
    warning("port-bound-wider", "more machines can connect than the configuration says"),
    warning("port-not-configured", "what the configuration does not know is not protected by it"),
    // Certificates
    critical("certificate-unreadable", "without its certificate the server doesn't start"),
    warning("certificate-missing", "clients and servers can't tell the server from somebody in between"),
    warning("certificate-self-signed", "clients and servers can't tell it from one of somebody in between"),
    warning("certificate-subdomain", "other servers refuse a service whose name isn't in the certificate"),
    critical("certificate-expired", "clients and servers refuse it"),
    warning("certificate-expiring", "clients and servers will refuse it soon"),
    critical("certificate-not-yet-valid", "clients and servers refuse it"),
    warning("certificate-chain-order", "some clients give up on a chain that is out of order"),
    warning("certificate-chain-incomplete", "clients that don't know the intermediate authority refuse it"),
    warning("certificate-weak-key", "the key can be computed from the certificate"),
    warning("certificate-weak-signature", "certificates signed like this can be forged, and are refused"),
    critical("certificate-without-key", "the server can't use it and doesn't start"),
    // Names
    critical("dns-unreachable", "nobody finds the server"),
    advice("dns-srv-client", "clients have to guess host and port"),
    advice("dns-srv-direct-tls", "clients can't know that TLS from the first byte is there (XEP-0368)"),
    advice("dns-srv-server", "other servers have to guess host and port"),
    advice("dns-srv-stun", "clients can't find the STUN and TURN server"),
    warning("dns-srv-port", "clients are sent to a port where nothing of this configuration listens"),
    critical("dns-srv-target", "clients are sent to a machine that has no address"),
    warning("dns-srv-refused", "the record says that there is no such service"),
    warning("dns-service-missing", "other servers can't find the service"),
    critical("dns-tlsa-mismatch", "servers that check DANE refuse the connection"),
    advice("dns-tlsa-missing", "the zone is signed, and could vouch for the certificate (DANE)"),
    advice("dns-failed", "it is not known what others see"),
    // Erlang
    critical("cookie-open", "whoever knows the cookie runs any code in the cluster"),
    critical("cookie-weak", "whoever guesses the cookie runs any code in the cluster"),
    warning("epmd-exposed", "epmd tells everybody which nodes there are and where"),
    critical(
        "distribution-unencrypted",
        "cluster traffic can be read and changed, and a session be taken over",
    ),
    advice("distribution-random-port", "no firewall can let nodes in and keep others out"),
    // Files
    critical("home-open", "other users of the machine can read keys, messages and the database"),
    warning("home-foreign", "the node can't keep its own files from the folder's owner"),
    critical("config-open", "other users of the machine can read passwords or change the configuration"),
    critical("database-open", "other users of the machine can read or change all that is stored"),
    critical("key-open", "other users of the machine can play the server"),
    warning("logs-open", "other users of the machine can read who talks to whom"),
    critical("socket-open", "other users of the machine can connect to what is meant for administrators"),
    // Machine
    warning("nofile-low", "each connection needs a file descriptor"),
    advice("somaxconn-low", "connections are refused when many come at once"),
    critical("clock-wrong", "certificates look expired, and messages have wrong dates"),
    advice(
        "clock-unsynchronised",
        "a clock that drifts breaks tokens, certificates and the order of messages",
    ),
    critical("disk-full", "nothing can be stored any more"),
    warning("disk-low", "nothing can be stored when it is full"),
    warning("inodes-low", "no file can be made when they are used up, whatever space there is"),
    warning("memory-low", "the system ends programs when there is no memory left"),
    warning("runs-as-root", "a mistake in the server would give away the whole machine"),
    advice("sandbox-off", "a mistake in the server would give away all that its user can reach"),
];

/// The kind of this name. A name that isn't in the list is a mistake of this crate, and found by its tests.
pub(crate) fn rule(id: &str) -> Rule {
    let found = RULES.iter().find(|rule| rule.id == id);
    debug_assert!(found.is_some(), "the finding {id} is not in the catalogue");
    found.copied().unwrap_or(advice("unknown", ""))
}
