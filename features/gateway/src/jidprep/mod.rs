//! mod_jidprep: the server prepares addresses for clients that can't (XEP-0328).

use std::sync::Arc;

use nightjar_base::hooks::{BoxFuture, DiscoInfoQuery, Flow, On, Outcome, Stage};
use nightjar_base::host::Host;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::access::{AccessRef, Who};
use nightjar_config::{ModuleSpec, option};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::StanzaError;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_jidprep",
    doc: "Prepares addresses for clients that ask for it (XEP-0328).",
    options: &[option("access", "access rule", "local", "Who may ask.")],
};

const JIDPREP: &str = "urn:xmpp:jidprep:0";

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let preparation = Arc::new(Preparation { access: context.options.access("access") });
        let mut registration = context.registration();
        // Not by `registration.iq`: only those who may ask are told of it.
        registration.keep(context.host.iq.add(IqTarget::Host, JIDPREP, Arc::clone(&preparation) as Arc<_>));
        registration.on::<DiscoInfoQuery>(Stage::Rewrite, preparation);
        Ok(registration)
    })
}

struct Preparation {
    access: AccessRef,
}

impl Preparation {
    fn allows(&self, host: &Host, from: &Jid) -> bool {
        host.config().access.allows(&self.access, &Who::jid(from))
    }
}

impl IqHandler for Preparation {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            if request.query.name() != "jid" {
                return Err(StanzaError::bad_request());
            }
            if !self.allows(&request.host, &request.from) {
                return Err(StanzaError::forbidden().with_text("JID normalization denied by service policy"));
            }
            let jid = Jid::parse(request.query.text().trim());
            let jid = jid.map_err(|error| StanzaError::jid_malformed().with_text(error.to_string()))?;
            let mut xml = Writer::new();
            xml.start("jid").ns(JIDPREP).text(jid.as_str()).end("jid");
            Ok(Some(Text::from(xml.finish())))
        })
    }
}

impl On<DiscoInfoQuery> for Preparation {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        if event.node.is_empty() && event.to.is_domain() && self.allows(&event.host, &event.from) {
            event.info.features.push(Text::new(JIDPREP));
        }
        Outcome::Now(Flow::Continue)
    }
}

#[cfg(test)]
mod tests;
