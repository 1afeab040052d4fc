//! `jabber:iq:roster` requests (RFC 6121 §2).

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest};
use nightjar_text::Text;
use nightjar_xmpp::{StanzaError, ns, write};

use super::item;
use super::manager::RosterManager;
use super::storage;
use crate::support::{may, storage_error};

impl IqHandler for RosterManager {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            // §2.1.5, §2.3.3: only the account itself, whatever its contacts claim.
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            if request.is_set { self.answer_set(&request).await } else { self.answer_get(&request).await }
        })
    }
}

impl RosterManager {
    async fn answer_get(&self, request: &IqRequest) -> IqReply {
        let cached = self.load(&request.to).await?;
        if let Some(session) = &request.session {
            session.set_interested();
        }
        let versioning = self.options.bool("versioning");
        let asked = request.query.attr("ver");
        let mut version = None;
        if versioning {
            let current = self.current_version(request, &cached.roster).await?;
            if asked.as_deref() == Some(current.as_str()) {
                return Ok(None);
            }
            version = Some(current);
        }
        let mut query = format!("<query xmlns='{}'", ns::ROSTER);
        // §2.6.2: a client that didn't ask by version isn't told one.
        if asked.is_some() {
            write::attribute_if(&mut query, "ver", version.as_deref());
        }
        query.push('>');
        cached.roster.write_items(&mut query);
        query.push_str("</query>");
        Ok(Some(Text::from(query)))
    }

    async fn current_version(&self, request: &IqRequest, roster: &item::Roster) -> Result<Text, StanzaError> {
        if self.options.bool("store_current_id") {
            let user = request.to.local().unwrap_or_default();
            let stored = storage::version(&request.host.store, user).await;
            if let Some(version) = stored.map_err(|error| storage_error(&error))? {
                return Ok(version);
            }
        }
        Ok(roster.version())
    }

    async fn answer_set(&self, request: &IqRequest) -> IqReply {
        if !may(request, &self.options.access("access")) {
            return Err(StanzaError::not_allowed());
        }
        let change = item::parse_set(request.query.root())?;
        self.set(&request.to, change).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
