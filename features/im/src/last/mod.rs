//! mod_last: when an account was last seen (XEP-0012).

mod commands;

use std::sync::{Arc, Weak};

use nightjar_base::hooks::{
    AccountRegistered, AccountRemoved, BoxFuture, Flow, On, Outcome, SessionUnavailable, Stage,
};
use nightjar_base::host::Host;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::ModuleSpec;
use nightjar_jid::Jid;
use nightjar_store::{Statement, StoreError, params};
use nightjar_text::Text;
use nightjar_xmpp::{StanzaError, ns, write};

use crate::cache_options::cache_options;
use crate::support::{may_see, storage_error};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_last",
    doc: "Tells contacts when an account was last seen (XEP-0012).",
    options: &cache_options!("last activities"),
};

static GET: Statement = Statement::new("SELECT seconds, state FROM last WHERE username = ? AND {host}");
static PUT: Statement = Statement::upsert("last", &["username"], &["seconds", "state"]);
static DELETE: Statement = Statement::new("DELETE FROM last WHERE username = ? AND {host}");

/// The feature's state.
pub struct Last {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let last =
            Arc::new(Last { kernel: Arc::downgrade(&context.kernel), host: Arc::downgrade(&context.host) });
        let mut registration = context.registration();
        registration.iq(IqTarget::Host, ns::LAST, Arc::clone(&last));
        registration.iq(IqTarget::Account, ns::LAST, Arc::clone(&last));
        registration.on::<SessionUnavailable>(Stage::Record, Arc::clone(&last));
        registration.on::<AccountRegistered>(Stage::Record, Arc::clone(&last));
        registration.on::<AccountRemoved>(Stage::Record, Arc::clone(&last));
        registration.provide(Arc::clone(&last));
        commands::register(&mut registration);
        Ok(registration)
    })
}

impl Last {
    /// When the account was last seen, in seconds since the UNIX epoch, and what it said then.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn get(&self, user: &str) -> Result<Option<(i64, Text)>, StoreError> {
        let Some(host) = self.host.upgrade() else { return Ok(None) };
        let Some(row) = host.store.query_one(&GET, params![user]).await? else { return Ok(None) };
        let seconds = row.text(0)?.trim().parse().unwrap_or(0);
        Ok(Some((seconds, row.text(1)?)))
    }

    /// Notes when the account was last seen.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set(&self, user: &str, seconds: i64, status: &str) -> Result<(), StoreError> {
        let Some(host) = self.host.upgrade() else { return Ok(()) };
        host.store.execute(&PUT, params![user, seconds.to_string(), status]).await.map(|_| ())
    }

    /// As [`Last::set`] with the present time, without waiting.
    fn note(&self, user: &str, status: &str) {
        let (Some(kernel), Some(host)) = (self.kernel.upgrade(), self.host.upgrade()) else { return };
        let seconds = kernel.clock.unix_seconds().to_string();
        // Nobody was promised this; a database that fails is reported by its health.
        drop(host.store.submit(vec![(&PUT, params![user, seconds, status])]));
    }

    async fn answer(&self, request: &IqRequest) -> IqReply {
        require_get(request)?;
        let kernel = self.kernel.upgrade().ok_or_else(StanzaError::internal_server_error)?;
        let Some(user) = request.to.local() else {
            let uptime = (kernel.clock.unix_micros() - kernel.started_micros()) / 1_000_000;
            return Ok(Some(query(uptime, "")));
        };
        if !request.is_own() && !may_see(request).await {
            return Err(StanzaError::forbidden());
        }
        if kernel.sessions.resources(&request.to).iter().any(|session| session.is_available()) {
            return Ok(Some(query(0, "")));
        }
        match self.get(user).await.map_err(|error| storage_error(&error))? {
            Some((seen, status)) => {
                let seconds = kernel.clock.unix_seconds().saturating_sub(seen).max(0);
                Ok(Some(query(seconds, &status)))
            }
            None => Err(StanzaError::item_not_found()),
        }
    }
}

fn query(seconds: i64, status: &str) -> Text {
    let mut xml = format!("<query xmlns='{}' seconds='{seconds}'>", ns::LAST);
    write::text(&mut xml, status);
    xml.push_str("</query>");
    Text::from(xml)
}

impl IqHandler for Last {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move { self.answer(&request).await })
    }
}

fn user_of(account: &Jid) -> &str {
    account.local().unwrap_or_default()
}

impl On<SessionUnavailable> for Last {
    fn on<'a>(&'a self, event: &'a mut SessionUnavailable) -> Outcome<'a> {
        self.note(user_of(&event.session.jid), &event.status);
        Outcome::CONTINUE
    }
}

impl On<AccountRegistered> for Last {
    fn on<'a>(&'a self, event: &'a mut AccountRegistered) -> Outcome<'a> {
        self.note(user_of(&event.account), "Registered but didn't login");
        Outcome::CONTINUE
    }
}

impl On<AccountRemoved> for Last {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            let user = user_of(&event.account);
            if let Err(error) = event.host.store.execute(&DELETE, params![user]).await {
                tracing::warn!(account = %event.account, %error, "last activity could not be deleted");
            }
            Flow::Continue
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn the_status_is_escaped() {
        assert_eq!(
            query(903, "<b>").as_str(),
            "<query xmlns='jabber:iq:last' seconds='903'>&lt;b></query>".replace("b>", "b&gt;")
        );
    }
}
