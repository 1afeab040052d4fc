//! The options that every module with a table and a cache has.

/// `db_type` and the four cache options, before any others that are given.
macro_rules! cache_options {
    ($what:literal $(, $option:expr)* $(,)?) => {
        [
            nightjar_config::OptionSpec {
                name: "db_type",
                kind: "mnesia|sql",
                default: "= toplevel default_db",
                doc: concat!("Where ", $what, " are kept; both words mean the SQL database."),
            },
            nightjar_config::OptionSpec {
                name: "use_cache",
                kind: "bool",
                default: "= toplevel use_cache",
                doc: concat!("Whether ", $what, " are cached."),
            },
            nightjar_config::OptionSpec {
                name: "cache_size",
                kind: "int>0|infinity",
                default: "= toplevel cache_size",
                doc: concat!("How many ", $what, " are cached."),
            },
            nightjar_config::OptionSpec {
                name: "cache_missed",
                kind: "bool",
                default: "= toplevel cache_missed",
                doc: concat!("Whether the absence of ", $what, " is cached too."),
            },
            nightjar_config::OptionSpec {
                name: "cache_life_time",
                kind: "duration(s)|infinity",
                default: "= toplevel cache_life_time",
                doc: concat!("How long ", $what, " stay cached."),
            },
            $($option,)*
        ]
    };
}

pub(crate) use cache_options;
