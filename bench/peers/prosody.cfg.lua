-- What Prosody is measured with. {marks} are filled in by the comparison.
-- The generational collector and the epoll backend, no limits, nothing on the console, the modules that people's
-- clients use.
run_as_root = true
daemonize = false
pidfile = "{home}/prosody.pid"
data_path = "{home}/data"
certificates = "{home}"
log = { warn = "{home}/prosody.log" }

network_backend = "epoll"
network_settings = { tcp_backlog = 1024 }
gc = { mode = "generational" }

interfaces = { "127.0.0.1" }
c2s_ports = { {port} }
c2s_direct_tls_ports = { {port_tls} }
s2s_ports = { }
ssl = { key = "{home}/server.pem"; certificate = "{home}/server.pem" }

c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "{authentication}"
allow_registration = true
storage = {storage}
{sql}

modules_enabled = {
	"roster", "saslauth", "tls", "disco", "blocklist", "carbons", "csi_simple", "smacks", "lastactivity", "offline",
	"ping", "private", "register_ibr", "time", "vcard_legacy", "vcard4", "pep", "version", {archive}
}
modules_disabled = { "s2s" }
archive_expires_after = "never"
default_archive_policy = true
max_archive_query_results = 50

VirtualHost "{domain}"
