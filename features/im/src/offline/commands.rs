//! Commands on offline messages.

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_xmpp::datetime;

use super::deliver::is_expired;
use super::{Offline, storage};
use crate::command_support::{account, failed, feature};

const USER: Field = Field { name: "user", shape: Shape::Binary };
const HOST: Field = Field { name: "host", shape: Shape::Binary };
const CODE: Field = Field { name: "res", shape: Shape::Rescode };

const fn spec(
    name: &'static str,
    tags: &'static [&'static str],
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags, doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

static GET_OFFLINE_COUNT: CommandSpec = CommandSpec {
    policy: Policy::User,
    ..spec(
        "get_offline_count",
        &["offline"],
        "Get the number of unread offline messages",
        &[USER, HOST],
        Field { name: "value", shape: Shape::Integer },
    )
};

static MESSAGE: Field = Field {
    name: "messages",
    shape: Shape::Tuple(&[
        Field { name: "time", shape: Shape::String },
        Field { name: "from", shape: Shape::String },
        Field { name: "to", shape: Shape::String },
        Field { name: "packet", shape: Shape::String },
    ]),
};

static GET_OFFLINE_MESSAGES: CommandSpec = spec(
    "get_offline_messages",
    &["internal", "offline"],
    "Get the offline messages",
    &[USER, HOST],
    Field { name: "queue", shape: Shape::List(&MESSAGE) },
);

static DELETE_EXPIRED: CommandSpec = spec(
    "delete_expired_messages",
    &["offline", "purge"],
    "Delete expired offline messages from database",
    &[],
    CODE,
);

static DELETE_OLD: CommandSpec = spec(
    "delete_old_messages",
    &["offline", "purge"],
    "Delete offline messages older than DAYS",
    &[Field { name: "days", shape: Shape::Integer }],
    CODE,
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&GET_OFFLINE_COUNT, get_offline_count);
    registration.command(&GET_OFFLINE_MESSAGES, get_offline_messages);
    registration.command(&DELETE_EXPIRED, delete_expired);
    registration.command(&DELETE_OLD, delete_old);
}

async fn get_offline_count(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let offline = feature::<Offline>(&call, account.domain(), "mod_offline")?;
    let host = offline.host.upgrade().ok_or_else(|| failed("the host is gone"))?;
    let count = storage::count(&host.store, account.local().unwrap_or_default()).await.map_err(failed)?;
    Ok(Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}

async fn get_offline_messages(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let offline = feature::<Offline>(&call, account.domain(), "mod_offline")?;
    let host = offline.host.upgrade().ok_or_else(|| failed("the host is gone"))?;
    let user = account.local().unwrap_or_default();
    let kept = storage::page(&host.store, user, 0, i64::from(i32::MAX)).await.map_err(failed)?;
    let rows = kept.into_iter().map(|kept| {
        let delay = kept.stanza.as_ref().and_then(|stanza| stanza.child("delay", nightjar_xmpp::ns::DELAY));
        let time = delay.and_then(|delay| datetime::parse(&delay.attr("stamp")?));
        let address = |jid: Option<&nightjar_jid::Jid>| jid.map(ToString::to_string).unwrap_or_default();
        let stanza = kept.stanza.as_ref();
        Value::Tuple(vec![
            Value::text(time.map(datetime::format).unwrap_or_default()),
            Value::text(address(stanza.and_then(|stanza| stanza.from.as_ref()))),
            Value::text(address(stanza.and_then(|stanza| stanza.to.as_ref()))),
            Value::Text(kept.xml.clone()),
        ])
    });
    Ok(Value::List(rows.collect()))
}

async fn delete_expired(call: Call) -> CommandResult {
    for host in call.kernel.hosts() {
        let mut seq = 0;
        loop {
            let page = storage::host_page(&host.store, seq, 500).await.map_err(failed)?;
            let Some(last) = page.last().map(|kept| kept.seq) else { break };
            for kept in page {
                if kept.stanza.is_some_and(|stanza| is_expired(&call.kernel, &stanza)) {
                    storage::delete_seq(&host.store, kept.seq).await.map_err(failed)?;
                }
            }
            seq = last;
        }
    }
    Ok(Value::Done(true))
}

async fn delete_old(call: Call) -> CommandResult {
    let days = call.integer(0);
    if days < 0 {
        return Err(CommandError::Arguments("days must not be negative".to_owned()));
    }
    let before = call.kernel.clock.unix_micros().saturating_sub(days.saturating_mul(86_400_000_000));
    for host in call.kernel.hosts() {
        storage::delete_old(&host.store, before).await.map_err(failed)?;
    }
    Ok(Value::Done(true))
}
