//! mod_vcard: vCards (XEP-0054) and the user directory over them (XEP-0055).

mod commands;
mod edit;
mod options;
mod search;
mod service;
mod vcards;

use std::sync::Arc;

use nightjar_base::hooks::{AccountRemoved, BoxFuture, Flow, On, Outcome, Stage};
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration, card};
use nightjar_config::{Options, Value};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{StanzaError, ns};

pub use vcards::{VcardObserver, Vcards};

use crate::support::storage_error;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &options::SPEC, start };

/// Bytes of a vCard; pictures in it are meant to be small (XEP-0153 §4.1).
const VCARD_MAX: usize = 1_048_576;

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        if context.options.text("db_type").as_str() == "ldap" {
            return Err(FeatureError::Other("db_type: ldap is not supported yet".to_owned()));
        }
        let vcards = Arc::new(Vcards::new(&context));
        let mut registration = context.registration();
        registration.provide(Arc::clone(&vcards));
        registration.iq(IqTarget::Account, ns::VCARD, Arc::clone(&vcards));
        let own = Arc::new(HostCard(host_card(&context.options)));
        registration.iq(IqTarget::Host, ns::VCARD, own);
        registration.on::<AccountRemoved>(Stage::Record, vcards);
        if context.options.bool("search") {
            for domain in domains(&context.options) {
                let jid =
                    Jid::parse(&domain).map_err(|_| FeatureError::Other(format!("{domain} is no domain")))?;
                let directory = service::Directory::new(&context.host, jid.clone(), &context.options);
                registration.service(jid, Arc::new(directory))?;
            }
        }
        commands::register(&mut registration);
        Ok(registration)
    })
}

/// Where the directory is served: `hosts`, or `host` if there are none.
fn domains(options: &Options) -> Vec<Text> {
    let hosts = options.texts("hosts");
    if hosts.is_empty() { vec![options.text("host")] } else { hosts }
}

fn host_card(options: &Options) -> Text {
    match options.typed("vcard") {
        Value::Unset => card::simple("Nightjar", "Nightjar XMPP server"),
        value => card::of_option(value),
    }
}

/// The server's own vCard.
struct HostCard(Text);

impl IqHandler for HostCard {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            Ok(Some(self.0.clone()))
        })
    }
}

impl IqHandler for Vcards {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if request.query.name() != "vCard" {
                return Err(StanzaError::bad_request());
            }
            if !request.is_set {
                let found = self.get(&request.to).await.map_err(|error| storage_error(&error))?;
                // §3.1: an empty vCard where there is none.
                return Ok(Some(found.unwrap_or_else(|| Text::new("<vCard xmlns='vcard-temp'/>"))));
            }
            if !request.is_own() {
                // §3.3
                return Err(StanzaError::forbidden());
            }
            if request.query.raw().len() > VCARD_MAX {
                return Err(StanzaError::resource_constraint().with_text("The vCard is too large"));
            }
            self.set(&request.to, &request.query).await.map_err(|error| storage_error(&error))?;
            Ok(None)
        })
    }
}

impl On<AccountRemoved> for Vcards {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            if let Err(error) = self.remove(&event.account).await {
                tracing::warn!(account = %event.account, %error, "the vCard could not be deleted");
            }
            Flow::Continue
        }))
    }
}
