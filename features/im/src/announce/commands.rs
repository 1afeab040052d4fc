//! The orders as administration commands.

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};

use super::Announce;
use super::action::{Action, Order};
use super::deliver::message;
use crate::command_support::{failed, feature};

const HOST: Field = Field { name: "host", shape: Shape::Binary };
const MESSAGE: &[Field] =
    &[HOST, Field { name: "subject", shape: Shape::Binary }, Field { name: "body", shape: Shape::Binary }];
const DONE: Field = Field { name: "res", shape: Shape::Rescode };

const fn spec(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags: &["announce"], doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

static SEND_ALL: CommandSpec = spec("announce_send_all", "Send announcement to all users", MESSAGE, DONE);
static SEND_ONLINE: CommandSpec =
    spec("announce_send_online", "Send announcement to online users", MESSAGE, DONE);
static MOTD_SET: CommandSpec =
    spec("announce_motd_set_online", "Set Message Of The Day and send to online users", MESSAGE, DONE);
static MOTD_UPDATE: CommandSpec = spec("announce_motd_update", "Update Message Of The Day", MESSAGE, DONE);
static MOTD_DELETE: CommandSpec = spec("announce_motd_delete", "Delete Message Of The Day", &[HOST], DONE);
static MOTD_GET: CommandSpec = spec(
    "announce_motd_get",
    "Get Message Of The Day",
    &[HOST],
    Field {
        name: "motd",
        shape: Shape::Tuple(&[
            Field { name: "subject", shape: Shape::String },
            Field { name: "body", shape: Shape::String },
        ]),
    },
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&SEND_ALL, |call| order(call, Action::All));
    registration.command(&SEND_ONLINE, |call| order(call, Action::Online));
    registration.command(&MOTD_SET, |call| order(call, Action::Motd));
    registration.command(&MOTD_UPDATE, |call| order(call, Action::MotdUpdate));
    registration.command(&MOTD_DELETE, |call| order(call, Action::MotdDelete));
    registration.command(&MOTD_GET, motd_get);
}

/// `all` in place of a host means all of them; the first one that has the module speaks then.
async fn order(call: Call, action: Action) -> CommandResult {
    let host = call.text(0);
    let all_hosts = host == "all";
    let announce = if all_hosts {
        let found = call.kernel.hosts().iter().find_map(|host| host.get::<Announce>());
        found.ok_or_else(|| CommandError::Failed("mod_announce isn't loaded for any host".to_owned()))?
    } else {
        feature::<Announce>(&call, &host, "mod_announce")?
    };
    let body = call.text(2).replace("\\n", "\n");
    let message = message(&call.text(1), &body);
    announce.perform(Order { action, all_hosts }, &message).await.map_err(failed)?;
    Ok(Value::Done(true))
}

async fn motd_get(call: Call) -> CommandResult {
    let announce = feature::<Announce>(&call, &call.text(0), "mod_announce")?;
    let (subject, body) = announce.motd_texts().await.map_err(failed)?;
    Ok(Value::Tuple(vec![Value::text(subject), Value::text(body)]))
}
