//! Stanzas of other servers that are proved to be theirs.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::catch::caught;
use nightjar_xmpp::Stanza;

/// Passes a stanza on; a panic of a feature loses this one only.
pub(super) async fn receive(kernel: &Arc<Kernel>, stanza: Stanza) {
    let Some(remote) = stanza.from.as_ref().map(nightjar_jid::Jid::to_domain) else { return };
    if caught(kernel.remote_receive(&remote, stanza)).await.is_err() {
        tracing::error!(%remote, "handling a stanza of another server panicked");
    }
}
