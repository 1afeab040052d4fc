//! When an account was last here.

use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_store::{Statement, StoreError, params};
use nightjar_text::Text;

static SELECT: Statement = Statement::new("SELECT seconds, state FROM last WHERE username = ? AND {host}");

/// Seconds since the UNIX epoch and the status text of the account's last logout, if any is known.
pub(crate) async fn last(host: &Host, account: &Jid) -> Result<Option<(i64, Text)>, StoreError> {
    let user = account.local().unwrap_or_default();
    let Some(row) = host.store.query_one(&SELECT, params![user]).await? else { return Ok(None) };
    // The column is text in ejabberd's tables.
    let seconds = row.text(0)?.trim().parse().unwrap_or(0);
    Ok(Some((seconds, row.text(1)?)))
}

/// The same in ejabberd's words: a timestamp (XEP-0082) and a status.
pub(crate) async fn described(
    kernel: &Kernel,
    host: &Host,
    account: &Jid,
) -> Result<(String, Text), StoreError> {
    let now = || nightjar_xmpp::datetime::format(kernel.clock.unix_micros());
    if !kernel.sessions.resources(account).is_empty() {
        return Ok((now(), Text::new("ONLINE")));
    }
    Ok(match last(host, account).await? {
        Some((seconds, status)) => {
            (nightjar_xmpp::datetime::format(seconds.saturating_mul(1_000_000)), status)
        }
        None => (now(), Text::new("NOT FOUND")),
    })
}
