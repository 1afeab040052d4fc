//! Administration commands: one typed registry with many faces (`ctl`, `/api`, ad-hoc, Web Admin).
//!
//! Names, arguments and results are ejabberd's.

pub mod declare;
mod gate;
pub mod json;
pub mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use nightjar_config::access::Caller as Face;
use nightjar_text::Text;
use parking_lot::RwLock;

use crate::guard::Guard;
use crate::hooks::BoxFuture;
use crate::kernel::Kernel;

/// The type of an argument or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A whole number.
    Integer,
    /// Text (`binary` in ejabberd).
    Binary,
    /// Text that ejabberd keeps as a list of characters.
    String,
    /// A word.
    Atom,
    /// ok or error, without words.
    Rescode,
    /// ok or error, with words.
    Restuple,
    /// Values of one shape, each under this name.
    List(&'static Field),
    /// Named values of different shapes.
    Tuple(&'static [Field]),
}

/// A named value's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub shape: Shape,
}

/// Who may call a command without further permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Whoever `api_permissions` allows.
    Restricted,
    /// As `Restricted`; the account it acts on may call it too.
    User,
    /// Anybody.
    Open,
}

/// A command.
#[derive(Debug)]
pub struct CommandSpec {
    /// ejabberd's name of it.
    pub name: &'static str,
    /// The groups it is listed in.
    pub tags: &'static [&'static str],
    /// A line about it.
    pub doc: &'static str,
    /// Its arguments, in order.
    pub arguments: &'static [Field],
    /// Its result.
    pub result: Field,
    /// Who may call it.
    pub policy: Policy,
    /// The API version since which it has this form; versions above 0 exist beside an older form.
    pub version: u32,
}

/// A value given or returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// For [`Shape::Integer`].
    Integer(i64),
    /// For [`Shape::Binary`], [`Shape::String`] and [`Shape::Atom`].
    Text(Text),
    /// For [`Shape::List`].
    List(Vec<Value>),
    /// For [`Shape::Tuple`].
    Tuple(Vec<Value>),
    /// For [`Shape::Rescode`].
    Done(bool),
    /// For [`Shape::Restuple`]: whether it worked, and what to say.
    Told(bool, Text),
}

impl Value {
    /// Text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Value::Text(Text::new(text.as_ref()))
    }

    /// A number of things.
    pub fn count(count: usize) -> Self {
        Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// Why a command gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such command, or not for this host.
    #[error("unknown command {0}")]
    Unknown(String),
    /// Wrong number or type of arguments.
    #[error("invalid arguments: {0}")]
    Arguments(String),
    /// The caller may not.
    #[error("not allowed: {0}")]
    NotAllowed(String),
    /// What is to be changed is in a state that forbids it, such as an account that exists already.
    #[error("{0}")]
    Conflict(String),
    /// The command's own error, with the word and number that ejabberd has for it: `cannot_register`, 10001.
    #[error("{text}")]
    Coded {
        /// The word.
        word: &'static str,
        /// The number.
        number: u32,
        /// What happened.
        text: String,
    },
    /// What is named doesn't exist.
    #[error("{0}")]
    NotFound(String),
    /// The command failed.
    #[error("{0}")]
    Failed(String),
    /// The server failed: a database that is out of order, or a bug.
    #[error("{0}")]
    Internal(String),
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The face.
    pub from: Face,
    /// The account, where one is known.
    pub jid: Option<nightjar_jid::Jid>,
    /// The network address, where there is one.
    pub ip: Option<std::net::IpAddr>,
    /// The `tag` of the listener it came through.
    pub tag: Option<Text>,
    /// Scopes of the OAuth token, when the caller showed one.
    pub scopes: Option<Vec<Text>>,
    /// The Erlang node it came from.
    pub node: Option<Text>,
}

impl Caller {
    /// The operator at the local control socket.
    pub const LOCAL: Self = Self::through(Face::Ctl);

    /// Somebody of whom only the face is known.
    pub const fn through(from: Face) -> Self {
        Self { from, jid: None, ip: None, tag: None, scopes: None, node: None }
    }
}

/// One call.
pub struct Call {
    /// The server.
    pub kernel: Arc<Kernel>,
    /// Who calls.
    pub caller: Caller,
    /// The arguments, of the shapes declared.
    pub arguments: Vec<Value>,
}

impl Call {
    /// Argument `at` as text; empty if it is something else, which checked arguments never are.
    pub fn text(&self, at: usize) -> Text {
        match self.arguments.get(at) {
            Some(Value::Text(text)) => text.clone(),
            _ => Text::empty(),
        }
    }

    /// Argument `at` as a number.
    pub fn integer(&self, at: usize) -> i64 {
        match self.arguments.get(at) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        }
    }

    /// Argument `at` as a list.
    pub fn list(&self, at: usize) -> &[Value] {
        match self.arguments.get(at) {
            Some(Value::List(values)) => values,
            _ => &[],
        }
    }
}

