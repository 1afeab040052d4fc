//! mod_adhoc: commands that clients offer their users (XEP-0050), over the host's registry of them.

mod command;

use std::sync::{Arc, Weak};

use nightjar_base::adhoc::{AdhocAnswer, AdhocCommand, AdhocScope, AdhocStep};
use nightjar_base::context::Random;
use nightjar_base::disco::{DiscoItem, Identity};
use nightjar_base::hooks::{BoxFuture, DiscoInfoQuery, DiscoItemsQuery, On, Outcome, Stage};
use nightjar_base::host::Host;
use nightjar_base::iq::{IqHandler, IqReply, IqRequest, IqTarget};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{StanzaError, ns};

use self::command::{Action, Request, Status};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_adhoc",
    doc: "Lets clients execute commands that other modules offer (XEP-0050).",
    options: &[OptionSpec {
        name: "report_commands_node",
        kind: "bool",
        default: "false",
        doc: "Whether the list of commands is among the items of service discovery.",
    }],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let adhoc = Arc::new(Adhoc {
            kernel: Arc::downgrade(&context.kernel),
            is_listed: context.options.bool("report_commands_node"),
        });
        let mut registration = context.registration();
        registration.iq(IqTarget::Host, ns::COMMANDS, Arc::clone(&adhoc));
        registration.iq(IqTarget::Account, ns::COMMANDS, Arc::clone(&adhoc));
        registration.on::<DiscoInfoQuery>(Stage::Rewrite, Arc::clone(&adhoc));
        registration.on::<DiscoItemsQuery>(Stage::Rewrite, adhoc);
        registration.adhoc(Box::new(Ping));
        Ok(registration)
    })
}

struct Adhoc {
    kernel: Weak<Kernel>,
    is_listed: bool,
}

/// The commands that `from` may execute at `to`.
fn commands<'a>(
    host: &'a Host,
    from: &'a Jid,
    to: &'a Jid,
) -> impl Iterator<Item = Arc<Box<dyn AdhocCommand>>> + 'a {
    host.adhoc
        .all()
        .into_iter()
        .filter(move |command| is_at(&***command, from, to) && command.allows(host, from))
}

/// Commands of an account are its owner's business.
fn is_at(command: &dyn AdhocCommand, from: &Jid, to: &Jid) -> bool {
    match command.scope() {
        AdhocScope::Host => to.local().is_none(),
        AdhocScope::Account => to.local().is_some() && from.bare_str() == to.bare_str(),
    }
}

fn find(host: &Host, from: &Jid, to: &Jid, node: &str) -> Option<Arc<Box<dyn AdhocCommand>>> {
    host.adhoc.find(|command| command.node() == node && is_at(&**command, from, to))
}

impl IqHandler for Adhoc {
    fn handle<'a>(&'a self, request: IqRequest) -> BoxFuture<'a, IqReply> {
        Box::pin(async move {
            if !request.is_set {
                return Err(StanzaError::bad_request());
            }
            let asked = command::read(request.query.root())?;
            let command = find(&request.host, &request.from, &request.to, &asked.node);
            let command = command.ok_or_else(StanzaError::item_not_found)?;
            if !command.allows(&request.host, &request.from) {
                return Err(StanzaError::forbidden().with_text("Access denied by service policy"));
            }
            let kernel = self.kernel.upgrade().ok_or_else(StanzaError::internal_server_error)?;
            execute(&*kernel.random, &**command, &request, asked).await.map(Some)
        })
    }
}

async fn execute(
    random: &dyn Random,
    command: &dyn AdhocCommand,
    request: &IqRequest,
    asked: Request,
) -> Result<Text, StanzaError> {
    // A command keeps nothing between its steps: everything is in the form. The session is only a name.
    let session = asked.session.clone().unwrap_or_else(|| random.identifier());
    let status = |status| command::write(&asked.node, &session, &status);
    if asked.action == Action::Cancel {
        return Ok(status(Status::Canceled));
    }
    let step = AdhocStep {
        host: Arc::clone(&request.host),
        from: request.from.clone(),
        to: request.to.clone(),
        lang: request.stanza.lang.clone(),
        form: asked.form.clone(),
    };
    Ok(match command.execute(step).await? {
        AdhocAnswer::Form(form) => status(Status::Executing(&form)),
        AdhocAnswer::Completed { note, form } => {
            status(Status::Completed { note: &note, form: form.as_ref() })
        }
    })
}

fn identity(kind: &str, name: &str) -> Identity {
    Identity { category: Text::new("automation"), kind: Text::new(kind), name: Text::new(name) }
}

impl On<DiscoInfoQuery> for Adhoc {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        if event.node.as_str() == ns::COMMANDS {
            event.known = true;
            event.info.identities.push(identity("command-list", "Commands"));
            event.info.features.push(Text::new(ns::COMMANDS));
        } else if !event.node.is_empty()
            && let Some(command) = find(&event.host, &event.from, &event.to, &event.node)
            && command.allows(&event.host, &event.from)
        {
            event.known = true;
            event.info.identities.push(identity("command-node", command.name()));
            event.info.features.extend([ns::COMMANDS, ns::DATA_FORMS].map(Text::new));
        }
        Outcome::CONTINUE
    }
}

impl On<DiscoItemsQuery> for Adhoc {
    fn on<'a>(&'a self, event: &'a mut DiscoItemsQuery) -> Outcome<'a> {
        let item = |node: &str, name: &str| DiscoItem {
            jid: event.to.bare(),
            node: Text::new(node),
            name: Text::new(name),
        };
        if event.node.is_empty() && self.is_listed {
            let list = item(ns::COMMANDS, "Commands");
            event.items.push(list);
        } else if event.node.as_str() == ns::COMMANDS {
            let found = commands(&event.host, &event.from, &event.to);
            let items: Vec<_> = found.map(|command| item(command.node(), command.name())).collect();
            event.items.extend(items);
            event.known = true;
        } else if !event.node.is_empty() && find(&event.host, &event.from, &event.to, &event.node).is_some() {
            // XEP-0050 §2.2: a command has no items.
            event.known = true;
        }
        Outcome::CONTINUE
    }
}

/// ejabberd's smallest command.
struct Ping;

impl AdhocCommand for Ping {
    fn node(&self) -> &str {
        "ping"
    }

    fn name(&self) -> &str {
        "Ping"
    }

    fn scope(&self) -> AdhocScope {
        AdhocScope::Host
    }

    fn allows(&self, _: &Host, _: &Jid) -> bool {
        true
    }

    fn execute<'a>(&'a self, _: AdhocStep) -> BoxFuture<'a, Result<AdhocAnswer, StanzaError>> {
        Box::pin(async { Ok(AdhocAnswer::Completed { note: Text::new("Pong"), form: None }) })
    }
}
