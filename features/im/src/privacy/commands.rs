//! privacy_set.

use nightjar_base::Registration;
use nightjar_base::commands::declare::{binary, command, rescode};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Value};
use nightjar_base::iq::{IqHandler as _, IqRequest};
use nightjar_xml::Element;
use nightjar_xmpp::{IqType, Stanza, ns};

use super::Privacy;
use crate::command_support::{account, feature, known_host};

static PRIVACY_SET: CommandSpec = command(
    "privacy_set",
    &["stanza"],
    "Send a IQ set privacy stanza for a local account",
    &[binary("user"), binary("host"), binary("xmlquery")],
    rescode(),
);

pub(super) fn register(registration: &mut Registration) {
    registration.command(&PRIVACY_SET, privacy_set);
}

/// What the account itself could ask for, but for the list of a session.
async fn privacy_set(call: Call) -> CommandResult {
    let account = account(&call, 0, 1)?;
    let host = known_host(&call, 1)?;
    let privacy = feature::<Privacy>(&call, account.domain(), "mod_privacy")?;
    let xml = call.text(2);
    let invalid = || CommandError::Arguments("xmlquery is no <query xmlns='jabber:iq:privacy'/>".to_owned());
    let query = Element::parse(&xml, "").map_err(|_| invalid())?;
    if !query.root().is("query", ns::PRIVACY) {
        return Err(invalid());
    }
    let id = call.kernel.random.identifier();
    let stanza = Stanza::iq(IqType::Set, id).with_from(&account).with_to(&account);
    let request = IqRequest {
        host,
        from: account.clone(),
        to: account,
        session: None,
        ip: None,
        is_set: true,
        query,
        stanza,
    };
    match privacy.handle(request).await {
        Ok(_) => Ok(Value::Done(true)),
        Err(error) => Err(CommandError::Failed(error.condition.as_str().to_owned())),
    }
}

#[cfg(test)]
mod tests;
