//! The account that a node without a configuration file makes at its first start.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::Context as _;
use nightjar_base::Random;
use nightjar_sasl::Secret;

use crate::home::write_private;
use crate::node::Node;

/// The account's name.
const USER: &str = "admin";

/// Letters and digits that nobody confuses: five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Makes the account if its host has none. Returns a line that tells how to log in, to be shown once.
///
/// # Errors
/// If the account can't be made.
pub(crate) async fn make(node: &Arc<Node>) -> anyhow::Result<Option<String>> {
    let hosts = node.kernel.hosts();
    let Some(host) = hosts.first() else { return Ok(None) };
    if host.accounts.count("").await? > 0 {
        return Ok(None);
    }
    let password = password(&*node.kernel.random);
    let account = node.kernel.register_account(host, USER, &Secret::from(password.as_str())).await?;
    if std::io::stdout().is_terminal() {
        return Ok(Some(format!("{account} has the password {password}   (shown only this once)")));
    }
    // What isn't a terminal may be a log that others read.
    let path = node.home.path().join("first-password");
    let text = format!("{account} {password}\n");
    write_private(&path, text.as_bytes()).with_context(|| path.display().to_string())?;
    Ok(Some(format!("the password of {account} is in {}", path.display())))
}

/// 100 bits in four groups.
fn password(random: &dyn Random) -> String {
    let mut bytes = [0; 20];
    random.fill(&mut bytes);
    let mut password = String::with_capacity(23);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    password
}
