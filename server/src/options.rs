//! The top-level options that the server implements, beside those of reading the configuration itself.

use nightjar_config::{OptionSpec, option};

/// Top-level options, by what they are about.
pub(crate) const TOPLEVEL: &[OptionSpec] = &[
    // Logs
    option(
        "loglevel",
        "none|emergency|alert|critical|error|warning|notice|info|debug|int 0..5",
        "info",
        "How much is logged.",
    ),
    option("log_rotate_size", "int>0|infinity", "10485760", "Bytes of a log file before it is renamed away."),
    option("log_rotate_count", "int>=0", "1", "Log files kept beside the one that is written."),
    option(
        "log_burst_limit_count",
        "int>0",
        "500",
        "Lines logged in one burst window; more are left out and counted.",
    ),
    option("log_burst_limit_window_time", "duration(s)", "1 s", "The burst window."),
    option("log_modules_fully", "[name]", "[]", "Modules whose lines are logged whatever the log level."),
    option(
        "hide_sensitive_log_data",
        "bool",
        "true",
        "Log the network instead of the address of a client. ejabberd's default is false.",
    ),
    // Accounts
    option(
        "auth_method",
        "anonymous|external|jwt|ldap|mnesia|pam|sql or list of these",
        "unset",
        "How accounts are checked, in this order; accounts of the database if unset.",
    ),
    option(
        "auth_password_format",
        "plain|scram",
        "unset",
        "How passwords are stored; as SCRAM keys if unset. ejabberd's default is plain.",
    ),
    option(
        "auth_scram_hash",
        "sha|sha256|sha512",
        "unset",
        "Hash of stored SCRAM keys; all of them if unset.",
    ),
    option(
        "auth_stored_password_types",
        "[plain|scram_sha1|scram_sha256|scram_sha512]",
        "[]",
        "Forms in which a new password is stored, in place of the two options above.",
    ),
    option(
        "auth_password_types_hidden_in_sasl1",
        "[plain|scram_sha1|scram_sha256|scram_sha512]",
        "[]",
        "Stored forms whose mechanisms are offered by SASL2 only.",
    ),
    option("auth_use_cache", "bool", "= toplevel use_cache", "Keep what was read of accounts in memory."),
    option("auth_cache_size", "int>0|infinity", "= toplevel cache_size", "Accounts kept in memory."),
    option(
        "auth_cache_life_time",
        "duration(s)|infinity",
        "= toplevel cache_life_time",
        "How long an account is kept in memory.",
    ),
    option(
        "auth_cache_missed",
        "bool",
        "= toplevel cache_missed",
        "Remember which accounts do not exist, too.",
    ),
    option("disable_sasl_mechanisms", "string or [string]", "[]", "SASL mechanisms that are not offered."),
    option(
        "disable_sasl_scram_downgrade_protection",
        "bool",
        "false",
        "Leave out the list of mechanisms that SCRAM signs (XEP-0474).",
    ),
    option(
        "anonymous_protocol",
        "sasl_anon|login_anon|both",
        "sasl_anon",
        "How somebody without an account logs in, where auth_method has anonymous.",
    ),
    option(
        "allow_multiple_connections",
        "bool",
        "false",
        "Whether an anonymous name may be connected more than once.",
    ),
    // Caches
    option("use_cache", "bool", "true", "The default of all options named …use_cache."),
    option("cache_size", "int>0|infinity", "1000", "The default of all options named …cache_size."),
    option(
        "cache_life_time",
        "duration(s)|infinity",
        "1 h",
        "The default of all options named …cache_life_time.",
    ),
    option("cache_missed", "bool", "true", "The default of all options named …cache_missed."),
    // Database
    option(
        "default_db",
        "mnesia|sql",
        "mnesia",
        "Accepted: all data is in the SQL database, which is an embedded SQLite unless sql_type says otherwise.",
    ),
    option("default_ram_db", "mnesia|sql|redis", "mnesia", "Accepted: what need not last is kept in memory."),
    option(
        "sql_type",
        "mysql|pgsql|sqlite|mssql|odbc",
        "sqlite",
        "The database; mysql, pgsql or sqlite. SQLite needs nothing else and lives in the node's home.",
    ),
    option("sql_server", "string", "localhost", "The database's host, or the path of its UNIX socket."),
    option("sql_port", "port 1..65535", "unset", "The database's port; its usual one if unset."),
    option(
        "sql_database",
        "string",
        "unset",
        "The database's name, or the file of SQLite; ejabberd if unset.",
    ),
    option("sql_username", "string", "ejabberd", "Who logs in to the database."),
    option("sql_password", "string", "\"\"", "The password for the database."),
    option(
        "sql_pool_size",
        "int>0",
        "unset",
        "Connections to the database: 10 if unset, 2 readers for SQLite.",
    ),
    option("sql_connect_timeout", "duration(s)", "5 s", "How long connecting to the database may take."),
    option("sql_query_timeout", "duration(s)", "1 min", "How long a query may take, waiting included."),
    option("sql_start_interval", "duration(s)", "30 s", "The longest pause between attempts to connect."),
    option(
        "sql_prepared_statements",
        "bool",
        "true",
        "Prepare statements; false behind some connection poolers.",
    ),
    option("sql_ssl", "bool", "false", "Encrypt connections to the database."),
    option("sql_ssl_verify", "bool", "false", "Check the database's certificate."),
    option("sql_ssl_cafile", "PEM file", "unset", "Authorities that sign the database's certificate."),
    option("sql_ssl_certfile", "PEM file", "unset", "Certificate and key shown to the database."),
    option(
        "sql_schema_multihost",
        "bool",
        "true",
        "Layout of a database that has no tables yet; an existing one is recognised. ejabberd's default is false.",
    ),
    option("new_sql_schema", "bool", "unset", "The old name of sql_schema_multihost."),
    option("update_sql_schema", "bool", "true", "Accepted: tables are always brought up to date at start."),
    // Connections
    option("certfiles", "[string]", "unset", "PEM files with certificates and keys; * and ? match many."),
    option("ca_file", "PEM file", "system CA bundle", "Authorities that sign the certificates of others."),
    option(
        "trusted_proxies",
        "all|[ip_mask]",
        "[]",
        "Proxies that say truly whom they connect, by X-Forwarded-For, -Proto and -Host.",
    ),
    option("language", "language tag", "en", "The language of what the server says."),
    option(
        "connections_max",
        "int>0|infinity",
        "unset",
        "Connections from the network that all listeners together take; nine tenths of the files that may be open if \
         unset.",
    ),
    option(
        "unauthenticated_connections_max",
        "int>0|infinity",
        "unset",
        "Of these, those that have not logged in; a fifth of the files that may be open if unset, 16384 at most.",
    ),
    option(
        "unauthenticated_connections_per_address_max",
        "int>0|infinity",
        "unset",
        "Of these, those from one IPv4 address or one IPv6 network of 64 bits, but for this machine and \
         trusted_proxies; an eighth of the option above if unset, 64 at least.",
    ),
    option("negotiation_timeout", "duration(s)", "2 min", "How long a stream may take until it is bound."),
    option(
        "registration_timeout",
        "duration(s)|infinity",
        "10 min",
        "Time between two registrations from one address.",
    ),
    option(
        "resource_conflict",
        "setresource|closeold|closenew|acceptnew",
        "acceptnew",
        "Who stays when a resource is connected twice.",
    ),
];

#[cfg(test)]
mod tests;
