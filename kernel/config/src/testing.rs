//! What the tests of this crate share: text in, configuration or lines of diagnostics out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Report};
use crate::kind::Type;
use crate::node::{Node, Place, Source};
use crate::{Config, Declarations, Environment, Loaded, ModuleSpec, OptionSpec, Value, load_with, yaml};

pub(crate) const fn option(name: &'static str, kind: &'static str, default: &'static str) -> OptionSpec {
    OptionSpec { name, kind, default, doc: "What it does." }
}

/// A server with a few of everything.
pub(crate) const MODULES: &[&ModuleSpec] = &[
    &ModuleSpec {
        name: "mod_adhoc",
        options: &[option("report_commands_node", "bool", "false")],
        doc: "Commands.",
    },
    &ModuleSpec {
        name: "mod_announce",
        options: &[
            option("access", "access rule", "none"),
            option("db_type", "mnesia|sql", "= toplevel default_db"),
        ],
        doc: "Announcements.",
    },
    &ModuleSpec {
        name: "mod_offline",
        options: &[
            option("access_max_user_messages", "shaper rule", "max_user_offline_messages"),
            option("store_empty_body", "unless_chat_state|bool", "unless_chat_state"),
            option("cache_life_time", "duration(s)|infinity", "= toplevel cache_life_time"),
        ],
        doc: "Offline messages.",
    },
    &ModuleSpec {
        name: "mod_register",
        options: &[
            option("welcome_message", "map", "{subject: \"\", body: \"\"}"),
            option("welcome_message.subject", "string", "\"\""),
            option("welcome_message.body", "string", "\"\""),
            option("registration_watchers", "[jid]", "[]"),
            option("password_strength", "number>=0", "0"),
            option("ip_access", "access rule", "all"),
        ],
        doc: "Registration.",
    },
    &ModuleSpec {
        name: "mod_stream_mgmt",
        options: &[
            option("max_ack_queue", "int>0|infinity", "5000"),
            option("resume_timeout", "0|duration(s)", "5 min"),
            option("max_resume_timeout", "0|duration(s)", "unset"),
            option("ack_timeout", "duration(s)|infinity", "1 min"),
            option("resend_on_timeout", "if_offline|bool", "false"),
            option("cache_size", "int>0|infinity", "= toplevel cache_size"),
        ],
        doc: "Stream management.",
    },
    &ModuleSpec {
        name: "mod_vcard",
        options: &[
            option("host", "service domain", "vjud.@HOST@"),
            option("name", "string", "vCard User Search"),
        ],
        doc: "vCards.",
    },
];

pub(crate) const LISTENERS: &[&ModuleSpec] = &[&ModuleSpec {
    name: "ejabberd_c2s",
    options: &[
        option("access", "access rule", "all"),
        option("shaper", "shaper rule", "none"),
        option("starttls", "bool", "true"),
        option("tls", "bool", "false"),
        option("max_stanza_size", "int>0|infinity", "infinity"),
    ],
    doc: "Clients.",
}];

pub(crate) const TOPLEVEL: &[OptionSpec] = &[
    option("language", "language tag", "en"),
    option("loglevel", "none|emergency|alert|critical|error|warning|notice|info|debug|int 0..5", "info"),
    option("default_db", "mnesia|sql", "sql"),
    option("certfiles", "[string]", "unset"),
    option("cache_size", "int>0|infinity", "1000"),
    option("cache_life_time", "duration(s)|infinity", "1 h"),
    option("sql_password", "string", "\"\""),
    option("auth_method", "anonymous|mnesia|sql or list of these", "unset"),
    option("s2s_use_starttls", "bool|optional|required", "false"),
];

pub(crate) fn declarations() -> Declarations<'static> {
    Declarations { modules: MODULES, listeners: LISTENERS, toplevel: TOPLEVEL }
}

/// Loads text as `test.yml` in a directory with other files.
pub(crate) fn load_files(text: &str, others: &[(&str, &str)], environment: &Environment) -> Loaded {
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    files.insert("test.yml".into(), text.into());
    for (name, text) in others {
        files.insert((*name).into(), (*text).into());
    }
    load_with(Path::new("test.yml"), &declarations(), environment, &files)
}

pub(crate) fn load_text(text: &str) -> Loaded {
    load_files(text, &[], &Environment::default())
}

/// A configuration that has to be right.
#[track_caller]
pub(crate) fn config(text: &str) -> Config {
    match load_text(text) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{:#?}", lines(&errors)),
    }
}

/// What is wrong with a file or remarked on, one line each.
pub(crate) fn remarks(text: &str) -> Vec<String> {
    match load_text(text) {
        Ok((_, diagnostics)) | Err(diagnostics) => lines(&diagnostics),
    }
}

pub(crate) fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(Diagnostic::one_line).collect()
}

pub(crate) fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "test.yml".to_owned(), text: text.to_owned() })
}

/// A tree that has to be YAML.
#[track_caller]
pub(crate) fn node(text: &str) -> Node {
    yaml::parse(&source(text)).map_err(|error| error.one_line()).unwrap()
}

/// The value of a text of a type, or the remarks.
pub(crate) fn check(kind: &str, text: &str) -> Result<Value, Vec<String>> {
    let kind = Type::parse(kind).map_err(|error| vec![error.to_string()])?;
    let mut report = Report::default();
    let value = kind.check(&node(text), &Place::TOP.key("option"), &mut report);
    match report.finish() {
        Ok(_) => value.ok_or_else(Vec::new),
        Err(errors) => Err(lines(&errors)),
    }
}
