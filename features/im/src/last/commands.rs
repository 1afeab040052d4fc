//! get_last and set_last.

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_xmpp::datetime;

use super::Last;
use crate::command_support::{account, failed, feature};

const USER: Field = Field { name: "user", shape: Shape::Binary };
const HOST: Field = Field { name: "host", shape: Shape::Binary };

static GET_LAST: CommandSpec = CommandSpec {
    name: "get_last",
    tags: &["last"],
    doc: "Get last activity information",
    arguments: &[USER, HOST],
    result: Field {
        name: "last_activity",
        shape: Shape::Tuple(&[
            Field { name: "timestamp", shape: Shape::String },
            Field { name: "status", shape: Shape::String },
        ]),
    },
    policy: Policy::Restricted,
    version: 0,
};

static SET_LAST: CommandSpec = CommandSpec {
    name: "set_last",
    tags: &["last"],
    doc: "Set last activity information",
    arguments: &[
        USER,
        HOST,
        Field { name: "timestamp", shape: Shape::Integer },
        Field { name: "status", shape: Shape::Binary },
    ],
    result: Field { name: "res", shape: Shape::Rescode },
    policy: Policy::Restricted,
    version: 0,
};

pub(super) fn register(registration: &mut Registration) {
    registration.command(&GET_LAST, get_last);
    registration.command(&SET_LAST, set_last);
}

async fn get_last(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let last = feature::<Last>(&call, account.domain(), "mod_last")?;
    let now = datetime::format(call.kernel.clock.unix_micros());
    let online = call.kernel.sessions.resources(&account);
    let (time, status) = if !online.is_empty() {
        (now, "ONLINE".to_owned())
    } else {
        match last.get(account.local().unwrap_or_default()).await.map_err(failed)? {
            Some((seconds, status)) => {
                (datetime::format(seconds.saturating_mul(1_000_000)), status.to_string())
            }
            None => (now, "NOT FOUND".to_owned()),
        }
    };
    Ok(Value::Tuple(vec![Value::text(time), Value::text(status)]))
}

async fn set_last(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let last = feature::<Last>(&call, account.domain(), "mod_last")?;
    let seconds = call.integer(2);
    last.set(account.local().unwrap_or_default(), seconds, &call.text(3)).await.map_err(failed)?;
    Ok(Value::Done(true))
}

#[cfg(test)]
mod tests;
