//! Removing accounts that nobody has used for long.

use std::sync::Arc;

use nightjar_base::commands::declare::{binary, command, integer, restuple};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Value};
use nightjar_base::{Host, Registration};
use nightjar_config::access::{AccessRef, Who};
use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::{accounts, find, last};

static DELETE_OLD_USERS: CommandSpec = command(
    "delete_old_users",
    &["accounts", "purge"],
    "Remove accounts that did not log in for some days, or never; the access rule protect_old_users spares some",
    &[integer("days")],
    restuple(),
);
static DELETE_OLD_USERS_VHOST: CommandSpec = command(
    "delete_old_users_vhost",
    &["accounts", "purge"],
    "Remove accounts of a host that did not log in for some days, or never; protect_old_users spares some",
    &[binary("host"), integer("days")],
    restuple(),
);

const DAY_SECONDS: i64 = 24 * 60 * 60;

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&DELETE_OLD_USERS, |call: Call| async move {
        let hosts = call.kernel.hosts();
        delete(&call, hosts, call.integer(0)).await
    });
    registration.command(&DELETE_OLD_USERS_VHOST, |call: Call| async move {
        let hosts = find::host(&call, 0).into_iter().collect();
        delete(&call, hosts, call.integer(1)).await
    });
}

async fn delete(call: &Call, hosts: Vec<Arc<Host>>, days: i64) -> CommandResult {
    let oldest = call.kernel.clock.unix_seconds().saturating_sub(days.saturating_mul(DAY_SECONDS));
    let mut deleted = Vec::new();
    for host in hosts {
        for user in accounts::all(&host).await.map_err(|error| find::failed(&error))? {
            let Ok(account) = host.account(&user) else { continue };
            if is_old(call, &host, &account, oldest).await? {
                call.kernel.remove_account(&host, &user).await.map_err(|error| find::failed(&error))?;
                deleted.push(format!("\"{account}\""));
            }
        }
    }
    let told = format!("Deleted {} users: [{}]", deleted.len(), deleted.join(", "));
    Ok(Value::Told(true, Text::from(told)))
}

async fn is_old(call: &Call, host: &Host, account: &Jid, oldest: i64) -> Result<bool, CommandError> {
    let protected = AccessRef::named("protect_old_users");
    if host.config().access.allows(&protected, &Who::jid(account)) {
        return Ok(false);
    }
    if !call.kernel.sessions.resources(account).is_empty() {
        return Ok(false);
    }
    let last = last::last(host, account).await.map_err(|error| CommandError::Failed(error.to_string()))?;
    Ok(last.is_none_or(|(seconds, _)| seconds <= oldest))
}

#[cfg(test)]
mod tests;
