//! What arguments mean and an example of each, by their names, which mean the same in all commands.

use nightjar_base::commands::{CommandSpec, Field, Shape};

/// Name, meaning, example.
const KNOWN: &[(&str, &str, &str)] = &[
    ("action", "What to do", "list"),
    ("address", "Network address", "::FFFF:127.0.0.1/128"),
    ("announcement", "Announcement to send, with quotes", "Server will stop now."),
    ("asks", "Pending subscriptions", "any"),
    ("batch_size", "Number of messages to delete per batch", "1000"),
    ("body", "Body", "Message content"),
    ("contacts", "Contacts in the rosters", "any"),
    ("data", "Data of the field", "email"),
    ("days", "Days to keep", "30"),
    ("db_type", "Kind of database", "pgsql"),
    ("db_version", "Version of the database", "16.1"),
    ("delay", "Seconds to wait", "60"),
    ("element", "Name of the XML element, or the element itself", "storage"),
    ("examples", "Languages of the examples", "json"),
    ("file", "Full path of the file", "/home/ejabberd/file.txt"),
    ("from", "Sender's JID", "admin@localhost"),
    ("group", "Group", "Friends"),
    ("groups", "Groups", "Friends,Team 1"),
    ("hashmethod", "Name of hash method", "md5"),
    ("host", "Server name", "example.com"),
    ("localhost", "Server name", "example.com"),
    ("localuser", "User name", "bob"),
    ("loglevel", "Desired logging level", "debug"),
    ("module", "Module", "mod_ping"),
    ("multihost_schema", "Whether one database is for many hosts", "true"),
    ("name", "Name of the number", "registeredusers"),
    ("newpass", "New password for user", "blank"),
    ("nick", "Nickname", "Tom"),
    ("ns", "Namespace", "storage:bookmarks"),
    ("num", "ID of resource to return", "2"),
    ("out", "Full path to output file", "/home/ejabberd/ejabberd.yml"),
    ("password", "Password", "SomEPass44"),
    ("passwordhash", "Password's hash value", "5ebe2294ecd0e0f08eab7690d2a6ee69"),
    ("priority", "Priority", "0"),
    ("rate", "Desired rate of messages deleted per minute", "10000"),
    ("reason", "Reason", "Spamming other users"),
    ("regexp", "Regular expression for names", "mod_.*"),
    ("resource", "Resource", "tka1"),
    ("sentence", "Sentence", "Hello"),
    ("show", "Whether to chat", "away"),
    ("stanza", "Stanza", "<message><ext attr='value'/></message>"),
    ("status", "Status text", "Set in vacation mode"),
    ("subject", "Subject, or empty string", "Restart"),
    ("subs", "Subscription", "both"),
    ("timestamp", "Seconds since 1970-01-01", "1500045311"),
    ("to", "Receiver's JID", "user1@localhost"),
    ("type", "Type", "chat"),
    ("user", "User name", "bob"),
    ("users", "Users", "*@example.com"),
    ("with", "Peer JID", "juliet@example.com"),
    ("xmlquery", "Query XML element", "<query xmlns='jabber:iq:privacy'/>"),
];

fn known(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    KNOWN.iter().find(|(known, _, _)| *known == name)
}

/// What an argument of this name means.
pub(crate) fn about(name: &str) -> Option<&'static str> {
    known(name).map(|(_, about, _)| *about)
}

/// A call of the command and what it may answer, a line each.
pub(crate) fn lines(spec: &CommandSpec) -> Vec<String> {
    let mut call = format!("ejabberdctl {}", spec.name);
    for argument in spec.arguments {
        call.push(' ');
        call.push_str(&quoted(&value(argument)));
    }
    let mut lines = vec![call];
    match spec.result.shape {
        Shape::Rescode => {}
        Shape::Restuple => lines.push("Success".to_owned()),
        Shape::List(element) => lines.extend([value(element), value(element)]),
        _ => lines.push(value(&spec.result)),
    }
    lines
}

fn value(field: &Field) -> String {
    let join = |fields: &[Field], separator: &str| {
        let values: Vec<_> = fields.iter().map(value).collect();
        values.join(separator)
    };
    match field.shape {
        Shape::List(element) => known(field.name).map_or_else(|| value(element), |known| known.2.to_owned()),
        Shape::Tuple(fields) => join(fields, "\t"),
        Shape::Integer => known(field.name)
            .map(|known| known.2)
            .filter(|text| text.parse::<i64>().is_ok())
            .unwrap_or("5")
            .to_owned(),
        _ => known(field.name).map_or_else(|| field.name.to_owned(), |known| known.2.to_owned()),
    }
}

/// Ready for a shell.
fn quoted(word: &str) -> String {
    let plain = |next: char| next.is_ascii_alphanumeric() || "_-.,:/@%+=".contains(next);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("\"{word}\"") }
}

#[cfg(test)]
mod tests;
