//! mod_sic: tells a client its own address (XEP-0279).

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::ModuleSpec;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec =
    ModuleSpec { name: "mod_sic", doc: "Tells a client its own network address (XEP-0279).", options: &[] };

const SIC_0: &str = "urn:xmpp:sic:0";
const SIC_1: &str = "urn:xmpp:sic:1";

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        for namespace in [SIC_0, SIC_1] {
            registration.iq(IqTarget::Host, namespace, Arc::new(Answer));
            registration.iq(IqTarget::Account, namespace, Arc::new(Answer));
        }
        Ok(registration)
    })
}

struct Answer;

impl IqHandler for Answer {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            // §5: nobody learns anybody else's address.
            if request.to.local().is_some() && !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            let session = request.session.as_ref().ok_or_else(StanzaError::forbidden)?;
            let connection = session.connection();
            let ip = connection.ip.ok_or_else(StanzaError::item_not_found)?;
            let namespace = request.query.ns();
            let port =
                if namespace == SIC_1 { format!("<port>{}</port>", connection.port) } else { String::new() };
            Ok(Some(Text::from(format!("<address xmlns='{namespace}'><ip>{ip}</ip>{port}</address>"))))
        })
    }
}
