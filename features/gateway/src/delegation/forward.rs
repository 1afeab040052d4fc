//! Requests go to the component, and its answers back (§5).

use std::sync::Weak;
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{IqType, Stanza, StanzaError, StanzaType, forwarded, ns};
use tokio::sync::watch;

use crate::support::{forwarded_in, payload_of};

/// How long the component may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Answers requests of one namespace by a component.
pub(super) struct Forward {
    pub(super) kernel: Weak<Kernel>,
    pub(super) component: Jid,
    pub(super) filtering: Vec<Text>,
    /// Who answered before, and answers what the component doesn't get.
    pub(super) before: Option<Weak<dyn IqHandler>>,
    /// Closed when the component is gone: whoever waits for its answer waits in vain.
    pub(super) connected: watch::Receiver<()>,
}

impl IqHandler for Forward {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            // The component's own requests don't come back to it: it asks what the host itself knows.
            if request.from.domain() == self.component.domain() || !self.wants(&request.query) {
                let before = self.before.as_ref().and_then(Weak::upgrade);
                let before = before.ok_or_else(StanzaError::service_unavailable)?;
                return before.handle(request).await;
            }
            self.ask(&request).await
        })
    }

    fn is_slow(&self) -> bool {
        true
    }
}

impl Forward {
    /// Whether the payload or one of its children has each of the attributes (§4.2).
    fn wants(&self, query: &Element) -> bool {
        let has = |name: &Text| {
            query.attr(name).is_some() || query.children().any(|child| child.attr(name).is_some())
        };
        self.filtering.iter().all(has)
    }

    async fn ask(&self, request: &IqRequest) -> IqReply {
        let failure = |text: &str| StanzaError::internal_server_error().with_text(text);
        let kernel = self.kernel.upgrade().ok_or_else(StanzaError::service_unavailable)?;
        let forwarded = forwarded::to_xml(&request.stanza, None);
        let xml = format!("<delegation xmlns='{}'>{forwarded}</delegation>", ns::DELEGATION);
        let host = &request.host;
        let asked = kernel.request(host, &host.jid, &self.component, IqType::Set, xml, ANSWER_WITHIN);
        let mut connected = self.connected.clone();
        let answer = tokio::select! {
            answer = asked => answer.ok_or_else(|| failure("External component timeout"))?,
            _ = connected.changed() => return Err(failure("External component failure")),
        };
        if answer.kind != StanzaType::Iq(IqType::Result) {
            return Err(answer.error().unwrap_or_else(StanzaError::internal_server_error));
        }
        let inner = answer.child("delegation", ns::DELEGATION).map(|delegation| delegation.parse());
        let inner = inner.and_then(|delegation| forwarded_in(delegation.root()).ok());
        match inner.filter(|inner| is_reply(inner, request)) {
            Some(inner) if inner.kind == StanzaType::Iq(IqType::Result) => Ok(payload_of(&inner)),
            Some(inner) => Err(inner.error().unwrap_or_else(StanzaError::internal_server_error)),
            None => {
                tracing::warn!(component = %self.component, "an answer to a delegated request is none");
                Err(failure("External component failure"))
            }
        }
    }
}

/// Whether this answers the request: the same identifier, and the addresses the other way round. A component can't
/// speak to anybody else in somebody's name.
fn is_reply(inner: &Stanza, request: &IqRequest) -> bool {
    matches!(inner.kind, StanzaType::Iq(IqType::Result | IqType::Error))
        && inner.id == request.stanza.id
        && inner.from.as_ref() == Some(&request.to)
        && inner.to.as_ref() == Some(&request.from)
}
