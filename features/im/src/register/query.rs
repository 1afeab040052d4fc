//! `<query xmlns='jabber:iq:register'/>`: what is asked and what is answered (XEP-0077 §3, §4, §5).

use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::{ElementRef, Writer};
use nightjar_xmpp::forms::{DataForm, FormType};
use nightjar_xmpp::{StanzaError, ns};

/// A set.
pub(super) enum Submission {
    /// Remove the account that asks, or this one.
    Remove { user: Option<Text> },
    /// Make this account, or give it a new password.
    Credentials { user: Text, password: Secret },
}

/// Reads a set.
///
/// # Errors
/// `bad-request` where a part is missing or is no part of a registration (§3.2), `not-acceptable` for an incomplete
/// form (§3.1.1).
pub(super) fn read(query: ElementRef<'_>) -> Result<Submission, StanzaError> {
    let text = |name| query.child(name, ns::REGISTER).map(|child| child.text().into_owned());
    if query.child("remove", ns::REGISTER).is_some() {
        return Ok(Submission::Remove { user: text("username").map(Text::from) });
    }
    let (user, password) = match DataForm::of(query)? {
        Some(form) => of_form(&form)?,
        None => (text("username"), text("password")),
    };
    match (user, password) {
        (Some(user), Some(password)) => {
            Ok(Submission::Credentials { user: Text::from(user), password: Secret::from(password.as_str()) })
        }
        (None, None) => Err(StanzaError::bad_request()),
        _ => Err(StanzaError::not_acceptable().with_text("Both a username and a password are needed")),
    }
}

type Fields = (Option<String>, Option<String>);

fn of_form(form: &DataForm) -> Result<Fields, StanzaError> {
    if form.kind != FormType::Submit || form.form_type().is_some_and(|kind| kind != ns::REGISTER) {
        return Err(StanzaError::bad_request());
    }
    let field = |var| form.value(var).map(str::to_owned);
    Ok((field("username"), field("password")))
}

/// The fields that are needed, and whether the asker has an account already (§3.1, examples 2 and 3).
pub(super) fn fields(registered: Option<&str>) -> Text {
    let mut xml = Writer::new();
    xml.start("query").ns(ns::REGISTER);
    match registered {
        Some(user) => xml.start("registered").end("registered").element("username", user),
        None => xml
            .element("instructions", "Choose a username and password to register with this server")
            .start("username")
            .end("username"),
    };
    xml.start("password").end("password").end("query");
    Text::from(xml.finish())
}

/// Where to register instead (§5).
pub(super) fn redirect(url: &str) -> Text {
    let mut xml = Writer::new();
    xml.start("query").ns(ns::REGISTER).element("instructions", &format!("To register, visit {url}"));
    xml.start("x").ns(ns::OOB).element("url", url).end("x").end("query");
    Text::from(xml.finish())
}

#[cfg(test)]
mod tests;
