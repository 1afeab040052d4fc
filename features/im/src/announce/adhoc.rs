//! The orders as ad-hoc commands (XEP-0133 §4.23 to §4.27).

use std::sync::Arc;

use nightjar_base::adhoc::{AdhocAnswer, AdhocCommand, AdhocScope, AdhocStep};
use nightjar_base::hooks::BoxFuture;
use nightjar_base::host::Host;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::forms::{DataForm, Field, FieldType, FormType};
use nightjar_xmpp::{StanzaError, ns};

use super::Announce;
use super::action::{Action, Order};
use super::deliver::message;

/// One order as a command.
pub(super) struct Command {
    announce: Arc<Announce>,
    order: Order,
    node: String,
}

impl Command {
    pub fn new(announce: Arc<Announce>, order: Order) -> Self {
        Self { announce, order, node: order.node() }
    }

    async fn form(&self) -> Result<DataForm, StanzaError> {
        let mut form = DataForm::typed(FormType::Form, ns::ADMIN);
        form.title = Some(self.order.title().to_owned());
        if self.order.action == Action::MotdDelete {
            let confirm = Field::new(FieldType::Boolean, "confirm").with_value("true");
            return Ok(form.with(confirm.with_label("Really delete message of the day?")));
        }
        let (subject, body) = if self.order.action == Action::MotdUpdate {
            self.announce.motd_texts().await.map_err(|error| {
                tracing::warn!(%error, "the message of the day could not be read");
                StanzaError::internal_server_error()
            })?
        } else {
            Default::default()
        };
        let mut subject_field = Field::new(FieldType::TextSingle, "subject").with_label("Subject");
        subject_field.values.extend(Some(subject).filter(|subject| !subject.is_empty()));
        let mut body_field = Field::new(FieldType::TextMulti, "body").with_label("Message body");
        body_field.values.extend(body.lines().map(str::to_owned));
        Ok(form.with(subject_field).with(body_field))
    }

    async fn submit(&self, from: &Jid, form: &DataForm) -> Result<AdhocAnswer, StanzaError> {
        let done = AdhocAnswer::Completed { note: Text::empty(), form: None };
        let body = form.values("body").join("\n");
        if self.order.action == Action::MotdDelete {
            if form.boolean("confirm") != Some(true) {
                return Ok(done);
            }
        } else if body.is_empty() {
            return Err(StanzaError::not_acceptable().with_text("No body provided for announce message"));
        }
        let announce = Arc::clone(&self.announce);
        let message = message(&form.values("subject").join("\n"), &body).with_from(from);
        let order = self.order;
        // The answer must not wait until everybody has got it.
        tokio::spawn(async move {
            if let Err(error) = announce.perform(order, &message).await {
                tracing::warn!(%error, "an announcement failed");
            }
        });
        Ok(done)
    }
}

impl AdhocCommand for Command {
    fn node(&self) -> &str {
        &self.node
    }

    fn name(&self) -> &str {
        self.order.title()
    }

    fn scope(&self) -> AdhocScope {
        AdhocScope::Host
    }

    fn allows(&self, host: &Host, from: &Jid) -> bool {
        self.announce.allows(self.order, host, from)
    }

    fn execute<'a>(&'a self, step: AdhocStep) -> BoxFuture<'a, Result<AdhocAnswer, StanzaError>> {
        Box::pin(async move {
            if !self.allows(&step.host, &step.from) {
                return Err(StanzaError::forbidden().with_text("Access denied by service policy"));
            }
            match &step.form {
                None => self.form().await.map(AdhocAnswer::Form),
                Some(form) => self.submit(&step.from, form).await,
            }
        })
    }
}
