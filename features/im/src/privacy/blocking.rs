//! mod_blocking: the blocking command over the default privacy list (XEP-0191).

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::ModuleSpec;
use nightjar_jid::Jid;
use nightjar_store::Call;
use nightjar_text::Text;
use nightjar_xml::ElementRef;
use nightjar_xmpp::{StanzaError, ns};

use super::list::{List, Lists};
use super::query::RULES_MAX;
use super::service::{Changed, Privacy, addresses, push};
use super::{presence, storage};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_blocking",
    doc: "Lets people block others with one command (XEP-0191); needs mod_privacy, which keeps the list.",
    options: &[],
};

/// The default list that the first blocked address makes, as ejabberd calls it.
const LIST_NAME: &str = "Blocked contacts";

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let privacy = context.host.get::<Privacy>();
        let privacy =
            privacy.ok_or_else(|| FeatureError::Other("mod_blocking needs mod_privacy".to_owned()))?;
        let mut registration = context.registration();
        registration.iq(IqTarget::Account, ns::BLOCKING, Arc::new(Blocking { privacy }));
        registration.disco(IqTarget::Host, ns::BLOCKING);
        Ok(registration)
    })
}

struct Blocking {
    privacy: Arc<Privacy>,
}

/// In a session's extensions: it asked for the blocklist and is told of changes (§3.2).
#[derive(Default)]
struct KnowsBlocklist;

/// A set.
#[derive(Debug, PartialEq)]
enum Command {
    Block(Vec<Jid>),
    Unblock(Vec<Jid>),
    UnblockAll,
}

fn read(query: ElementRef<'_>) -> Result<Command, StanzaError> {
    let items = query.children().filter(|child| child.is("item", ns::BLOCKING));
    let address = |item: ElementRef<'_>| {
        let text = item.attr("jid").ok_or_else(StanzaError::bad_request)?;
        Jid::parse(&text).map_err(|_| StanzaError::jid_malformed())
    };
    let items = items.map(address).collect::<Result<Vec<Jid>, StanzaError>>()?;
    match (query.name(), items.is_empty()) {
        ("block", false) => Ok(Command::Block(items)),
        ("unblock", false) => Ok(Command::Unblock(items)),
        ("unblock", true) => Ok(Command::UnblockAll),
        _ => Err(StanzaError::bad_request()),
    }
}

impl IqHandler for Blocking {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if !request.is_own() {
                return Err(StanzaError::forbidden());
            }
            if request.is_set {
                return self.set(&request).await;
            }
            if request.query.name() != "blocklist" {
                return Err(StanzaError::bad_request());
            }
            if let Some(session) = &request.session {
                session.extension_or_default::<KnowsBlocklist>();
            }
            let lists = self.privacy.load(&request.to).await?;
            let blocked: Vec<Jid> =
                lists.default_list().map(|list| list.blocked().cloned().collect()).unwrap_or_default();
            Ok(Some(addresses("blocklist", ns::BLOCKING, &blocked)))
        })
    }
}

impl Blocking {
    async fn set(&self, request: &IqRequest) -> IqReply {
        let command = read(request.query.root())?;
        let changed = self.privacy.change(&request.to, |lists, user| apply(lists, user, &command)).await?;
        self.tell(request, &command, &changed).await?;
        Ok(None)
    }

    async fn tell(
        &self,
        request: &IqRequest,
        command: &Command,
        changed: &Changed,
    ) -> Result<(), StanzaError> {
        let (kernel, host) = self.privacy.server()?;
        let (name, items) = match command {
            Command::Block(items) => ("block", items.as_slice()),
            Command::Unblock(items) => ("unblock", items.as_slice()),
            Command::UnblockAll => ("unblock", &[][..]),
        };
        let payload = addresses(name, ns::BLOCKING, items);
        push(&kernel, &request.to, &payload, |session| session.extension::<KnowsBlocklist>().is_some());
        if changed.before != changed.after {
            self.privacy.push_default(&kernel, &request.to, &changed.after);
            presence::follow(&self.privacy, &kernel, &host, &request.to, changed).await;
        }
        Ok(())
    }
}

fn apply(lists: &Lists, user: &str, command: &Command) -> Result<(Lists, Vec<Call>), StanzaError> {
    let empty = Arc::new(List::default());
    let before = lists.default_list().unwrap_or(&empty);
    let after = match command {
        Command::Block(items) => before.block(items),
        Command::Unblock(items) => before.unblock(Some(items)),
        Command::UnblockAll => before.unblock(None),
    };
    if after.rules().len() > RULES_MAX {
        return Err(StanzaError::resource_constraint().with_text("Too many addresses are blocked"));
    }
    if after == **before {
        return Ok((lists.clone(), Vec::new()));
    }
    let default = lists.default.clone().unwrap_or_else(|| Text::new(LIST_NAME));
    let mut calls = storage::put(user, &default, &after);
    if lists.default.is_none() {
        calls.push(storage::put_default(user, Some(&default)));
    }
    let mut lists = Lists { default: Some(default.clone()), lists: lists.lists.clone() };
    lists.lists.insert(default, Arc::new(after));
    Ok((lists, calls))
}

#[cfg(test)]
mod tests;
