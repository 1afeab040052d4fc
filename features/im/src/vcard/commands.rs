//! get_vcard, set_vcard and their relatives.

use std::sync::Arc;

use nightjar_base::Registration;
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Element;

use super::edit;
use super::vcards::Vcards;
use crate::command_support::{account, failed, feature};

const USER: Field = Field { name: "user", shape: Shape::Binary };
const HOST: Field = Field { name: "host", shape: Shape::Binary };
const NAME: Field = Field { name: "name", shape: Shape::Binary };
const SUBNAME: Field = Field { name: "subname", shape: Shape::Binary };
const CONTENT: Field = Field { name: "content", shape: Shape::Binary };
const DONE: Field = Field { name: "res", shape: Shape::Rescode };

const fn spec(
    name: &'static str,
    doc: &'static str,
    arguments: &'static [Field],
    result: Field,
) -> CommandSpec {
    CommandSpec { name, tags: &["vcard"], doc, arguments, result, policy: Policy::Restricted, version: 0 }
}

static GET_VCARD: CommandSpec = spec(
    "get_vcard",
    "Get content from a vCard field",
    &[USER, HOST, NAME],
    Field { name: "content", shape: Shape::String },
);
static GET_VCARD2: CommandSpec = spec(
    "get_vcard2",
    "Get content from a vCard subfield",
    &[USER, HOST, NAME, SUBNAME],
    Field { name: "content", shape: Shape::String },
);
static GET_VCARD2_MULTI: CommandSpec = spec(
    "get_vcard2_multi",
    "Get multiple contents from a vCard field",
    &[USER, HOST, NAME, SUBNAME],
    Field { name: "contents", shape: Shape::List(&Field { name: "value", shape: Shape::String }) },
);
static SET_VCARD: CommandSpec =
    spec("set_vcard", "Set content in a vCard field", &[USER, HOST, NAME, CONTENT], DONE);
static SET_VCARD2: CommandSpec =
    spec("set_vcard2", "Set content in a vCard subfield", &[USER, HOST, NAME, SUBNAME, CONTENT], DONE);
static SET_VCARD2_MULTI: CommandSpec = spec(
    "set_vcard2_multi",
    "Set multiple contents in a vCard subfield",
    &[
        USER,
        HOST,
        NAME,
        SUBNAME,
        Field { name: "contents", shape: Shape::List(&Field { name: "value", shape: Shape::Binary }) },
    ],
    DONE,
);
static SET_NICKNAME: CommandSpec = spec(
    "set_nickname",
    "Set nickname in a user's vCard",
    &[USER, HOST, Field { name: "nickname", shape: Shape::Binary }],
    DONE,
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&GET_VCARD, |call: Call| async move { get(&call, false).await.and_then(single) });
    registration.command(&GET_VCARD2, |call: Call| async move { get(&call, true).await.and_then(single) });
    registration.command(&GET_VCARD2_MULTI, get_multi);
    registration.command(&SET_VCARD, set_vcard);
    registration.command(&SET_VCARD2, set_vcard2);
    registration.command(&SET_VCARD2_MULTI, set_vcard2_multi);
    registration.command(&SET_NICKNAME, set_nickname);
}

async fn stored(call: &Call) -> Result<(Arc<Vcards>, Jid, Option<Element>), CommandError> {
    let account = account(call, 0, 1)?;
    let vcards = feature::<Vcards>(call, account.domain(), "mod_vcard")?;
    let xml = vcards.get(&account).await.map_err(failed)?;
    let vcard = xml.map(|xml| Element::parse(&xml, "")).transpose();
    Ok((vcards, account, vcard.map_err(failed)?))
}

async fn get(call: &Call, has_part: bool) -> Result<Vec<Text>, CommandError> {
    let (_, _, vcard) = stored(call).await?;
    let missing = || CommandError::NotFound("error_no_vcard_found".to_owned());
    let vcard = vcard.ok_or_else(missing)?;
    let part = call.text(3);
    let values = edit::values(vcard.root(), &call.text(2), has_part.then_some(part.as_str()));
    if values.is_empty() {
        return Err(CommandError::NotFound("error_no_value_found_in_vcard".to_owned()));
    }
    Ok(values)
}

fn single(values: Vec<Text>) -> CommandResult {
    Ok(Value::Text(values.into_iter().next().unwrap_or_default()))
}

async fn get_multi(call: Call) -> CommandResult {
    let values = get(&call, true).await?;
    Ok(Value::List(values.into_iter().map(Value::Text).collect()))
}

async fn set(call: &Call, name: &str, part: Option<&str>, contents: &[Text]) -> CommandResult {
    let words = [Some(name), part].into_iter().flatten();
    if !words.clone().all(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
        return Err(CommandError::Arguments("a field's name has letters, digits and - only".to_owned()));
    }
    if words.into_iter().any(|word| !word.starts_with(|c: char| c.is_ascii_alphabetic())) {
        return Err(CommandError::Arguments("a field's name begins with a letter".to_owned()));
    }
    let (vcards, account, vcard) = stored(call).await?;
    let xml = edit::with(vcard.as_ref().map(Element::root), name, part, contents);
    let vcard = Element::parse(&xml, "").map_err(failed)?;
    vcards.set(&account, &vcard).await.map_err(failed)?;
    Ok(Value::Done(true))
}

async fn set_vcard(call: Call) -> CommandResult {
    set(&call, &call.text(2), None, &[call.text(3)]).await
}

async fn set_vcard2(call: Call) -> CommandResult {
    set(&call, &call.text(2), Some(&call.text(3)), &[call.text(4)]).await
}

async fn set_vcard2_multi(call: Call) -> CommandResult {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let contents: Vec<Text> = call.list(4).iter().filter_map(text).collect();
    set(&call, &call.text(2), Some(&call.text(3)), &contents).await
}

/// ejabberd makes a vCard with nothing but the nickname; here the rest of it stays.
async fn set_nickname(call: Call) -> CommandResult {
    set(&call, "NICKNAME", None, &[call.text(2)]).await
}
