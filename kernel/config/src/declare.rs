//! How options are declared beside the features that have them.

/// One option: its name, the notation of its type, its default and a sentence about it.
///
/// Options inside a map or list are declared beside it with the way to them in their name:
/// `welcome_message.subject`, `services[].port`, `servers.*.publish`.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Name as in the file.
    pub name: &'static str,
    /// Type, in the notation of the parity tables: `bool`, `int>0|infinity`, `duration(s)`, `access rule`, …
    pub kind: &'static str,
    /// The default as it would be written in the file; `= toplevel NAME` for the value of a top-level option,
    /// `unset` for none, `required` when the file has to say. `@HOST@` is the virtual host.
    pub default: &'static str,
    /// What the option does, one sentence.
    pub doc: &'static str,
}

/// A module or listener and its options.
#[derive(Clone, Copy, Debug)]
pub struct ModuleSpec {
    /// Name as in the file.
    pub name: &'static str,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// What it does, one sentence.
    pub doc: &'static str,
}

/// What this server has; everything else that ejabberd knows is accepted with a warning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declarations<'a> {
    /// Modules of `modules`.
    pub modules: &'a [&'a ModuleSpec],
    /// Modules of `listen`, and HTTP request handlers that are not modules.
    pub listeners: &'a [&'a ModuleSpec],
    /// Top-level options, besides those of [`CORE`].
    pub toplevel: &'a [OptionSpec],
}

/// A row of a table of options.
pub const fn option(
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    doc: &'static str,
) -> OptionSpec {
    OptionSpec { name, kind, default, doc }
}

/// Top-level options that reading the configuration itself implements.
pub const CORE: &[OptionSpec] = &[
    option("hosts", "non-empty [domain]", "required", "The virtual hosts (XMPP domains) that are served."),
    option(
        "listen",
        "list of maps",
        "[]",
        "The ports that are listened on, each with its module and options.",
    ),
    option(
        "modules",
        "map {module: map of options}",
        "{}",
        "The modules that are started, with their options.",
    ),
    option(
        "host_config",
        "map {host: map of options}",
        "{}",
        "Options of one host in place of the global ones.",
    ),
    option(
        "append_host_config",
        "map {host: map of options}",
        "{}",
        "Lists and maps of one host, added to the global ones.",
    ),
    option(
        "include_config_file",
        "string|[string]|map {file: options}",
        "[]",
        "Other files to read in this place, relative to this one; `allow_only` and `disallow` limit what they may say.",
    ),
    option(
        "define_macro",
        "map {string: any}",
        "{}",
        "Values that stand wherever their NAME or @NAME@ is written.",
    ),
    option(
        "define_keyword",
        "map {string: any}",
        "{}",
        "Like macros, replaced after them; may differ from host to host.",
    ),
    option(
        "acl",
        "map; see auth_access.tsv",
        "{}",
        "Named lists of who: accounts, servers, addresses, patterns.",
    ),
    option(
        "access_rules",
        "map; see auth_access.tsv",
        "{}",
        "Named rules that allow or deny members of access lists.",
    ),
    option("shaper", "map; see auth_access.tsv", "{}", "Named traffic limits in bytes a second."),
    option("shaper_rules", "map; see auth_access.tsv", "{}", "Named rules that choose a shaper or a number."),
    option(
        "api_permissions",
        "map; see auth_access.tsv",
        "unset",
        "Who may run which administration commands from where.",
    ),
    option("version", "string", "unset", "The version that is reported in place of the real one."),
    // Kinds of an Erlang node; there is nothing to choose here.
    option(
        "allow_contrib_modules",
        "bool",
        "true",
        "Accepted and without effect: there are no contributed modules.",
    ),
    option("cluster_backend", "mnesia", "mnesia", "Accepted and without effect: clusters need no Mnesia."),
];

/// Options of every listener that reading the configuration itself implements.
pub const CORE_LISTENER: &[OptionSpec] = &[
    option("module", "listener module name", "required", "What speaks on this port."),
    option(
        "port",
        "int 0..65535|string \"unix:PATH\"",
        "required",
        "The port, or \"unix:\" and the path of a socket.",
    ),
    option("ip", "ip", "0.0.0.0", "The address that is bound; \"::\" is all of IPv6 and IPv4."),
    option("transport", "tcp|udp", "tcp", "TCP or UDP."),
    option("supervisor", "bool", "true", "Accepted and without effect."),
    option("accept_interval", "int>=0", "0", "Accepted and without effect."),
];
