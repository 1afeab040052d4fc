//! mod_private: XML that clients keep for themselves (XEP-0049).

mod commands;

use std::sync::{Arc, Weak};

use nightjar_base::hooks::{AccountRemoved, BoxFuture, Flow, On, Outcome, Stage};
use nightjar_base::host::Host;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::ModuleSpec;
use nightjar_store::{Statement, StoreError, params};
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::{StanzaError, ns, write};

use crate::cache_options::cache_options;
use crate::support::storage_error;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_private",
    doc: "Keeps XML that clients store for themselves (XEP-0049).",
    options: &cache_options!("private elements"),
};

static GET: Statement =
    Statement::new("SELECT data FROM private_storage WHERE username = ? AND namespace = ? AND {host}");
static PUT: Statement = Statement::upsert("private_storage", &["username", "namespace"], &["data"]);
static DELETE: Statement = Statement::new("DELETE FROM private_storage WHERE username = ? AND {host}");

/// An element's XML larger than this is refused.
const ELEMENT_MAX: usize = 262_144;

/// The private storage of one host's accounts.
pub struct PrivateStorage {
    host: Weak<Host>,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let storage = Arc::new(PrivateStorage { host: Arc::downgrade(&context.host) });
        let mut registration = context.registration();
        registration.iq(IqTarget::Account, ns::PRIVATE, Arc::clone(&storage));
        registration.on::<AccountRemoved>(Stage::Record, Arc::clone(&storage));
        registration.provide(storage);
        commands::register(&mut registration);
        Ok(registration)
    })
}

impl PrivateStorage {
    async fn get(&self, user: &str, namespace: &str) -> Result<Option<Text>, StoreError> {
        let Some(host) = self.host.upgrade() else { return Ok(None) };
        let row = host.store.query_one(&GET, params![user, namespace]).await?;
        row.map(|row| row.text(0)).transpose()
    }

    async fn put(&self, user: &str, elements: &[(Text, Text)]) -> Result<(), StoreError> {
        let Some(host) = self.host.upgrade() else { return Ok(()) };
        let calls = elements
            .iter()
            .map(|(namespace, xml)| (&PUT, params![user, namespace.clone(), xml.clone()]))
            .collect();
        host.store.transaction(calls).await.map(|_| ())
    }

    async fn answer(&self, request: &IqRequest) -> IqReply {
        // §6.1: nobody sees another's.
        if !request.is_own() {
            return Err(StanzaError::forbidden());
        }
        let user = request.to.local().unwrap_or_default();
        let elements = elements(request.query.root())?;
        if request.is_set {
            let rows: Vec<_> =
                elements.iter().map(|element| (Text::new(element.ns()), element.raw())).collect();
            self.put(user, &rows).await.map_err(|error| storage_error(&error))?;
            return Ok(None);
        }
        let mut xml = format!("<query xmlns='{}'>", ns::PRIVATE);
        for element in elements {
            let stored = self.get(user, element.ns()).await.map_err(|error| storage_error(&error))?;
            match stored {
                Some(stored) => xml.push_str(&stored),
                None => empty(&mut xml, element),
            }
        }
        xml.push_str("</query>");
        Ok(Some(Text::from(xml)))
    }
}

fn elements(query: ElementRef<'_>) -> Result<Vec<ElementRef<'_>>, StanzaError> {
    let elements: Vec<_> = query.children().collect();
    if elements.is_empty() || elements.len() > 16 {
        return Err(StanzaError::bad_request());
    }
    for element in &elements {
        // §3.2: an element needs a namespace of its own, and not one of XMPP's.
        if element.ns().is_empty() || element.ns() == ns::PRIVATE || element.ns().starts_with("jabber:") {
            return Err(StanzaError::not_acceptable());
        }
        if element.raw().len() > ELEMENT_MAX {
            return Err(StanzaError::resource_constraint().with_text("The element is too large"));
        }
    }
    Ok(elements)
}

fn empty(xml: &mut String, element: ElementRef<'_>) {
    xml.push('<');
    xml.push_str(element.name());
    write::attribute(xml, "xmlns", element.ns());
    xml.push_str("/>");
}

impl IqHandler for PrivateStorage {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move { self.answer(&request).await })
    }
}

impl On<AccountRemoved> for PrivateStorage {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            let user = event.account.local().unwrap_or_default();
            if let Err(error) = event.host.store.execute(&DELETE, params![user]).await {
                tracing::warn!(account = %event.account, %error, "private elements could not be deleted");
            }
            Flow::Continue
        }))
    }
}

#[cfg(test)]
mod tests;
