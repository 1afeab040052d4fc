//! Sending in somebody's name.

use nightjar_base::commands::declare::{binary, command, rescode};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Value};
use nightjar_base::{Registration, Session};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::{MessageType, Stanza, ns};

use crate::find;
use crate::presence::element;

static SEND_MESSAGE: CommandSpec = command(
    "send_message",
    &["stanza"],
    "Send a message; an empty subject or body is left out",
    &[binary("type"), binary("from"), binary("to"), binary("subject"), binary("body")],
    rescode(),
);
static SEND_STANZA: CommandSpec = command(
    "send_stanza",
    &["stanza"],
    "Send a stanza in the name of an existing or other address",
    &[binary("from"), binary("to"), binary("stanza")],
    rescode(),
);
static SEND_STANZA_C2S: CommandSpec = command(
    "send_stanza_c2s",
    &["stanza"],
    "Write a stanza to a session",
    &[binary("user"), binary("host"), binary("resource"), binary("stanza")],
    rescode(),
);

pub(crate) fn extra(registration: &mut Registration) {
    registration.command(&SEND_MESSAGE, send_message);
    registration.command(&SEND_STANZA, send_stanza);
    registration.command(&SEND_STANZA_C2S, send_stanza_c2s);
}

async fn send_message(call: Call) -> CommandResult {
    let mut message = Stanza::message(MessageType::parse(&call.text(0)));
    message.id = Some(call.kernel.random.identifier());
    let (subject, body) = (call.text(3), call.text(4));
    if !subject.is_empty() {
        message.append(element("subject", &subject));
    }
    if !body.is_empty() || subject.is_empty() {
        message.append(element("body", &body));
    }
    let (from, to) = (address(&call, 1)?, address(&call, 2)?);
    send(&call, message, from, to).await
}

async fn send_stanza(call: Call) -> CommandResult {
    let stanza = parsed(&call.text(2))?;
    let (from, to) = (address(&call, 0)?, address(&call, 1)?);
    send(&call, stanza, from, to).await
}

/// As from the session if it is one of ours, so that it is archived and copied; from nowhere otherwise.
async fn send(call: &Call, mut stanza: Stanza, from: Jid, to: Jid) -> CommandResult {
    stanza.to = Some(to);
    stanza.from = Some(from.clone());
    match call.kernel.sessions.find(&from) {
        Some(session) => {
            let sent = call.kernel.user_send(&session, stanza).await;
            sent.map_err(|error| CommandError::Failed(format!("{error:?}")))?;
        }
        None => call.kernel.route(stanza).await,
    }
    Ok(Value::Done(true))
}

async fn send_stanza_c2s(call: Call) -> CommandResult {
    let stanza = parsed(&call.text(3))?;
    let gone = || CommandError::Failed("no_session".to_owned());
    let session = find::session(&call, 0).ok_or_else(gone)?;
    deliver(&session, stanza).map(|()| Value::Done(true)).ok_or_else(gone)
}

fn deliver(session: &Session, stanza: Stanza) -> Option<()> {
    session.deliver(stanza).ok()
}

fn address(call: &Call, at: usize) -> Result<Jid, CommandError> {
    let text = call.text(at);
    Jid::parse(&text).map_err(|error| CommandError::Failed(format!("{text} is not an address: {error}")))
}

fn parsed(xml: &Text) -> Result<Stanza, CommandError> {
    let frame = parse_document(xml, &Limits::default(), ns::CLIENT)
        .map_err(|error| CommandError::Failed(format!("invalid xml: {error}")))?;
    Stanza::from_frame(&frame)
        .map_err(|error| CommandError::Failed(format!("incorrect stanza: {}", error.condition.as_str())))
}

#[cfg(test)]
mod tests;
