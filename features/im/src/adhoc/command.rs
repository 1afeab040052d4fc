//! `<command xmlns='http://jabber.org/protocol/commands'/>` (XEP-0050 §3, §4).

use nightjar_text::Text;
use nightjar_xml::{ElementRef, Writer};
use nightjar_xmpp::forms::{DataForm, FormType};
use nightjar_xmpp::{StanzaError, ns};

/// Bytes of a session's name that are taken from a client.
const SESSION_MAX: usize = 128;

/// What a client wants of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Begin, or go on with the form.
    Execute,
    /// Never mind.
    Cancel,
}

/// A request.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub node: Text,
    pub session: Option<Text>,
    pub action: Action,
    pub form: Option<DataForm>,
}

/// How far a command got.
pub(super) enum Status<'a> {
    Executing(&'a DataForm),
    Completed { note: &'a str, form: Option<&'a DataForm> },
    Canceled,
}

/// Reads a request.
///
/// # Errors
/// `bad-request`, with §4.4's condition where there is one.
pub(super) fn read(command: ElementRef<'_>) -> Result<Request, StanzaError> {
    let node = command.attr("node").filter(|node| !node.is_empty());
    let (Some(node), "command") = (node, command.name()) else { return Err(StanzaError::bad_request()) };
    let session = command.attr("sessionid").map(|session| Text::new(&session));
    if session.as_ref().is_some_and(|session| session.len() > SESSION_MAX) {
        return Err(special("bad-sessionid"));
    }
    let form = DataForm::of(command)?;
    let is_canceled = form.as_ref().is_some_and(|form| form.kind == FormType::Cancel);
    let action = match command.attr("action").as_deref() {
        _ if is_canceled => Action::Cancel,
        None | Some("execute") => Action::Execute,
        // There is one step with a form, and the next is always the last.
        Some("next" | "complete") if form.is_some() => Action::Execute,
        Some("cancel") => Action::Cancel,
        Some("next" | "complete" | "prev") => return Err(special("bad-action")),
        Some(_) => return Err(special("malformed-action")),
    };
    let form = form.filter(|form| form.kind == FormType::Submit);
    Ok(Request { node: Text::new(&node), session, action, form })
}

fn special(condition: &str) -> StanzaError {
    StanzaError::bad_request()
        .with_application(Text::from(format!("<{condition} xmlns='{}'/>", ns::COMMANDS)))
}

/// Writes an answer.
pub(super) fn write(node: &str, session: &str, status: &Status<'_>) -> Text {
    let mut xml = Writer::new();
    let word = match status {
        Status::Executing(_) => "executing",
        Status::Completed { .. } => "completed",
        Status::Canceled => "canceled",
    };
    xml.start("command").ns(ns::COMMANDS);
    xml.attr("sessionid", session).attr("node", node).attr("status", word);
    match status {
        Status::Executing(form) => {
            xml.start("actions").attr("execute", "complete").start("complete").end("complete").end("actions");
            xml.raw(&form.to_xml());
        }
        Status::Completed { note, form } => {
            if !note.is_empty() {
                xml.start("note").attr("type", "info").text(note).end("note");
            }
            if let Some(form) = form {
                xml.raw(&form.to_xml());
            }
        }
        Status::Canceled => {}
    }
    xml.end("command");
    Text::from(xml.finish())
}

#[cfg(test)]
mod tests;
