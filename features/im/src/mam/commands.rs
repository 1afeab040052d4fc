//! Commands on archives.

use nightjar_base::Registration;
use nightjar_base::commands::declare::{
    ACCOUNT, binary, command, integer, list, rescode, restuple, string, tuple,
};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::hooks::BoxFuture;
use nightjar_xmpp::datetime;

use super::query::{self, Filter};
use super::{Archive, storage};
use crate::command_support::{account, failed, feature, known_host};
use crate::purge::{self, Purges};

/// The task's kind.
const KIND: &str = "mam";

const PURGE: &[&str] = &["mam", "purge"];

static DELETE_OLD: CommandSpec = command(
    "delete_old_mam_messages",
    PURGE,
    "Delete MAM messages older than DAYS (type: chat, groupchat or all)",
    &[binary("type"), integer("days")],
    rescode(),
);
static DELETE_OLD_BATCH: CommandSpec = command(
    "delete_old_mam_messages_batch",
    PURGE,
    "Delete MAM messages of a host older than DAYS in the background, at most RATE a minute",
    &[binary("host"), binary("type"), integer("days"), integer("batch_size"), integer("rate")],
    restuple(),
);
static DELETE_OLD_STATUS: CommandSpec = command(
    "delete_old_mam_messages_status",
    PURGE,
    "Tell how delete_old_mam_messages_batch does",
    purge::HOST,
    purge::STATUS,
);
static ABORT_DELETE_OLD: CommandSpec = command(
    "abort_delete_old_mam_messages",
    PURGE,
    "End what delete_old_mam_messages_batch has begun",
    purge::HOST,
    purge::STATUS,
);
static REMOVE_USER: CommandSpec =
    command("remove_mam_for_user", &["mam"], "Remove mam archive for user", ACCOUNT, restuple());
static REMOVE_PEER: CommandSpec = command(
    "remove_mam_for_user_with_peer",
    &["mam"],
    "Remove mam archive for user with peer",
    &[binary("user"), binary("host"), binary("with")],
    restuple(),
);
static GET_COUNT: CommandSpec = command(
    "get_mam_count",
    &["mam"],
    "Get number of MAM messages in a local user archive",
    ACCOUNT,
    integer("value"),
);
static MESSAGE: Field = tuple("messages", &[string("time"), string("from"), string("to"), string("packet")]);
static GET_MESSAGES: CommandSpec = command(
    "get_mam_messages",
    &["internal", "mam"],
    "Get the mam messages",
    ACCOUNT,
    list("archive", &MESSAGE),
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&DELETE_OLD, delete_old);
    registration.command(&DELETE_OLD_BATCH, delete_old_batch);
    registration.command(&DELETE_OLD_STATUS, delete_old_status);
    registration.command(&ABORT_DELETE_OLD, abort_delete_old);
    registration.command(&REMOVE_USER, remove_user);
    registration.command(&REMOVE_PEER, remove_peer);
    registration.command(&GET_COUNT, get_count);
    registration.command(&GET_MESSAGES, get_messages);
}

/// The kind of messages that argument `at` names; nothing for all.
fn kind(call: &Call, at: usize) -> Result<Option<&'static str>, CommandError> {
    match call.text(at).as_str() {
        "all" => Ok(None),
        "chat" => Ok(Some("chat")),
        "groupchat" => Ok(Some("groupchat")),
        other => Err(CommandError::Arguments(format!("type is one of all, chat, groupchat, not {other}"))),
    }
}

async fn delete_old(call: Call) -> CommandResult {
    let kind = kind(&call, 0)?;
    let before = purge::before(&call, 1)?;
    for host in call.kernel.hosts() {
        storage::remove_old(&host.store, before, kind).await.map_err(failed)?;
    }
    Ok(Value::Done(true))
}

async fn delete_old_batch(call: Call) -> CommandResult {
    let host = known_host(&call, 0)?;
    let kind = kind(&call, 1)?;
    let before = purge::before(&call, 2)?;
    let (batch, rate) = purge::pace(&call, 3)?;
    let (name, store) = (host.name.clone(), host.store.clone());
    let step = move || {
        let store = store.clone();
        Box::pin(async move { storage::remove_batch(&store, before, kind, batch).await }) as BoxFuture<'_, _>
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

async fn remove_user(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    feature::<Archive>(&call, account.domain(), "mod_mam")?;
    let host = call.kernel.host(account.domain()).ok_or_else(|| failed("the host is gone"))?;
    storage::empty(&host.store, account.local().unwrap_or_default()).await.map_err(failed)?;
    Ok(Value::Told(true, "MAM archive removed".into()))
}

async fn remove_peer(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    feature::<Archive>(&call, account.domain(), "mod_mam")?;
    let peer = nightjar_jid::Jid::parse(&call.text(2))
        .map_err(|_| CommandError::Arguments(format!("{} is not a valid address", call.text(2))))?;
    let host = call.kernel.host(account.domain()).ok_or_else(|| failed("the host is gone"))?;
    let user = account.local().unwrap_or_default();
    storage::remove_peer(&host.store, user, &peer).await.map_err(failed)?;
    Ok(Value::Told(true, format!("MAM archive for {} with {peer} removed", account.as_str()).into()))
}

async fn get_count(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    feature::<Archive>(&call, account.domain(), "mod_mam")?;
    let host = call.kernel.host(account.domain()).ok_or_else(|| failed("the host is gone"))?;
    let count = storage::count(&host.store, account.local().unwrap_or_default()).await.map_err(failed)?;
    Ok(Value::Integer(count))
}

async fn get_messages(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    feature::<Archive>(&call, account.domain(), "mod_mam")?;
    let host = call.kernel.host(account.domain()).ok_or_else(|| failed("the host is gone"))?;
    let filter = Filter { limit: 100_000, ..Filter::default() };
    let user = account.local().unwrap_or_default();
    let (found, _) = query::run(&host.store, user, &filter).await.map_err(failed)?;
    let rows = found.iter().map(|found| {
        let frame = nightjar_xml::parse_document(
            &found.xml,
            &nightjar_xml::Limits::default(),
            nightjar_xmpp::ns::CLIENT,
        );
        let attribute = |name| {
            let value = frame.as_ref().ok().and_then(|frame| frame.attr(name));
            Value::Text(value.unwrap_or_default())
        };
        Value::Tuple(vec![
            Value::text(datetime::format(found.id)),
            attribute("from"),
            attribute("to"),
            Value::Text(found.xml.clone()),
        ])
    });
    Ok(Value::List(rows.collect()))
}

#[cfg(test)]
mod tests;
