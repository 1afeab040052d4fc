//! Requests of `urn:xmpp:mam:2`.

use nightjar_base::Session;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::delay::Delay;
use nightjar_xmpp::forms::{DataForm, Field, FieldType, FormType};
use nightjar_xmpp::{MessageType, Stanza, StanzaError, datetime, forwarded, ns, write};

use super::preferences::Preferences;
use super::query::{self, Filter, Found};
use super::{Archive, storage};
use crate::support::{may, storage_error};

impl IqHandler for Archive {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            match (request.query.name(), request.is_set) {
                ("query", true) => self.search(&request).await,
                ("query", false) => Ok(Some(search_form())),
                ("prefs", true) => self.set_preferences(&request).await,
                ("prefs", false) => self.get_preferences(&request).await,
                ("metadata", false) => metadata(&request).await,
                _ => Err(StanzaError::bad_request()),
            }
        })
    }
}

fn user_of(request: &IqRequest) -> &str {
    request.to.local().unwrap_or_default()
}

impl Archive {
    async fn search(&self, request: &IqRequest) -> IqReply {
        let session = request.session.as_ref().ok_or_else(StanzaError::not_allowed)?;
        let filter = query::parse(request.query.root())?;
        let (user, store) = (user_of(request), &request.host.store);
        if self.options.bool("request_activates_archiving") {
            self.activate(request).await?;
        }
        for id in &filter.named {
            if !storage::exists(store, user, *id).await.map_err(|error| storage_error(&error))? {
                return Err(StanzaError::item_not_found());
            }
        }
        let (found, complete) =
            query::run(store, user, &filter).await.map_err(|error| storage_error(&error))?;
        let is_whole = complete && filter.after.is_none() && filter.before.is_none();
        let count = if is_whole {
            i64::try_from(found.len()).unwrap_or(i64::MAX)
        } else {
            query::count(store, user, &filter).await.map_err(|error| storage_error(&error))?
        };
        let query_id = request.query.attr("queryid");
        let send = |found: &Found| {
            let result = result(session, &request.to, query_id.as_deref(), found);
            session.deliver(result).map_err(|_| StanzaError::resource_constraint())
        };
        if filter.flip {
            found.iter().rev().try_for_each(send)?;
        } else {
            found.iter().try_for_each(send)?;
        }
        Ok(Some(fin(&filter, &found, complete, count)))
    }

    /// The first request of an account turns its archive on.
    async fn activate(&self, request: &IqRequest) -> Result<(), StanzaError> {
        let user = user_of(request);
        let preferences = self.preferences_of(&request.host, user).await;
        if preferences.stored {
            return Ok(());
        }
        self.store_preferences(request, Preferences { stored: true, ..Preferences::clone(&preferences) })
            .await
    }

    async fn store_preferences(
        &self,
        request: &IqRequest,
        preferences: Preferences,
    ) -> Result<(), StanzaError> {
        let user = user_of(request);
        let stored = storage::put_preferences(&request.host.store, user, &preferences).await;
        stored.map_err(|error| storage_error(&error))?;
        self.preferences.insert(Text::new(user), preferences.into());
        Ok(())
    }

    async fn get_preferences(&self, request: &IqRequest) -> IqReply {
        Ok(Some(self.preferences_of(&request.host, user_of(request)).await.to_xml()))
    }

    async fn set_preferences(&self, request: &IqRequest) -> IqReply {
        if !may(request, &self.options.access("access_preferences")) {
            return Err(StanzaError::forbidden());
        }
        let preferences = Preferences::parse(request.query.root())?;
        let reply = preferences.to_xml();
        self.store_preferences(request, preferences).await?;
        Ok(Some(reply))
    }
}

/// §4.2: a message of the archive, forwarded.
fn result(session: &Session, archive: &Jid, query_id: Option<&str>, found: &Found) -> Stanza {
    let mut xml = String::with_capacity(found.xml.len() + 256);
    xml.push_str("<result");
    write::attribute(&mut xml, "xmlns", ns::MAM);
    write::attribute_if(&mut xml, "queryid", query_id);
    write::attribute(&mut xml, "id", &found.id.to_string());
    xml.push('>');
    forwarded::write_stored(&mut xml, &found.xml, Some(&Delay::new(archive, found.id)));
    xml.push_str("</result>");
    Stanza::message(MessageType::Normal).with_from(archive).with_to(&session.jid).with_child(Text::from(xml))
}

fn fin(filter: &Filter, found: &[Found], complete: bool, count: i64) -> Text {
    let mut xml = format!("<fin xmlns='{}'", ns::MAM);
    if complete {
        xml.push_str(" complete='true'");
    }
    xml.push_str(&format!("><set xmlns='{}'>", ns::RSM));
    if let (Some(first), Some(last)) = (found.first(), found.last()) {
        let (first, last) = if filter.flip { (last, first) } else { (first, last) };
        write::text_element(&mut xml, "first", &first.id.to_string());
        write::text_element(&mut xml, "last", &last.id.to_string());
    }
    write::text_element(&mut xml, "count", &count.to_string());
    xml.push_str("</set></fin>");
    Text::from(xml)
}

/// §4.1.4: the fields a query may have.
fn search_form() -> Text {
    let mut form = DataForm::typed(FormType::Form, ns::MAM);
    for (kind, name) in [
        (FieldType::JidSingle, "with"),
        (FieldType::TextSingle, "start"),
        (FieldType::TextSingle, "end"),
        (FieldType::TextSingle, "after-id"),
        (FieldType::TextSingle, "before-id"),
        (FieldType::ListMulti, "ids"),
        (FieldType::TextSingle, "withtext"),
        (FieldType::TextSingle, "{urn:xmpp:fulltext:0}fulltext"),
    ] {
        form = form.with(Field::new(kind, name));
    }
    Text::from(format!("<query xmlns='{}'>{}</query>", ns::MAM, form.to_xml()))
}

/// §6: what the archive spans.
async fn metadata(request: &IqRequest) -> IqReply {
    let ends = storage::ends(&request.host.store, user_of(request)).await;
    let mut xml = format!("<metadata xmlns='{}'>", ns::MAM);
    if let Some((first, last)) = ends.map_err(|error| storage_error(&error))? {
        for (name, id) in [("start", first), ("end", last)] {
            xml.push_str(&format!("<{name}"));
            write::attribute(&mut xml, "id", &id.to_string());
            write::attribute(&mut xml, "timestamp", &datetime::format(id));
            xml.push_str("/>");
        }
    }
    xml.push_str("</metadata>");
    Ok(Some(Text::from(xml)))
}
