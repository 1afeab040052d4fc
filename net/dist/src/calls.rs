//! What other nodes may call: the commands, under the names that ejabberd's own modules have for them, and the few
//! questions about a node that administrators' tools ask. Everything else is undefined here.

use std::net::IpAddr;
use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::{Caller, CommandError, Face, Value};
use nightjar_base::hooks::BoxFuture;
use nightjar_erldist::rpc::Outcome;
use nightjar_erldist::term::Term;
use nightjar_text::Text;

use crate::terms;

/// Runs what other nodes ask for.
pub trait Operator: Send + Sync + 'static {
    /// The server, whose commands are called.
    fn kernel(&self) -> &Arc<Kernel>;

    /// `ejabberd_ctl:process`: what a command line prints, without the last line's end, and its exit code.
    fn process<'a>(&'a self, words: Vec<String>, caller: Caller) -> BoxFuture<'a, (String, u8)>;

    /// The server's version.
    fn version(&self) -> &str;
}

/// Who calls, and what is known about the node it is asked of.
#[derive(Clone, Debug)]
pub struct Context {
    /// The node that calls.
    pub peer: String,
    /// Its address.
    pub address: IpAddr,
    /// Our own name.
    pub own: String,
    /// Every node that is connected.
    pub connected: Vec<String>,
}

/// What became of a call.
pub struct Answered {
    /// Text for the caller's terminal.
    pub printed: Option<String>,
    /// The result.
    pub outcome: Outcome,
}

impl From<Outcome> for Answered {
    fn from(outcome: Outcome) -> Self {
        Self { printed: None, outcome }
    }
}

impl From<Term> for Answered {
    fn from(term: Term) -> Self {
        Outcome::Return(term).into()
    }
}

/// Answers `module:function(arguments)`.
pub async fn answer(
    operator: &dyn Operator,
    context: &Context,
    module: &str,
    function: &str,
    arguments: &[Term],
) -> Answered {
    let call = Calling { operator, context };
    let answered = match (module, function) {
        ("ejabberd_ctl", "process") => call.process(arguments).await,
        ("ejabberd_commands", "execute_command" | "execute_command2") => call.execute(arguments).await,
        ("ejabberd_admin", name) => call.administer(name, arguments).await,
        ("init", "stop") if arguments.len() <= 1 => call.command("stop", None, &[]).await.into(),
        ("init", "restart" | "reboot") if arguments.is_empty() => {
            call.command("restart", None, &[]).await.into()
        }
        _ => call.question(module, function, arguments),
    };
    let (peer, ip) = (context.peer.as_str(), context.address);
    let arity = arguments.len();
    if !matches!(answered.outcome, Outcome::Undefined) {
        tracing::info!(node = peer, %ip, call = format!("{module}:{function}/{arity}"), "a node's call");
    } else {
        tracing::warn!(node = peer, %ip, call = format!("{module}:{function}/{arity}"), "a node's call: undefined");
    }
    answered
}

struct Calling<'a> {
    operator: &'a dyn Operator,
    context: &'a Context,
}