/// A command's result.
pub type CommandResult = Result<Value, CommandError>;

/// Does a command's work.
pub trait CommandHandler: Send + Sync {
    /// The result.
    fn call<'a>(&'a self, call: Call) -> BoxFuture<'a, CommandResult>;
}

/// An async function is a handler.
impl<F, R> CommandHandler for F
where
    F: Fn(Call) -> R + Send + Sync,
    R: Future<Output = CommandResult> + Send + 'static,
{
    fn call<'a>(&'a self, call: Call) -> BoxFuture<'a, CommandResult> {
        Box::pin(self(call))
    }
}

struct Entry {
    number: u64,
    spec: &'static CommandSpec,
    host: Option<Text>,
    handler: Arc<dyn CommandHandler>,
}

/// How many commands were called.
#[derive(Debug, Default)]
pub struct CommandCounts {
    /// Those that were run.
    pub called: AtomicU64,
    /// Those among them that failed.
    pub failed: AtomicU64,
    /// Those that the caller may not run.
    pub refused: AtomicU64,
}

/// All commands.
#[derive(Default)]
pub struct Commands {
    /// How many were called through the gate.
    pub counts: CommandCounts,
    entries: RwLock<BTreeMap<&'static str, Vec<Entry>>>,
    next: AtomicU64,
}

impl Commands {
    /// Adds a command, for one host or for the server; dropping the guard removes it.
    pub fn add(
        self: &Arc<Self>,
        spec: &'static CommandSpec,
        host: Option<Text>,
        handler: Arc<dyn CommandHandler>,
    ) -> Guard {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.entries.write().entry(spec.name).or_default().push(Entry { number, spec, host, handler });
        let commands = Arc::clone(self);
        Guard::new(move || {
            let mut entries = commands.entries.write();
            if let Some(of_name) = entries.get_mut(spec.name) {
                of_name.retain(|entry| entry.number != number);
                if of_name.is_empty() {
                    entries.remove(spec.name);
                }
            }
        })
    }

    /// All commands in their latest form, by name.
    pub fn all(&self) -> Vec<&'static CommandSpec> {
        let entries = self.entries.read();
        entries
            .values()
            .filter_map(|of_name| of_name.iter().map(|entry| entry.spec).max_by_key(|spec| spec.version))
            .collect()
    }

    /// The forms of a command, the oldest first.
    pub fn forms(&self, name: &str) -> Vec<&'static CommandSpec> {
        let entries = self.entries.read();
        let mut forms: Vec<_> = entries.get(name).into_iter().flatten().map(|entry| entry.spec).collect();
        forms.sort_by_key(|spec| spec.version);
        forms.dedup_by_key(|spec| spec.version);
        forms
    }

    /// A command's form for an API version: the newest that isn't newer than asked for.
    pub fn find(&self, name: &str, version: Option<u32>) -> Option<&'static CommandSpec> {
        let forms = self.forms(name);
        match version {
            None => forms.last().copied(),
            Some(version) => forms.into_iter().rev().find(|spec| spec.version <= version),
        }
    }

    /// Calls a command whose arguments were checked against `spec`, at the host they name.
    ///
    /// # Errors
    /// As the command says; [`CommandError::Unknown`] if it isn't offered for that host.
    pub async fn call(&self, spec: &'static CommandSpec, call: Call) -> CommandResult {
        let handler = self.handler(spec, &call)?;
        let name = spec.name;
        crate::catch::caught(handler.call(call)).await.unwrap_or_else(|()| {
            tracing::error!(command = name, "a command panicked");
            Err(CommandError::Internal("internal error, see the log".to_owned()))
        })
    }

    fn handler(
        &self,
        spec: &'static CommandSpec,
        call: &Call,
    ) -> Result<Arc<dyn CommandHandler>, CommandError> {
        let entries = self.entries.read();
        let of_name = entries.get(spec.name).map(Vec::as_slice).unwrap_or_default();
        let mut fitting = of_name.iter().filter(|entry| entry.spec.version == spec.version).peekable();
        let host = host_argument(spec, call);
        let found = match host {
            Some(host) => fitting
                .clone()
                .find(|entry| entry.host.as_ref().is_none_or(|own| *own == host))
                .or_else(|| if call.kernel.host(&host).is_none() { fitting.peek().copied() } else { None }),
            None => fitting.peek().copied(),
        };
        found.map(|entry| Arc::clone(&entry.handler)).ok_or_else(|| {
            CommandError::Unknown(format!("{}: its module isn't loaded for this host", spec.name))
        })
    }
}

/// The value of the argument that names a host.
fn host_argument(spec: &CommandSpec, call: &Call) -> Option<Text> {
    let named = |names: &[&str]| {
        let at = spec.arguments.iter().position(|field| names.contains(&field.name))?;
        Some(call.text(at)).filter(|host| !host.is_empty())
    };
    named(&["host", "localhost", "server"])
}
