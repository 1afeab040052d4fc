//! The user directory, `vjud.example.org` (XEP-0055).

use std::sync::{Arc, Weak};

use nightjar_base::hooks::BoxFuture;
use nightjar_base::host::Host;
use nightjar_base::router::Service;
use nightjar_base::{Kernel, card};
use nightjar_config::{Options, Value};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{Element, Writer};
use nightjar_xmpp::forms::{DataForm, FormType};
use nightjar_xmpp::{IqType, Stanza, StanzaError, StanzaType, ns};

use super::search;
use crate::support::storage_error;

pub(super) struct Directory {
    host: Weak<Host>,
    jid: Jid,
    name: Text,
    return_all: bool,
    matches: Option<u64>,
}

impl Directory {
    pub(super) fn new(host: &Arc<Host>, jid: Jid, options: &Options) -> Directory {
        Directory {
            host: Arc::downgrade(host),
            name: name_of(options, jid.domain()),
            jid,
            return_all: options.bool("allow_return_all"),
            matches: options.limit("matches"),
        }
    }

    async fn answer(&self, is_set: bool, query: &Element) -> Result<Text, StanzaError> {
        match (query.ns(), is_set) {
            (ns::DISCO_INFO, false) if query.attr("node").is_none() => Ok(self.info()),
            (ns::DISCO_ITEMS, false) if query.attr("node").is_none() => {
                Ok(Text::from(format!("<query xmlns='{}'/>", ns::DISCO_ITEMS)))
            }
            (ns::DISCO_INFO | ns::DISCO_ITEMS, false) => Err(StanzaError::item_not_found()),
            (ns::VCARD, false) => Ok(card::simple(&self.name, "Nightjar vCard search")),
            (ns::SEARCH, false) => Ok(self.form()),
            (ns::SEARCH, true) => self.search(query).await,
            (ns::DISCO_INFO | ns::DISCO_ITEMS | ns::VCARD, true) => Err(StanzaError::not_allowed()),
            _ => Err(StanzaError::service_unavailable()),
        }
    }

    fn info(&self) -> Text {
        let mut xml = Writer::new();
        xml.start("query").ns(ns::DISCO_INFO);
        xml.start("identity").attr("category", "directory").attr("type", "user").attr("name", &self.name);
        xml.end("identity");
        for feature in [ns::DISCO_INFO, ns::DISCO_ITEMS, ns::SEARCH, ns::VCARD] {
            xml.start("feature").attr("var", feature).end("feature");
        }
        xml.end("query");
        Text::from(xml.finish())
    }

    fn form(&self) -> Text {
        let form = search::form(format!("Search users in {}", self.jid));
        let mut xml = Writer::new();
        xml.start("query").ns(ns::SEARCH);
        xml.element("instructions", "You need an x:data capable client to search");
        xml.raw(&form.to_xml()).end("query");
        Text::from(xml.finish())
    }

    async fn search(&self, query: &Element) -> Result<Text, StanzaError> {
        let form = DataForm::of(query.root())?.filter(|form| form.kind == FormType::Submit);
        let incorrect = || StanzaError::bad_request().with_text("Incorrect data form");
        let form = form.ok_or_else(incorrect)?;
        let host = self.host.upgrade().ok_or_else(StanzaError::service_unavailable)?;
        let title = format!("Search Results for {}", self.jid);
        let found = search::find(&host.store, &form, self.return_all, self.matches, title).await;
        let result = found.map_err(|error| storage_error(&error))?;
        Ok(Text::from(format!("<query xmlns='{}'>{}</query>", ns::SEARCH, result.to_xml())))
    }
}

/// The name of a service, which `append_module_config` may give it alone.
fn name_of(options: &Options, domain: &str) -> Text {
    let own = options.map("append_module_config").iter().find(|(service, _)| service.as_str() == domain);
    let own = own.and_then(|(_, values)| values.items().iter().find_map(|value| value.get("name")));
    own.and_then(Value::as_text).cloned().unwrap_or_else(|| options.text("name"))
}

impl Service for Directory {
    fn route<'a>(&'a self, kernel: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let StanzaType::Iq(kind @ (IqType::Get | IqType::Set)) = stanza.kind else { return };
            let is_service = stanza.to.as_ref().is_some_and(Jid::is_domain);
            let query = stanza.children().next().map(|child| child.parse());
            let answer = match query {
                Some(query) if is_service => self.answer(kind == IqType::Set, &query).await,
                Some(_) => Err(StanzaError::service_unavailable()),
                None => Err(StanzaError::bad_request()),
            };
            match answer {
                Ok(payload) => kernel.route_boxed(stanza.result_reply(Some(payload))).await,
                Err(error) => kernel.bounce(&stanza, &error).await,
            }
        })
    }
}
