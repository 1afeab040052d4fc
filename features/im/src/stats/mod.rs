//! mod_stats: counts of users and sessions (XEP-0039).

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::ModuleSpec;
use nightjar_text::Text;
use nightjar_xmpp::{StanzaError, ns, write};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_stats",
    doc: "Tells how many users and sessions there are (XEP-0039).",
    options: &[],
};

const NAMES: [(&str, &str); 4] = [
    ("users/online", "users"),
    ("users/total", "users"),
    ("users/all-hosts/online", "users"),
    ("users/all-hosts/total", "users"),
];

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        let kernel = Arc::downgrade(&context.kernel);
        registration.iq(IqTarget::Host, ns::STATS, Arc::new(Answer { kernel }));
        Ok(registration)
    })
}

struct Answer {
    kernel: std::sync::Weak<Kernel>,
}

impl IqHandler for Answer {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            let kernel = self.kernel.upgrade().ok_or_else(StanzaError::internal_server_error)?;
            let mut xml = format!("<query xmlns='{}'>", ns::STATS);
            let asked: Vec<_> = request
                .query
                .children()
                .filter_map(|stat| stat.attr("name").map(|name| name.into_owned()))
                .collect();
            if asked.is_empty() {
                for (name, _) in NAMES {
                    xml.push_str("<stat");
                    write::attribute(&mut xml, "name", name);
                    xml.push_str("/>");
                }
            }
            for name in asked.iter().take(NAMES.len()) {
                stat(&kernel, &request, name, &mut xml).await;
            }
            xml.push_str("</query>");
            Ok(Some(Text::from(xml)))
        })
    }
}

async fn stat(kernel: &Kernel, request: &IqRequest, name: &str, xml: &mut String) {
    xml.push_str("<stat");
    write::attribute(xml, "name", name);
    let value = match name {
        "users/online" => Some(kernel.sessions.of_host(&request.host.name).len() as u64),
        "users/all-hosts/online" => Some(kernel.sessions.count() as u64),
        "users/total" => request.host.accounts.count("").await.ok(),
        "users/all-hosts/total" => {
            let mut total = 0;
            for host in kernel.hosts() {
                total += host.accounts.count("").await.unwrap_or(0);
            }
            Some(total)
        }
        _ => None,
    };
    match value {
        Some(value) => {
            write::attribute(xml, "units", "users");
            write::attribute(xml, "value", &value.to_string());
            xml.push_str("/>");
        }
        None => xml.push_str("><error code='404'>Not Found</error></stat>"),
    }
}
