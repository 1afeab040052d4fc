//! private_get and private_set.

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};

use super::PrivateStorage;
use crate::command_support::{account, failed, feature};

const USER: Field = Field { name: "user", shape: Shape::Binary };
const HOST: Field = Field { name: "host", shape: Shape::Binary };
const ELEMENT: Field = Field { name: "element", shape: Shape::Binary };

static PRIVATE_GET: CommandSpec = CommandSpec {
    name: "private_get",
    tags: &["private"],
    doc: "Get some information from a user private storage",
    arguments: &[USER, HOST, ELEMENT, Field { name: "ns", shape: Shape::Binary }],
    result: Field { name: "res", shape: Shape::String },
    policy: Policy::Restricted,
    version: 0,
};

static PRIVATE_SET: CommandSpec = CommandSpec {
    name: "private_set",
    tags: &["private"],
    doc: "Set to the user private storage",
    arguments: &[USER, HOST, ELEMENT],
    result: Field { name: "res", shape: Shape::Rescode },
    policy: Policy::Restricted,
    version: 0,
};

pub(super) fn register(registration: &mut Registration) {
    registration.command(&PRIVATE_GET, private_get);
    registration.command(&PRIVATE_SET, private_set);
}

async fn private_get(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let storage = feature::<PrivateStorage>(&call, account.domain(), "mod_private")?;
    let namespace = call.text(3);
    let found = storage.get(account.local().unwrap_or_default(), &namespace).await.map_err(failed)?;
    let absent = || Text::from(format!("<{} xmlns='{namespace}'/>", call.text(2)));
    Ok(Value::Text(found.unwrap_or_else(absent)))
}

async fn private_set(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let storage = feature::<PrivateStorage>(&call, account.domain(), "mod_private")?;
    let xml = call.text(2);
    let invalid = |_| CommandError::Arguments("element is not well-formed XML".to_owned());
    let element = parse_document(&xml, &Limits::default(), "").map_err(invalid)?;
    let rows = [(Text::new(element.ns()), element.raw().clone())];
    storage.put(account.local().unwrap_or_default(), &rows).await.map_err(failed)?;
    Ok(Value::Done(true))
}
