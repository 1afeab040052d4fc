//! mod_disco: what hosts and accounts are and hold (XEP-0030, XEP-0128, XEP-0157).

use std::sync::Arc;

use nightjar_base::disco::{DiscoInfo, DiscoItem, Identity};
use nightjar_base::hooks::{BoxFuture, DiscoInfoQuery, DiscoItemsQuery, Flow};
use nightjar_base::host::Host;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget, require_get};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec, Options};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::forms::{DataForm, Field, FieldType, FormType};
use nightjar_xmpp::{StanzaError, ns, write};

use crate::support::may_see;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_disco",
    doc: "Tells what the server is, can do and holds (XEP-0030).",
    options: &[
        OptionSpec {
            name: "extra_domains",
            kind: "[string]",
            default: "[]",
            doc: "Domains listed as items of the server although others serve them.",
        },
        OptionSpec {
            name: "server_info",
            kind: "list of maps or values",
            default: "[]",
            doc: "Contact addresses and the like (XEP-0157).",
        },
        OptionSpec {
            name: "server_info[].name",
            kind: "string",
            default: "required",
            doc: "The field's name.",
        },
        OptionSpec {
            name: "server_info[].urls",
            kind: "[string]",
            default: "[]",
            doc: "The addresses, as URIs.",
        },
        OptionSpec {
            name: "server_info[].modules",
            kind: "all|[module name]",
            default: "all",
            doc: "The services that tell it.",
        },
        OptionSpec {
            name: "name",
            kind: "string",
            default: "Nightjar",
            doc: "The server's name for people.",
        },
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let disco = Arc::new(Disco { options: context.options.clone() });
        let mut registration = context.registration();
        for target in [IqTarget::Host, IqTarget::Account] {
            registration.iq(target, ns::DISCO_INFO, Arc::clone(&disco));
            registration.iq(target, ns::DISCO_ITEMS, Arc::clone(&disco));
        }
        Ok(registration)
    })
}

struct Disco {
    options: Options,
}

impl IqHandler for Disco {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            require_get(&request)?;
            if request.to.local().is_some() && !request.is_own() && !may_see(&request).await {
                // RFC 6121 §8.5.2.1.3 and XEP-0030 §8: as if there were no such account.
                return Err(StanzaError::service_unavailable());
            }
            if request.query.ns() == ns::DISCO_INFO {
                self.info(request).await
            } else {
                self.items(request).await
            }
        })
    }
}

impl Disco {
    async fn info(&self, request: IqRequest) -> IqReply {
        let node = node_of(&request);
        let info = if node.is_empty() { self.own_info(&request) } else { DiscoInfo::default() };
        let mut event = DiscoInfoQuery {
            host: Arc::clone(&request.host),
            from: request.from.clone(),
            to: request.to.clone(),
            known: node.is_empty(),
            node,
            lang: request.stanza.lang.clone(),
            info,
        };
        let flow = request.host.hooks.disco_info.run(&mut event).await;
        if let Flow::Refuse(error) = flow {
            return Err(error);
        }
        if !event.known {
            return Err(StanzaError::item_not_found());
        }
        Ok(Some(write_info(&event.node, event.info)))
    }

    fn own_info(&self, request: &IqRequest) -> DiscoInfo {
        let of_account = request.to.local().is_some();
        let features = request.host.disco_features.all();
        let features = features.iter().filter(|feature| feature.of_account == of_account);
        let mut info = DiscoInfo {
            identities: vec![self.identity(of_account)],
            features: features.map(|feature| feature.namespace.clone()).collect(),
            forms: Vec::new(),
        };
        if !of_account {
            info.forms.extend(self.server_info());
        }
        info
    }

    fn identity(&self, of_account: bool) -> Identity {
        if of_account {
            Identity { category: Text::new("account"), kind: Text::new("registered"), name: Text::empty() }
        } else {
            let name = self.options.text("name");
            Identity { category: Text::new("server"), kind: Text::new("im"), name }
        }
    }

