//! Options of mod_vcard.

use nightjar_config::{ModuleSpec, OptionSpec};

/// An option of the LDAP backend.
const fn ldap(name: &'static str, kind: &'static str, default: &'static str) -> OptionSpec {
    OptionSpec { name, kind, default, doc: "Of the LDAP backend, which is not supported yet." }
}

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_vcard",
    doc: "Keeps vCards (XEP-0054) and lets people be found by them (XEP-0055).",
    options: &[
        OptionSpec {
            name: "allow_return_all",
            kind: "bool",
            default: "false",
            doc: "Whether a search with nothing filled in finds everybody.",
        },
        OptionSpec {
            name: "host",
            kind: "service domain",
            default: "vjud.@HOST@",
            doc: "Where the user directory is served.",
        },
        OptionSpec {
            name: "hosts",
            kind: "[vhost-like domain]",
            default: "[]",
            doc: "Where the user directory is served, in place of host.",
        },
        OptionSpec {
            name: "append_module_config",
            kind: "map {domain: [any]}",
            default: "{}",
            doc: "Options of one of several hosts; its name is heeded.",
        },
        OptionSpec {
            name: "matches",
            kind: "int>0|infinity",
            default: "30",
            doc: "How many people a search finds at most.",
        },
        OptionSpec {
            name: "search",
            kind: "bool",
            default: "false",
            doc: "Whether there is a user directory.",
        },
        OptionSpec {
            name: "name",
            kind: "string",
            default: "vCard User Search",
            doc: "The user directory's name for people.",
        },
        OptionSpec { name: "vcard", kind: "vCard map", default: "unset", doc: "The server's own vCard." },
        OptionSpec {
            name: "db_type",
            kind: "mnesia|sql|ldap",
            default: "= toplevel default_db",
            doc: "Where vCards are kept; mnesia and sql mean the SQL database.",
        },
        OptionSpec {
            name: "use_cache",
            kind: "bool",
            default: "= toplevel use_cache",
            doc: "Whether vCards are cached.",
        },
        OptionSpec {
            name: "cache_size",
            kind: "int>0|infinity",
            default: "= toplevel cache_size",
            doc: "How many vCards are cached.",
        },
        OptionSpec {
            name: "cache_missed",
            kind: "bool",
            default: "= toplevel cache_missed",
            doc: "Whether the absence of vCards is cached too.",
        },
        OptionSpec {
            name: "cache_life_time",
            kind: "duration(s)|infinity",
            default: "= toplevel cache_life_time",
            doc: "How long vCards stay cached.",
        },
        ldap(
            "ldap_search_fields",
            "map {string: string}",
            "{User: '%u', Full Name: displayName, Given Name: givenName, Middle Name: initials, Family Name: sn, Nickname: '%u', Birthday: birthDay, Country: c, City: l, Email: mail, Organization Name: o, Organization Unit: ou}",
        ),
        ldap(
            "ldap_search_reported",
            "map {string: string}",
            "{Full Name: FN, Given Name: FIRST, Middle Name: MIDDLE, Family Name: LAST, Nickname: NICK, Birthday: BDAY, Country: CTRY, City: LOCALITY, Email: EMAIL, Organization Name: ORGNAME, Organization Unit: ORGUNIT}",
        ),
        ldap(
            "ldap_vcard_map",
            "map {string: map {string: [string]}}",
            "{NICKNAME: {'%u': []}, FN: {'%s': [displayName]}, FAMILY: {'%s': [sn]}, GIVEN: {'%s': [givenName]}, MIDDLE: {'%s': [initials]}, ORGNAME: {'%s': [o]}, ORGUNIT: {'%s': [ou]}, CTRY: {'%s': [c]}, LOCALITY: {'%s': [l]}, STREET: {'%s': [street]}, REGION: {'%s': [st]}, PCODE: {'%s': [postalCode]}, TITLE: {'%s': [title]}, URL: {'%s': [labeleduri]}, DESC: {'%s': [description]}, TEL: {'%s': [telephoneNumber]}, EMAIL: {'%s': [mail]}, BDAY: {'%s': [birthDay]}, ROLE: {'%s': [employeeType]}, PHOTO: {'%s': [jpegPhoto]}}",
        ),
        ldap("ldap_backups", "[domain]", "= toplevel ldap_backups"),
        ldap("ldap_base", "string", "= toplevel ldap_base"),
        ldap("ldap_uids", "[string]|map {string: string}", "= toplevel ldap_uids"),
        ldap("ldap_deref_aliases", "never|searching|finding|always", "= toplevel ldap_deref_aliases"),
        ldap("ldap_encrypt", "tls|starttls|none", "= toplevel ldap_encrypt"),
        ldap("ldap_password", "string", "= toplevel ldap_password"),
        ldap("ldap_port", "port 1..65535", "= toplevel ldap_port"),
        ldap("ldap_rootdn", "string", "= toplevel ldap_rootdn"),
        ldap("ldap_servers", "[domain]", "= toplevel ldap_servers"),
        ldap("ldap_filter", "ldap filter", "= toplevel ldap_filter"),
        ldap("ldap_tls_certfile", "PEM file", "= toplevel ldap_tls_certfile"),
        ldap("ldap_tls_cacertfile", "PEM file", "= toplevel ldap_tls_cacertfile"),
        ldap("ldap_tls_depth", "int>=0", "= toplevel ldap_tls_depth"),
        ldap("ldap_tls_verify", "hard|soft|false", "= toplevel ldap_tls_verify"),
        OptionSpec {
            name: "search_all_hosts",
            kind: "bool",
            default: "true",
            doc: "Accepted; a directory searches its own virtual host.",
        },
    ],
};
