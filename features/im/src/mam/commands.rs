//! Commands on archives.

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_xmpp::datetime;

use super::query::{self, Filter};
use super::{Archive, storage};
use crate::command_support::{account, failed, feature};

const USER: Field = Field { name: "user", shape: Shape::Binary };
const HOST: Field = Field { name: "host", shape: Shape::Binary };
const TOLD: Field = Field { name: "res", shape: Shape::Restuple };

const fn spec(
    name: &'static str,
    tags: &'static [&'static str],
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags, doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

static DELETE_OLD: CommandSpec = spec(
    "delete_old_mam_messages",
    &["mam", "purge"],
    "Delete MAM messages older than DAYS (type: chat, groupchat or all)",
    &[Field { name: "type", shape: Shape::Binary }, Field { name: "days", shape: Shape::Integer }],
    Field { name: "res", shape: Shape::Rescode },
);

static REMOVE_USER: CommandSpec =
    spec("remove_mam_for_user", &["mam"], "Remove mam archive for user", &[USER, HOST], TOLD);

static REMOVE_PEER: CommandSpec = spec(
    "remove_mam_for_user_with_peer",
    &["mam"],
    "Remove mam archive for user with peer",
    &[USER, HOST, Field { name: "with", shape: Shape::Binary }],
    TOLD,
);

static GET_COUNT: CommandSpec = spec(
    "get_mam_count",
    &["mam"],
    "Get number of MAM messages in a local user archive",
    &[USER, HOST],
    Field { name: "value", shape: Shape::Integer },
);

static MESSAGE: Field = Field {
    name: "messages",
    shape: Shape::Tuple(&[
        Field { name: "time", shape: Shape::String },
        Field { name: "from", shape: Shape::String },
        Field { name: "to", shape: Shape::String },
        Field { name: "packet", shape: Shape::String },
    ]),
};

static GET_MESSAGES: CommandSpec = spec(
    "get_mam_messages",
    &["internal", "mam"],
    "Get the mam messages",
    &[USER, HOST],
    Field { name: "archive", shape: Shape::List(&MESSAGE) },
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&DELETE_OLD, delete_old);
    registration.command(&REMOVE_USER, remove_user);
    registration.command(&REMOVE_PEER, remove_peer);
    registration.command(&GET_COUNT, get_count);
    registration.command(&GET_MESSAGES, get_messages);
}

async fn delete_old(call: Call) -> CommandResult {
    let kind = match call.text(0).as_str() {
        "all" => None,
        "chat" => Some("chat"),
        "groupchat" => Some("groupchat"),
        other => {
            return Err(CommandError::Arguments(format!("type is one of all, chat, groupchat, not {other}")));
        }
    };
    let days = call.integer(1);
    if days < 0 {
        return Err(CommandError::Arguments("days must not be negative".to_owned()));
    }
    let before = call.kernel.clock.unix_micros().saturating_sub(days.saturating_mul(86_400_000_000));
    for host in call.kernel.hosts() {
        storage::remove_old(&host.store, before, kind).await.map_err(failed)?;
    }
    Ok(Value::Done(true))
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
