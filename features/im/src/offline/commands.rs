//! Commands on offline messages.

use nightjar_base::Registration;
use nightjar_base::commands::declare::{
    ACCOUNT, binary, command, integer, list, rescode, restuple, string, tuple,
};
use nightjar_base::commands::{Call, CommandResult, CommandSpec, Field, Value};
use nightjar_base::hooks::BoxFuture;
use nightjar_xmpp::datetime;

use super::deliver::is_expired;
use super::{Offline, storage};
use crate::command_support::{account, failed, feature, known_host};
use crate::purge::{self, Purges};

/// The task's kind.
const KIND: &str = "spool";

const PURGE: &[&str] = &["offline", "purge"];

static GET_OFFLINE_COUNT: CommandSpec = command(
    "get_offline_count",
    &["offline"],
    "Get the number of unread offline messages",
    ACCOUNT,
    integer("value"),
)
.of_user();
static MESSAGE: Field = tuple("messages", &[string("time"), string("from"), string("to"), string("packet")]);
static GET_OFFLINE_MESSAGES: CommandSpec = command(
    "get_offline_messages",
    &["internal", "offline"],
    "Get the offline messages",
    ACCOUNT,
    list("queue", &MESSAGE),
);
static DELETE_EXPIRED: CommandSpec = command(
    "delete_expired_messages",
    PURGE,
    "Delete expired offline messages from database",
    &[],
    rescode(),
);
static DELETE_OLD: CommandSpec = command(
    "delete_old_messages",
    PURGE,
    "Delete offline messages older than DAYS",
    &[integer("days")],
    rescode(),
);
static DELETE_OLD_BATCH: CommandSpec = command(
    "delete_old_messages_batch",
    PURGE,
    "Delete offline messages of a host older than DAYS in the background, at most RATE a minute",
    &[binary("host"), integer("days"), integer("batch_size"), integer("rate")],
    restuple(),
);
static DELETE_OLD_STATUS: CommandSpec = command(
    "delete_old_messages_status",
    PURGE,
    "Tell how delete_old_messages_batch does",
    purge::HOST,
    purge::STATUS,
);
static ABORT_DELETE_OLD: CommandSpec = command(
    "abort_delete_old_messages",
    PURGE,
    "End what delete_old_messages_batch has begun",
    purge::HOST,
    purge::STATUS,
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&GET_OFFLINE_COUNT, get_offline_count);
    registration.command(&GET_OFFLINE_MESSAGES, get_offline_messages);
    registration.command(&DELETE_EXPIRED, delete_expired);
    registration.command(&DELETE_OLD, delete_old);
    registration.command(&DELETE_OLD_BATCH, delete_old_batch);
    registration.command(&DELETE_OLD_STATUS, delete_old_status);
    registration.command(&ABORT_DELETE_OLD, abort_delete_old);
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
    let before = purge::before(&call, 0)?;
    for host in call.kernel.hosts() {
        storage::delete_old(&host.store, before).await.map_err(failed)?;
    }
    Ok(Value::Done(true))
}

async fn delete_old_batch(call: Call) -> CommandResult {
    let host = known_host(&call, 0)?;
    let before = purge::before(&call, 1)?;
    let (batch, rate) = purge::pace(&call, 2)?;
    let (name, store) = (host.name.clone(), host.store.clone());
    let step = move || {
        let store = store.clone();
        Box::pin(async move { storage::delete_batch(&store, before, batch).await }) as BoxFuture<'_, _>
    };
    purge::begun(call.kernel.shared::<Purges>().begin(KIND, name, rate, Box::new(step)))
}

async fn delete_old_status(call: Call) -> CommandResult {
    let host = known_host(&call, 0)?;
    Ok(Value::text(call.kernel.shared::<Purges>().status(KIND, &host.name)))
}

async fn abort_delete_old(call: Call) -> CommandResult {
    let host = known_host(&call, 0)?;
    Ok(Value::text(call.kernel.shared::<Purges>().abort(KIND, &host.name)))
}

#[cfg(test)]
mod tests;
