//! mod_fail2ban: an address that fails to authenticate too often is kept out for a while.

mod table;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nightjar_base::commands::{Call, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_base::hooks::{AuthenticationResult, BoxFuture, ConnectionOpening, On, Outcome, Stage};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::access::{AccessRef, Who};
use nightjar_config::units::Network;
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_store::time::to_civil;
use nightjar_text::Text;

use table::{Ban, Table};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_fail2ban",
    doc: "Keeps addresses out for a while that fail to authenticate too often, through whatever protocol.",
    options: &[
        OptionSpec {
            name: "access",
            kind: "access rule",
            default: "none",
            doc: "Addresses that are never banned.",
        },
        OptionSpec {
            name: "c2s_auth_ban_lifetime",
            kind: "duration(s)",
            default: "1 h",
            doc: "How long an address is banned, and how long its failures are remembered.",
        },
        OptionSpec {
            name: "c2s_max_auth_failures",
            kind: "int>0",
            default: "20",
            doc: "Failures for which an address is banned.",
        },
    ],
};

static UNBAN_IP: CommandSpec = CommandSpec {
    name: "unban_ip",
    tags: &["accounts"],
    doc: "Remove banned IP addresses from the fail2ban table",
    arguments: &[Field { name: "address", shape: Shape::Binary }],
    result: Field { name: "unbanned", shape: Shape::Integer },
    policy: Policy::Restricted,
    version: 0,
};

/// Time between two removals of what is out of date.
const CLEAN_EVERY: Duration = Duration::from_secs(600);

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        let table = context.kernel.shared::<Table>();
        let guard = Arc::new(Guard {
            kernel: Arc::downgrade(&context.kernel),
            table: Arc::clone(&table),
            access: context.options.access("access"),
            lifetime: context.options.duration("c2s_auth_ban_lifetime").unwrap_or(Duration::MAX),
            failures_max: u32::try_from(context.options.int("c2s_max_auth_failures")).unwrap_or(u32::MAX),
        });
        registration.on::<ConnectionOpening>(Stage::Screen, Arc::clone(&guard));
        registration.on::<AuthenticationResult>(Stage::Screen, guard);
        registration.command(&UNBAN_IP, unban_ip);
        let kernel = Arc::downgrade(&context.kernel);
        registration.every(CLEAN_EVERY, move || {
            if let Some(kernel) = kernel.upgrade() {
                table.clean(kernel.clock.monotonic());
            }
            std::future::ready(())
        });
        Ok(registration)
    })
}

/// The listener of one host. The table is the server's: who is banned by one host is banned by all that have the module.
struct Guard {
    kernel: std::sync::Weak<Kernel>,
    table: Arc<Table>,
    access: AccessRef,
    lifetime: Duration,
    failures_max: u32,
}

impl On<ConnectionOpening> for Guard {
    fn on<'a>(&'a self, event: &'a mut ConnectionOpening) -> Outcome<'a> {
        let (Some(ip), Some(kernel)) = (event.ip, self.kernel.upgrade()) else { return Outcome::CONTINUE };
        if let Some(ban) = self.table.ban(ip, kernel.clock.monotonic()) {
            let protocol = event.protocol.name();
            tracing::info!(%ip, protocol, failures = ban.failures, "a banned address was refused");
            event.refusal = Some(sentence(&kernel, ip, &ban));
        }
        Outcome::CONTINUE
    }
}

impl On<AuthenticationResult> for Guard {
    fn on<'a>(&'a self, event: &'a mut AuthenticationResult) -> Outcome<'a> {
        let attempt = &event.attempt;
        let (Some(ip), Some(kernel)) = (attempt.ip, self.kernel.upgrade()) else { return Outcome::CONTINUE };
        if attempt.success {
            self.table.forget(ip);
            return Outcome::CONTINUE;
        }
        if event.host.config().access.allows(&self.access, &Who::ip(ip)) {
            return Outcome::CONTINUE;
        }
        let now = kernel.clock.monotonic();
        if let Some(ban) = self.table.fail(ip, now, self.lifetime, self.failures_max) {
            let seconds = ban.until.saturating_sub(now).as_secs();
            let protocol = attempt.protocol.name();
            tracing::warn!(%ip, protocol, failures = ban.failures, seconds, "an address is banned");
            event.refusal = Some(sentence(&kernel, ip, &ban));
        }
        Outcome::CONTINUE
    }
}

/// ejabberd's words, with its form of the date.
fn sentence(kernel: &Kernel, ip: IpAddr, ban: &Ban) -> Text {
    let left = ban.until.saturating_sub(kernel.clock.monotonic());
    let left = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
    let (year, month, day, hour, minute, second, _) =
        to_civil(kernel.clock.unix_micros().saturating_add(left));
    Text::from(format!(
        "Too many ({}) failed authentications from this IP address ({ip}). The address will be unblocked at \
         {hour:02}:{minute:02}:{second:02} {day:02}.{month:02}.{year:04} UTC",
        ban.failures
    ))
}

/// How many bans were lifted; -1, as in ejabberd, for what is no address or network.
async fn unban_ip(call: Call) -> CommandResult {
    let network = Network::parse(&call.text(0));
    let unban = |network| Value::count(call.kernel.shared::<Table>().unban(&network));
    Ok(network.map_or(Value::Integer(-1), unban))
}

#[cfg(test)]
mod tests;
