//! Banning accounts.

use std::sync::Arc;

use nightjar_base::commands::declare::{ACCOUNT, binary, command, integer, list, rescode, string, tuple};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::{Host, Registration, mqtt};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_store::StoreError;

use crate::bans::{Ban, BanBook};
use crate::sessions::end;
use crate::{find, last};

const BAN_ARGUMENTS: &[Field] = &[binary("user"), binary("host"), binary("reason")];

static BAN_ACCOUNT: CommandSpec = command(
    "ban_account",
    &["accounts"],
    "Ban an account: end its sessions and give it a random password",
    BAN_ARGUMENTS,
    rescode(),
);
static BAN_ACCOUNT_2: CommandSpec = command(
    "ban_account",
    &["accounts"],
    "Ban an account: end its sessions and refuse its logins until unban_account",
    BAN_ARGUMENTS,
    rescode(),
)
.since(2);
static GET_BAN_DETAILS: CommandSpec = command(
    "get_ban_details",
    &["accounts"],
    "Tell why and since when an account is banned",
    ACCOUNT,
    list("ban_details", &tuple("detail", &[string("name"), string("value")])),
)
.since(2);
static UNBAN_ACCOUNT: CommandSpec =
    command("unban_account", &["accounts"], "Lift the ban of an account", ACCOUNT, rescode()).since(2);
static LIST_BANNED: CommandSpec = command(
    "list_banned",
    &["accounts"],
    "List the banned accounts of a host, or of `all`",
    &[binary("host")],
    list("banned", &string("jid")),
);
static COUNT_BANNED: CommandSpec = command(
    "count_banned",
    &["accounts"],
    "Count the banned accounts of a host, or of `all`",
    &[binary("host")],
    integer("banned"),
);

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&BAN_ACCOUNT, ban_with_password);
    registration.command(&BAN_ACCOUNT_2, ban_account);
    registration.command(&GET_BAN_DETAILS, get_ban_details);
    registration.command(&UNBAN_ACCOUNT, unban_account);
    registration.command(&LIST_BANNED, |call: Call| async move {
        let banned = banned(&call).await?;
        Ok(Value::List(banned.iter().map(Value::text).collect()))
    });
    registration
        .command(&COUNT_BANNED, |call: Call| async move { Ok(Value::count(banned(&call).await?.len())) });
}

fn failed(error: &StoreError) -> CommandError {
    CommandError::Failed(error.to_string())
}

fn reason(call: &Call) -> String {
    let given = call.text(2);
    if given.is_empty() { "Kicked by administrator".to_owned() } else { given.to_string() }
}

fn end_all(call: &Call, account: &Jid, reason: &str) {
    for session in call.kernel.sessions.resources(account) {
        end(&session, reason);
    }
    if let Some(host) = call.kernel.host(account.domain()) {
        mqtt::expel(&host, account.local().unwrap_or_default());
    }
}

/// The form before API version 2: the account keeps existing with a password nobody knows.
async fn ban_with_password(call: Call) -> CommandResult {
    let (host, account) = find::known_account(&call, 0).await?;
    let reason = reason(&call);
    let now = nightjar_xmpp::datetime::format_legacy(call.kernel.clock.unix_micros());
    let password = format!("BANNED_ACCOUNT--{now}--{}--{reason}", call.kernel.random.identifier());
    let user = account.local().unwrap_or_default();
    let changed = call.kernel.change_password(&host, user, &Secret::from(password.as_str())).await;
    changed.map_err(|error| find::failed(&error))?;
    end_all(&call, &account, &reason);
    Ok(Value::Done(true))
}

/// The account, if it exists, with the ban it may be under.
async fn look_up(call: &Call) -> Result<(Arc<Host>, Jid, Arc<BanBook>, Option<Ban>), CommandError> {
    let found = find::known_account(call, 0).await;
    let (host, account) = found.map_err(|error| match error {
        CommandError::NotFound(_) => CommandError::Failed("account_does_not_exist".to_owned()),
        other => other,
    })?;
    let book = host.get::<BanBook>().ok_or_else(|| CommandError::Failed("no bans are kept".to_owned()))?;
    let ban = book.find(account.local().unwrap_or_default()).await.map_err(|error| failed(&error))?;
    Ok((host, account, book, ban))
}

async fn ban_account(call: Call) -> CommandResult {
    let (host, account, book, ban) = look_up(&call).await?;
    if ban.is_some() {
        return Err(CommandError::Failed("account_was_already_banned".to_owned()));
    }
    let last = last::described(&call.kernel, &host, &account).await.map_err(|error| failed(&error))?;
    let reason = reason(&call);
    let ban = Ban {
        reason: reason.clone(),
        date: nightjar_xmpp::datetime::format(call.kernel.clock.unix_micros()),
        last_date: last.0,
        last_reason: last.1.to_string(),
    };
    book.write(account.local().unwrap_or_default(), &ban).await.map_err(|error| failed(&error))?;
    end_all(&call, &account, &reason);
    mqtt::reconsider(&host, account.local().unwrap_or_default()).await;
    Ok(Value::Done(true))
}

async fn unban_account(call: Call) -> CommandResult {
    let (host, account, book, ban) = look_up(&call).await?;
    if ban.is_none() {
        return Err(CommandError::Failed("account_was_not_banned".to_owned()));
    }
    book.remove(account.local().unwrap_or_default()).await.map_err(|error| failed(&error))?;
    mqtt::reconsider(&host, account.local().unwrap_or_default()).await;
    Ok(Value::Done(true))
}

async fn get_ban_details(call: Call) -> CommandResult {
    let Some((host, account)) = find::account(&call, 0) else { return Ok(Value::List(Vec::new())) };
    let Some(book) = host.get::<BanBook>() else { return Ok(Value::List(Vec::new())) };
    let ban = book.find(account.local().unwrap_or_default()).await.map_err(|error| failed(&error))?;
    let Some(ban) = ban else { return Ok(Value::List(Vec::new())) };
    let detail = |name: &str, value: &str| Value::Tuple(vec![Value::text(name), Value::text(value)]);
    Ok(Value::List(vec![
        detail("reason", &ban.reason),
        detail("bandate", &ban.date),
        detail("lastdate", &ban.last_date),
        detail("lastreason", &ban.last_reason),
    ]))
}

async fn banned(call: &Call) -> Result<Vec<String>, CommandError> {
    let hosts = if call.text(0).as_str() == "all" {
        call.kernel.hosts()
    } else {
        find::host(call, 0).into_iter().collect()
    };
    let mut banned = Vec::new();
    for host in hosts {
        let Some(book) = host.get::<BanBook>() else { continue };
        let users = book.all().await.map_err(|error| failed(&error))?;
        banned.extend(users.into_iter().map(|user| format!("{user}@{}", host.name)));
    }
    Ok(banned)
}

#[cfg(test)]
mod tests;