impl Calling<'_> {
    fn caller(&self) -> Caller {
        Caller {
            ip: Some(self.context.address),
            node: Some(Text::new(&self.context.peer)),
            ..Caller::through(Face::Ctl)
        }
    }

    /// `process(Words)` and `process(Words, Version)`
    async fn process(&self, arguments: &[Term]) -> Answered {
        let mut words = Vec::new();
        let given = match arguments {
            [given] => given,
            [given, version] => {
                let Some(version) = version.as_integer() else { return bad_argument().into() };
                words.extend(["--version".to_owned(), version.to_string()]);
                given
            }
            _ => return Outcome::Undefined.into(),
        };
        let given: Option<Vec<String>> =
            given.as_list().and_then(|given| given.iter().map(terms::text).collect());
        let Some(given) = given else { return bad_argument().into() };
        // ejabberdctl without a command hands over one empty word.
        words.extend(given.into_iter().filter(|word| !word.is_empty() || !is_only(arguments)));
        let (mut text, code) = self.operator.process(words, self.caller()).await;
        if !text.is_empty() {
            text.push('\n');
        }
        let printed = Some(text).filter(|text| !text.is_empty());
        Answered { printed, outcome: Outcome::Return(Term::Integer(i64::from(code))) }
    }

    /// `execute_command2(Name, Arguments)`, with who calls behind it, and the version of the API behind that. What
    /// the other node says about who calls changes nothing: the node itself is who calls.
    async fn execute(&self, arguments: &[Term]) -> Answered {
        let (name, arguments, version) = match arguments {
            [name, arguments] | [name, arguments, _] => (name, arguments, None),
            [name, arguments, _, version] => (name, arguments, Some(version)),
            _ => return Outcome::Undefined.into(),
        };
        let version =
            match version.map(|version| version.as_integer().and_then(|number| u32::try_from(number).ok())) {
                Some(None) => return bad_argument().into(),
                Some(version) => version,
                None => None,
            };
        match (name.as_atom(), arguments.as_list()) {
            (Some(name), Some(arguments)) => self.command(name, version, arguments).await.into(),
            _ => bad_argument().into(),
        }
    }

    /// `ejabberd_admin` has a function for each of its commands.
    async fn administer(&self, name: &str, arguments: &[Term]) -> Answered {
        let spec = self.operator.kernel().commands.find(name, None);
        if spec.is_none_or(|spec| spec.arguments.len() != arguments.len()) {
            return Outcome::Undefined.into();
        }
        self.command(name, None, arguments).await.into()
    }

    async fn command(&self, name: &str, version: Option<u32>, given: &[Term]) -> Outcome {
        let kernel = self.operator.kernel();
        let unknown = || CommandError::Unknown(name.to_owned());
        let found = kernel.commands.find(name, version).ok_or_else(unknown);
        let result: Result<Term, CommandError> = async {
            let spec = found?;
            let arguments = terms::arguments(spec, given)?;
            let value: Value = kernel.run_command(spec, self.caller(), arguments).await?;
            Ok(terms::term(&spec.result, &value))
        }
        .await;
        result.map_or_else(|error| Outcome::Throw(terms::failure(&error)), Outcome::Return)
    }

    /// What tools ask about a node.
    fn question(&self, module: &str, function: &str, arguments: &[Term]) -> Answered {
        let context = self.context;
        let nodes = || Term::list(context.connected.iter().map(|name| Term::atom(name)));
        match (module, function, arguments) {
            ("erlang", "node", []) => Term::atom(&context.own).into(),
            ("erlang", "is_alive", []) => Term::atom("true").into(),
            // Who connects is hidden to the others: nobody is to be drawn into a mesh of Erlang nodes.
            ("erlang", "nodes", []) => Term::NIL.into(),
            ("erlang", "nodes", [which]) if which.is_atom("hidden") || which.is_atom("connected") => {
                nodes().into()
            }
            ("erlang", "nodes", [which]) if which.is_atom("this") => {
                Term::list([Term::atom(&context.own)]).into()
            }
            ("erlang", "nodes", [which]) if which.is_atom("visible") || which.is_atom("known") => {
                Term::NIL.into()
            }
            ("erlang", "system_info", [item]) => self.system_info(item),
            ("init", "get_status", []) => Term::tuple([Term::atom("started"), Term::atom("started")]).into(),
            ("application", "which_applications", [] | [_]) => self.applications().into(),
            ("net_adm", "ping", [node]) if node.is_atom(&context.own) => Term::atom("pong").into(),
            _ => Outcome::Undefined.into(),
        }
    }

    fn system_info(&self, item: &Term) -> Answered {
        let version = self.operator.version();
        match item.as_atom() {
            Some("system_version") => Term::charlist(&format!("Nightjar {version}\n")).into(),
            Some("version") => Term::charlist(version).into(),
            Some("schedulers" | "schedulers_online" | "logical_processors") => {
                let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
                Term::Integer(i64::try_from(count).unwrap_or(1)).into()
            }
            Some("wordsize") => Term::Integer(8).into(),
            _ => bad_argument().into(),
        }
    }

    /// Under ejabberd's name, too: scripts look for it to see whether the server runs.
    fn applications(&self) -> Term {
        let version = self.operator.version();
        let application = |name| {
            Term::tuple([
                Term::atom(name),
                Term::charlist("Nightjar, an XMPP server"),
                Term::charlist(version),
            ])
        };
        Term::list(["nightjar", "ejabberd"].map(application))
    }
}

fn is_only(arguments: &[Term]) -> bool {
    arguments.first().and_then(Term::as_list).is_some_and(|words| words.len() == 1)
}

fn bad_argument() -> Outcome {
    Outcome::Error(Term::atom("badarg"))
}

#[cfg(test)]
mod tests;
