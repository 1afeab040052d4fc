//! mod_ping: answers pings and finds clients that are gone (XEP-0199).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration, Session};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_text::Text;
use nightjar_xmpp::{IqType, Stanza, StreamErrorCondition, ns};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_ping",
    doc: "Answers pings and, if asked to, pings quiet clients (XEP-0199).",
    options: &[
        OptionSpec {
            name: "ping_interval",
            kind: "duration(s)",
            default: "1 min",
            doc: "How long a client may be quiet before it is pinged.",
        },
        OptionSpec {
            name: "ping_ack_timeout",
            kind: "duration(s)",
            default: "unset",
            doc: "How long a client may take to answer; 32 seconds if unset.",
        },
        OptionSpec {
            name: "send_pings",
            kind: "bool",
            default: "false",
            doc: "Whether quiet clients are pinged.",
        },
        OptionSpec {
            name: "timeout_action",
            kind: "none|kill",
            default: "none",
            doc: "What happens to a client that doesn't answer.",
        },
    ],
};

/// The time ejabberd gives an IQ to be answered.
const DEFAULT_ACK_TIMEOUT: Duration = Duration::from_secs(32);

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        let answer = Arc::new(Answer);
        registration.iq(IqTarget::Host, ns::PING, Arc::clone(&answer));
        registration.iq(IqTarget::Account, ns::PING, answer);
        if context.options.bool("send_pings") {
            let interval = context.options.duration("ping_interval").unwrap_or(Duration::from_secs(60));
            let ack = context.options.duration("ping_ack_timeout").unwrap_or(DEFAULT_ACK_TIMEOUT);
            let watch = Arc::new(Watch {
                interval_ms: milliseconds(interval),
                ack_ms: milliseconds(ack),
                kill: context.options.text("timeout_action") == "kill",
                kernel: Arc::downgrade(&context.kernel),
                host: context.host.name.clone(),
            });
            let period = (interval.min(ack) / 8).clamp(Duration::from_millis(250), Duration::from_secs(5));
            registration.every(period, move || {
                let watch = Arc::clone(&watch);
                async move { watch.look() }
            });
        }
        Ok(registration)
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Answer;

impl IqHandler for Answer {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move { require_get(&request).map(|()| None) })
    }
}

/// In a session's extensions: when it was pinged, in monotonic milliseconds; 0 if no answer is awaited.
#[derive(Default)]
struct Pinged(AtomicU64);

/// Looks at all sessions now and then, which is far cheaper than a timer for each.
struct Watch {
    interval_ms: u64,
    ack_ms: u64,
    kill: bool,
    kernel: std::sync::Weak<Kernel>,
    host: Text,
}

impl Watch {
    fn look(&self) {
        let Some(kernel) = self.kernel.upgrade() else { return };
        let now = kernel.monotonic_ms();
        for session in kernel.sessions.of_host(&self.host) {
            if !session.is_detached() {
                self.look_at(&kernel, &session, now);
            }
        }
    }

    fn look_at(&self, kernel: &Kernel, session: &Arc<Session>, now: u64) {
        let quiet = now.saturating_sub(session.active_ms());
        let pinged = session.extension::<Pinged>().map_or(0, |pinged| pinged.0.load(Ordering::Relaxed));
        let answered = pinged == 0 || session.active_ms() > pinged;
        if !answered {
            if self.kill && now.saturating_sub(pinged) >= self.ack_ms {
                session.end(StreamErrorCondition::ConnectionTimeout, Some("Ping timeout"));
            }
        } else if quiet >= self.interval_ms {
            session.extension_or_default::<Pinged>().0.store(now.max(1), Ordering::Relaxed);
            let ping = Stanza::iq(IqType::Get, kernel.random.identifier())
                .with_from(&session.host.jid)
                .with_to(&session.jid)
                .with_child("<ping xmlns='urn:xmpp:ping'/>");
            // A mailbox that is full or closed ends the session without a ping.
            let _ = session.deliver(ping);
        }
    }
}
