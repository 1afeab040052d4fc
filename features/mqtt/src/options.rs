//! The options of mod_mqtt.

use nightjar_base::{FeatureContext, FeatureError};
use nightjar_config::access::AccessRef;
use nightjar_config::{HostConfig, ModuleSpec, Options, Value, option};
use nightjar_mqtt::topic::{self, LEVELS_MAX, Pattern};

pub(crate) static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_mqtt",
    doc: "An MQTT broker for the accounts of the host (MQTT 3.1, 3.1.1 and 5.0).",
    options: &[
        option(
            "match_retained_limit",
            "int>0|infinity",
            "1000",
            "Retained messages that a subscription gets at most.",
        ),
        option(
            "max_topic_depth",
            "int>0|infinity",
            "8",
            "Levels that topics and topic filters have at most.",
        ),
        option("max_topic_aliases", "int 0..65535", "100", "Aliases for topics that a client may give."),
        option(
            "session_expiry",
            "0|duration(s)",
            "5 min",
            "How long sessions are kept at most without a connection.",
        ),
        option("max_queue", "int>0|unlimited", "5000", "Messages that wait for a client at most."),
        option(
            "access_subscribe",
            "map {MQTT topic filter: access rule}",
            "{}",
            "Who may subscribe to what; everybody to everything where this is empty.",
        ),
        option(
            "access_publish",
            "map {MQTT topic filter: access rule}",
            "{}",
            "Who may publish what; everybody everything where this is empty.",
        ),
        option(
            "access_sys",
            "access rule",
            "[{allow: admin}]",
            "Who may subscribe to $SYS, besides what access_subscribe says.",
        ),
        option(
            "sys_interval",
            "0|duration(s)",
            "10 s",
            "How often statistics are published below $SYS/broker, as mosquitto has them; 0: never.",
        ),
        option(
            "db_type",
            "mnesia|sql",
            "= toplevel default_db",
            "Where retained messages are kept; both words mean the SQL database.",
        ),
        option("ram_db_type", "mnesia", "= toplevel default_ram_db", "Where sessions are found: in memory."),
        option(
            "queue_type",
            "ram|file",
            "= toplevel queue_type",
            "Where messages wait: in memory, whatever this says.",
        ),
        option(
            "use_cache",
            "bool",
            "= toplevel use_cache",
            "Retained messages are in memory, whatever this says.",
        ),
        option("cache_size", "int>0|infinity", "= toplevel cache_size", "The same."),
        option("cache_missed", "bool", "= toplevel cache_missed", "The same."),
        option("cache_life_time", "duration(s)|infinity", "= toplevel cache_life_time", "The same."),
    ],
};

/// A filter of `access_publish` or `access_subscribe`, and the rule that holds for what it covers.
pub(crate) type Rule = (Pattern, AccessRef);

/// The options as the broker uses them.
pub(crate) struct BrokerOptions {
    pub(crate) retained_max: usize,
    pub(crate) topic: topic::Limits,
    pub(crate) aliases_max: u16,
    /// Seconds.
    pub(crate) session_expiry: u32,
    pub(crate) queue_max: usize,
    pub(crate) publish: Vec<Rule>,
    pub(crate) subscribe: Vec<Rule>,
    pub(crate) sys_access: AccessRef,
    /// Milliseconds; 0 is never.
    pub(crate) sys_interval_ms: u64,
    source: Options,
}

/// What "unlimited" means: more than any client's share of memory is worth.
const QUEUE_MAX: usize = 1_000_000;

impl BrokerOptions {
    pub(crate) fn read(context: &FeatureContext) -> Result<Self, FeatureError> {
        let options = &context.options;
        let limit =
            |name: &str| options.limit(name).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let levels_max = limit("max_topic_depth").unwrap_or(LEVELS_MAX).min(LEVELS_MAX);
        let expiry = options.duration("session_expiry").unwrap_or_default();
        let interval = options.duration("sys_interval");
        Ok(Self {
            retained_max: limit("match_retained_limit").unwrap_or(usize::MAX),
            topic: topic::Limits { levels_max, ..topic::Limits::default() },
            aliases_max: u16::try_from(options.int("max_topic_aliases")).unwrap_or(u16::MAX),
            session_expiry: u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX - 1),
            queue_max: limit("max_queue").unwrap_or(QUEUE_MAX).min(QUEUE_MAX),
            publish: rules(options, "access_publish")?,
            subscribe: rules(options, "access_subscribe")?,
            sys_access: options.access("access_sys"),
            sys_interval_ms: interval
                .map_or(0, |interval| u64::try_from(interval.as_millis()).unwrap_or(u64::MAX)),
            source: options.clone(),
        })
    }

    /// Whether a configuration has these options.
    pub(crate) fn are_those_of(&self, config: &HostConfig) -> bool {
        config.module(SPEC.name) == Some(&self.source)
    }
}

fn rules(options: &Options, name: &str) -> Result<Vec<Rule>, FeatureError> {
    let rule = |(filter, rule): &(nightjar_text::Text, Value)| {
        let wrong = || FeatureError::Other(format!("{name}: `{filter}` is no topic filter"));
        let pattern = Pattern::parse(filter).map_err(|_| wrong())?;
        let Value::Access(rule) = rule else { return Err(wrong()) };
        Ok((pattern, rule.clone()))
    };
    options.map(name).iter().map(rule).collect()
}

#[cfg(test)]
mod tests;
