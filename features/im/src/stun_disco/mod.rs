//! mod_stun_disco: tells clients of STUN and TURN servers and gives them credentials (XEP-0215).

mod credentials;
mod services;

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::relay::{GivenNames, RelayOffers, TurnPasswords};
use nightjar_base::{Clock, Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::access::AccessRef;
use nightjar_config::{ModuleSpec, option};
use nightjar_text::Text;
use nightjar_xml::{ElementRef, Writer};
use nightjar_xmpp::{StanzaError, datetime};

use crate::support::may;
use credentials::Credentials;
use services::{Kind, Service};

/// Version 1.0 of XEP-0215.
const CURRENT: &str = "urn:xmpp:extdisco:2";
/// Version 0.6.
const FORMER: &str = "urn:xmpp:extdisco:1";

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_stun_disco",
    doc: "Tells clients of STUN and TURN servers, with credentials that expire (XEP-0215).",
    options: &[
        option("access", "access rule", "local", "Who is told."),
        option("credentials_lifetime", "duration(s)", "12 h", "How long credentials are good."),
        option(
            "offer_local_services",
            "bool",
            "true",
            "Whether the listeners of this server are offered; those with TLS are to be listed under services, because \
             their name must fit their certificate.",
        ),
        option(
            "secret",
            "string",
            "unset",
            "What credentials are made with; a new one each start where this isn't set. Other servers under services \
             need the same.",
        ),
        option("services", "list of maps or values", "[]", "More servers to tell of."),
        option("services[].host", "ip|string", "required", "Where it is: a name or an address."),
        option("services[].port", "port 1..65535", "unset", "3478, or 5349 with TLS, where this isn't set."),
        option(
            "services[].type",
            "stun|turn|stuns|turns",
            "stun",
            "What it is; those that end in s begin with TLS.",
        ),
        option("services[].transport", "tcp|udp", "unset", "udp, or tcp with TLS, where this isn't set."),
        option(
            "services[].restricted",
            "bool",
            "unset",
            "Whether it needs credentials; TURN servers do where this isn't set.",
        ),
    ],
};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let options = &context.options;
        let credentials = Arc::new(Credentials::new(&context));
        let answers = Arc::new(Answers {
            access: options.access("access"),
            listed: options.list("services").iter().filter_map(Service::listed).collect(),
            offers: options.bool("offer_local_services").then(|| context.kernel.shared()),
            clock: Arc::clone(&context.kernel.clock),
            credentials: Arc::clone(&credentials),
            given: context.kernel.shared(),
        });
        let mut registration = context.registration();
        for namespace in [CURRENT, FORMER] {
            registration.iq(IqTarget::Host, namespace, Arc::clone(&answers));
        }
        let clock = Arc::clone(&context.kernel.clock);
        registration
            .provide(Arc::new(TurnPasswords::new(move |user| credentials.find(user, clock.unix_seconds()))));
        Ok(registration)
    })
}

struct Answers {
    access: AccessRef,
    listed: Vec<Service>,
    offers: Option<Arc<RelayOffers>>,
    clock: Arc<dyn Clock>,
    credentials: Arc<Credentials>,
    given: Arc<GivenNames>,
}

impl IqHandler for Answers {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move { self.answer(&request).map(Some) })
    }
}

impl Answers {
    fn answer(&self, request: &IqRequest) -> Result<Text, StanzaError> {
        require_get(request)?;
        if !may(request, &self.access) {
            return Err(StanzaError::forbidden().with_text("Access denied by service policy"));
        }
        let query = request.query.root();
        let wanted = match query.name() {
            "services" => Wanted::of_services(query)?,
            "credentials" => Wanted::of_credentials(query)?,
            _ => return Err(StanzaError::service_unavailable()),
        };
        let mut out = Writer::new();
        out.start(query.name()).ns(query.ns()).attr_opt("type", wanted.echo());
        let expires = self.clock.unix_seconds().saturating_add(self.credentials.lifetime_seconds);
        for service in self.services().iter().filter(|service| wanted.fits(service)) {
            self.write(&mut out, service, request, expires);
        }
        out.end(query.name());
        Ok(Text::from(out.finish()))
    }

    /// Those of this server, then those of the configuration, each once.
    fn services(&self) -> Vec<Service> {
        let mut all: Vec<Service> = Vec::new();
        let offers = self.offers.iter().flat_map(|offers| offers.all());
        for service in offers.flat_map(|offer| Service::offered(&offer)).chain(self.listed.iter().cloned()) {
            if !all.contains(&service) {
                all.push(service);
            }
        }
        all
    }

    fn write(&self, out: &mut Writer, service: &Service, request: &IqRequest, expires: i64) {
        out.start("service")
            .attr("host", &service.host)
            .attr("port", &service.port.to_string())
            .attr("transport", service.transport())
            .attr("type", service.kind.name())
            .attr("restricted", if service.is_restricted { "true" } else { "false" });
        if service.is_restricted {
            let (user, password) = self.credentials.make(&request.from, expires);
            self.given.add(&user);
            out.attr("expires", &datetime::format(expires.saturating_mul(1_000_000)))
                .attr("password", &password)
                .attr("username", &user);
        }
        out.end("service");
    }
}

/// What is asked for.
struct Wanted {
    host: Option<String>,
    port: Option<u16>,
    kind: Option<Kind>,
    is_udp: Option<bool>,
    needs_credentials: bool,
    is_list: bool,
}

impl Wanted {
    /// XEP-0215 §3.2
    fn of_services(query: ElementRef<'_>) -> Result<Self, StanzaError> {
        let kind = query.attr("type").map(|name| Kind::parse(&name).ok_or_else(StanzaError::item_not_found));
        let kind = kind.transpose()?;
        Ok(Self { host: None, port: None, kind, is_udp: None, needs_credentials: false, is_list: true })
    }

    /// XEP-0215 §3.3
    fn of_credentials(query: ElementRef<'_>) -> Result<Self, StanzaError> {
        let service = query.child("service", query.ns()).ok_or_else(StanzaError::bad_request)?;
        let host = service.attr("host").ok_or_else(StanzaError::bad_request)?.into_owned();
        let kind = service.attr("type").ok_or_else(StanzaError::bad_request)?;
        let kind = Kind::parse(&kind).ok_or_else(StanzaError::item_not_found)?;
        let port = service.attr("port").map(|port| port.parse().map_err(|_| StanzaError::bad_request()));
        let is_udp = service.attr("transport").map(|transport| transport == "udp");
        let port = port.transpose()?;
        Ok(Self { host: Some(host), port, kind: Some(kind), is_udp, needs_credentials: true, is_list: false })
    }

    fn fits(&self, service: &Service) -> bool {
        self.host.as_ref().is_none_or(|host| *host == service.host)
            && self.port.is_none_or(|port| port == service.port)
            && self.kind.is_none_or(|kind| kind == service.kind)
            && self.is_udp.is_none_or(|is_udp| is_udp == service.is_udp)
            && (!self.needs_credentials || service.is_restricted)
    }

    /// The type that a list is of.
    fn echo(&self) -> Option<&'static str> {
        self.kind.filter(|_| self.is_list).map(Kind::name)
    }
}

#[cfg(test)]
mod tests;
