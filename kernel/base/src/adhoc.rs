//! Ad-hoc commands (XEP-0050) as features offer them.

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;
use nightjar_xmpp::forms::DataForm;

use crate::hooks::BoxFuture;
use crate::host::Host;

/// Where a command is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdhocScope {
    /// At the host's address.
    Host,
    /// At an account's bare address.
    Account,
}

/// One step of a command's execution.
pub struct AdhocStep {
    /// The host.
    pub host: Arc<Host>,
    /// Who executes it.
    pub from: Jid,
    /// The address it is executed at.
    pub to: Jid,
    /// Its language.
    pub lang: Option<Text>,
    /// The filled-in form; none at the first step.
    pub form: Option<DataForm>,
}

/// What a step leads to.
pub enum AdhocAnswer {
    /// A form to fill in; the same command is executed again with it.
    Form(DataForm),
    /// The end, with a note or a result form.
    Completed {
        /// A sentence for the person, or empty.
        note: Text,
        /// A result form.
        form: Option<DataForm>,
    },
}

/// A command.
pub trait AdhocCommand: Send + Sync {
    /// Its node.
    fn node(&self) -> &str;
    /// Its name for people.
    fn name(&self) -> &str;
    /// Where it is offered.
    fn scope(&self) -> AdhocScope;
    /// Whether this entity may see and execute it.
    fn allows(&self, host: &Host, from: &Jid) -> bool;
    /// Executes a step.
    fn execute<'a>(&'a self, step: AdhocStep) -> BoxFuture<'a, Result<AdhocAnswer, StanzaError>>;
}