    /// The form of XEP-0157.
    fn server_info(&self) -> Option<DataForm> {
        let mut form = DataForm::typed(FormType::Result, ns::SERVER_INFO);
        let before = form.fields.len();
        for entry in self.options.list("server_info") {
            let modules = entry.get("modules");
            let here = modules.is_none_or(|modules| {
                modules.as_str() == Some("all")
                    || modules.items().iter().any(|module| module.as_str() == Some("mod_disco"))
            });
            let Some(name) = entry.get("name").and_then(|name| name.as_str()) else { continue };
            if here {
                let mut field = Field::new(FieldType::ListMulti, name);
                let urls = entry.get("urls").map(|urls| urls.items()).unwrap_or_default();
                field.values.extend(urls.iter().filter_map(|url| url.as_str()).map(str::to_owned));
                form.fields.push(field);
            }
        }
        (form.fields.len() > before).then_some(form)
    }

    async fn items(&self, request: IqRequest) -> IqReply {
        let node = node_of(&request);
        let mut event = DiscoItemsQuery {
            host: Arc::clone(&request.host),
            from: request.from.clone(),
            to: request.to.clone(),
            known: node.is_empty(),
            lang: request.stanza.lang.clone(),
            items: if node.is_empty() { self.own_items(&request) } else { Vec::new() },
            node,
        };
        if let Flow::Refuse(error) = request.host.hooks.disco_items.run(&mut event).await {
            return Err(error);
        }
        if !event.known {
            return Err(StanzaError::item_not_found());
        }
        Ok(Some(write_items(&event.node, &event.items)))
    }

    fn own_items(&self, request: &IqRequest) -> Vec<DiscoItem> {
        if request.to.local().is_some() {
            return Vec::new();
        }
        let item = |jid: Jid| DiscoItem { jid, node: Text::empty(), name: Text::empty() };
        let services = services_of(&request.host).map(item);
        let extra = self.options.list("extra_domains");
        let extra = extra.iter().filter_map(|domain| Jid::parse(domain.as_str()?).ok()).map(item);
        services.chain(extra).collect()
    }
}

fn services_of(host: &Host) -> impl Iterator<Item = Jid> + use<> {
    host.services.all().into_iter().map(|service| Jid::clone(&service))
}

fn node_of(request: &IqRequest) -> Text {
    request.query.attr("node").map(|node| Text::new(&node)).unwrap_or_default()
}

fn write_info(node: &str, mut info: DiscoInfo) -> Text {
    let mut xml = format!("<query xmlns='{}'", ns::DISCO_INFO);
    if !node.is_empty() {
        write::attribute(&mut xml, "node", node);
    }
    xml.push('>');
    for identity in &info.identities {
        xml.push_str("<identity");
        write::attribute(&mut xml, "category", &identity.category);
        write::attribute(&mut xml, "type", &identity.kind);
        if !identity.name.is_empty() {
            write::attribute(&mut xml, "name", &identity.name);
        }
        xml.push_str("/>");
    }
    info.features.sort();
    info.features.dedup();
    for feature in &info.features {
        xml.push_str("<feature");
        write::attribute(&mut xml, "var", feature);
        xml.push_str("/>");
    }
    for form in &info.forms {
        form.write(&mut xml);
    }
    xml.push_str("</query>");
    Text::from(xml)
}

fn write_items(node: &str, items: &[DiscoItem]) -> Text {
    let mut xml = format!("<query xmlns='{}'", ns::DISCO_ITEMS);
    if !node.is_empty() {
        write::attribute(&mut xml, "node", node);
    }
    xml.push('>');
    for item in items {
        xml.push_str("<item");
        write::attribute(&mut xml, "jid", item.jid.as_str());
        if !item.node.is_empty() {
            write::attribute(&mut xml, "node", &item.node);
        }
        if !item.name.is_empty() {
            write::attribute(&mut xml, "name", &item.name);
        }
        xml.push_str("/>");
    }
    xml.push_str("</query>");
    Text::from(xml)
}
