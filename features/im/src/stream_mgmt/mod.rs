//! mod_stream_mgmt: acknowledged stanzas and resumed streams (XEP-0198). The work is done by the client stream and its
//! driver; this says that they may, and how.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::stream_options::{Resend, StreamManagementOptions};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec, Options};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_stream_mgmt",
    doc: "Lets clients acknowledge stanzas and resume lost streams (XEP-0198).",
    options: &[
        OptionSpec {
            name: "max_ack_queue",
            kind: "int>0|infinity",
            default: "5000",
            doc: "How many stanzas may wait for the client's acknowledgement before its session ends.",
        },
        OptionSpec {
            name: "resume_timeout",
            kind: "0|duration(s)",
            default: "5 min",
            doc: "How long a session waits to be resumed; 0 turns resumption off.",
        },
        OptionSpec {
            name: "max_resume_timeout",
            kind: "0|duration(s)",
            default: "unset",
            doc: "The longest wait a client may ask for; resume_timeout if it isn't set.",
        },
        OptionSpec {
            name: "ack_timeout",
            kind: "duration(s)|infinity",
            default: "1 min",
            doc: "How long an acknowledgement may take after it was requested.",
        },
        OptionSpec {
            name: "cache_size",
            kind: "int>0|infinity",
            default: "= toplevel cache_size",
            doc: "Of how many ended sessions the last counter is remembered.",
        },
        OptionSpec {
            name: "cache_life_time",
            kind: "duration(s)|infinity",
            default: "2 days",
            doc: "How long the last counter of an ended session is remembered.",
        },
        OptionSpec {
            name: "resend_on_timeout",
            kind: "if_offline|bool",
            default: "false",
            doc: "Whether unacknowledged messages of a lost session go to the account's other clients or are kept.",
        },
        OptionSpec {
            name: "queue_type",
            kind: "ram|file",
            default: "= toplevel queue_type",
            doc: "Accepted; queues are kept in memory and limited by max_ack_queue.",
        },
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        registration.provide(Arc::new(read(&context.options)));
        Ok(registration)
    })
}

fn read(options: &Options) -> StreamManagementOptions {
    let resume_timeout = options.duration("resume_timeout").unwrap_or(Duration::ZERO);
    StreamManagementOptions {
        max_ack_queue: options.limit("max_ack_queue"),
        resume_timeout,
        max_resume_timeout: longest(resume_timeout, options.duration("max_resume_timeout")),
        ack_timeout: options.duration("ack_timeout"),
        cache_size: options.limit("cache_size"),
        cache_life_time: options.duration("cache_life_time"),
        resend_on_timeout: resend(&options.text("resend_on_timeout")),
    }
}

/// A client that doesn't ask gets `resume_timeout` in any case, so a lower maximum has no effect.
fn longest(usual: Duration, max: Option<Duration>) -> Duration {
    max.map_or(usual, |max| max.max(usual))
}

fn resend(word: &str) -> Resend {
    match word {
        "true" => Resend::Always,
        "if_offline" => Resend::IfOffline,
        _ => Resend::Never,
    }
}

#[cfg(test)]
mod tests;
