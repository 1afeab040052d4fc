//! Commands about the node itself.

mod documentation;
mod modules;
mod schema;

use std::sync::{Arc, Weak};
use std::time::Duration;

use nightjar_base::commands::declare::{atom, binary, command, integer, rescode, restuple, string};
use nightjar_base::commands::{Call, CommandError, CommandResult, CommandSpec, Field, Value};
use nightjar_base::guard::Guard;
use nightjar_text::Text;
use nightjar_xmpp::write::text_element;
use nightjar_xmpp::{MessageType, Stanza};
use tokio::time::sleep;

use crate::ctl::erlang;
use crate::ctl::settings::own_name;
use crate::home::write_private;
use crate::logs::Level;
use crate::node::{Ending, Node};
use crate::reload;

/// Time for the answer to leave before the node ends.
const ANSWER_LEAVES: Duration = Duration::from_millis(100);

const SERVER: &[&str] = &["server"];
const LOGS: &[&str] = &["logs"];
const ASYNC: &[&str] = &["server", "async"];
const KINDLY: &[Field] = &[integer("delay"), string("announcement")];

static STATUS: CommandSpec = command("status", SERVER, "Tell how the node does", &[], restuple());
static STOP: CommandSpec = command("stop", SERVER, "Stop the node gracefully", &[], rescode());
static HALT: CommandSpec = command("halt", SERVER, "Stop the node at once, with exit code 1", &[], rescode());
static RESTART: CommandSpec =
    command("restart", SERVER, "Stop the node gracefully and start it again", &[], rescode());
static STOP_KINDLY: CommandSpec = command(
    "stop_kindly",
    ASYNC,
    "Tell everybody online, wait some seconds, and stop the node",
    KINDLY,
    rescode(),
);
static RESTART_KINDLY: CommandSpec = command(
    "restart_kindly",
    ASYNC,
    "Tell everybody online, wait some seconds, and restart the node",
    KINDLY,
    rescode(),
);
static EVACUATE_KINDLY: CommandSpec = command(
    "evacuate_kindly",
    SERVER,
    "Tell everybody online, wait some seconds, end all sessions, and let nobody in until the node is restarted",
    KINDLY,
    rescode(),
);
static RELOAD_CONFIG: CommandSpec = command(
    "reload_config",
    &["config"],
    "Read the configuration anew and follow what changed; with a mistake in it, nothing changes",
    &[],
    rescode(),
);
static DUMP_CONFIG: CommandSpec = command(
    "dump_config",
    &["config"],
    "Write the configuration as it is understood into a file",
    &[string("out")],
    rescode(),
);
static GET_LOGLEVEL: CommandSpec =
    command("get_loglevel", LOGS, "Tell the log level", &[], atom("levelatom"));
static SET_LOGLEVEL: CommandSpec = command(
    "set_loglevel",
    LOGS,
    "Set the log level: none, emergency, alert, critical, error, warning, notice, info, debug",
    &[string("loglevel")],
    rescode(),
);
static ROTATE_LOG: CommandSpec =
    command("rotate_log", LOGS, "Rename the log files away and begin new ones", &[], rescode());
static REOPEN_LOG: CommandSpec =
    command("reopen_log", LOGS, "Open the log files anew, after something else renamed them", &[], rescode());
static CLEAR_CACHE: CommandSpec =
    command("clear_cache", SERVER, "Accepted: caches here follow every change by themselves", &[], rescode());
static GC: CommandSpec =
    command("gc", SERVER, "Accepted: memory here is freed as soon as it is unused", &[], rescode());
static HELP: CommandSpec =
    command("help", &["ejabberdctl"], "Get list of commands, or help of a command", &[], rescode());
static ECHO: CommandSpec =
    command("echo", &["internal"], "Return what was given", &[binary("sentence")], string("sentence"));
static ECHO3: CommandSpec = command(
    "echo3",
    &["internal"],
    "Return the last of what was given",
    &[binary("first"), binary("second"), binary("sentence")],
    string("sentence"),
);
type Handler = fn(Arc<Node>, Call) -> std::pin::Pin<Box<dyn Future<Output = CommandResult> + Send>>;

macro_rules! handler {
    ($function:path) => {
        |node, call| Box::pin($function(node, call))
    };
}

static COMMANDS: &[(&CommandSpec, Handler)] = &[
    (&STATUS, handler!(status)),
    (&STOP, handler!(stop)),
    (&HALT, handler!(halt)),
    (&RESTART, handler!(restart)),
    (&STOP_KINDLY, handler!(stop_kindly)),
    (&RESTART_KINDLY, handler!(restart_kindly)),
    (&EVACUATE_KINDLY, handler!(evacuate_kindly)),
    (&RELOAD_CONFIG, handler!(reload_config)),
    (&DUMP_CONFIG, handler!(dump_config)),
    (&GET_LOGLEVEL, handler!(get_loglevel)),
    (&SET_LOGLEVEL, handler!(set_loglevel)),
    (&ROTATE_LOG, handler!(rotate_log)),
    (&REOPEN_LOG, handler!(reopen_log)),
    (&CLEAR_CACHE, handler!(nothing)),
    (&GC, handler!(nothing)),
    (&HELP, handler!(nothing)),
    (&ECHO, handler!(echo)),
    (&ECHO3, handler!(echo)),
    (&documentation::MARKDOWN, handler!(documentation::markdown)),
    (&documentation::HTML, handler!(documentation::html)),
    (&documentation::TAGS, handler!(documentation::tags)),
    (&modules::RESTART_MODULE, handler!(modules::restart_module)),
    (&schema::PRINT_SQL_SCHEMA, handler!(schema::print_sql_schema)),
];

/// Offers the commands until the guards are dropped.
pub(crate) fn offer(node: &Arc<Node>) -> Vec<Guard> {
    let offered = COMMANDS.iter().map(|(spec, handler)| {
        let (node, handler): (Weak<Node>, Handler) = (Arc::downgrade(node), *handler);
        let run = move |call: Call| {
            let node = node.upgrade();
            async move {
                match node {
                    Some(node) => handler(node, call).await,
                    None => Err(CommandError::Failed("the node is stopping".to_owned())),
                }
            }
        };
        (*spec, run)
    });
    offered.map(|(spec, run)| node.kernel.commands.add(spec, None, Arc::new(run))).collect()
}

/// What `status` says; ejabberdctl and the API join the two halves differently.
pub(crate) fn status_text(joint: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let node = erlang::atom(&own_name());
    format!("The node {node} is started{joint} started\nnightjar {version} is running in that node")
}

async fn status(_: Arc<Node>, _: Call) -> CommandResult {
    Ok(Value::Told(true, Text::from(status_text(". Status:"))))
}

fn end_soon(node: Arc<Node>, ending: Ending, delay: Duration) -> CommandResult {
    tokio::spawn(async move {
        sleep(delay).await;
        node.end(ending);
    });
    Ok(Value::Done(true))
}

async fn stop(node: Arc<Node>, _: Call) -> CommandResult {
    end_soon(node, Ending::Stop, ANSWER_LEAVES)
}

async fn halt(node: Arc<Node>, _: Call) -> CommandResult {
    end_soon(node, Ending::Halt, ANSWER_LEAVES)
}

async fn restart(node: Arc<Node>, _: Call) -> CommandResult {
    can_start_again(&node)?;
    end_soon(node, Ending::Restart, ANSWER_LEAVES)
}

/// A node that couldn't start with its configuration goes on with the one it has.
fn can_start_again(node: &Node) -> Result<(), CommandError> {
    node.read_again().map(drop).map_err(CommandError::Failed)
}

async fn stop_kindly(node: Arc<Node>, call: Call) -> CommandResult {
    end_kindly(node, &call, Ending::Stop).await
}

async fn restart_kindly(node: Arc<Node>, call: Call) -> CommandResult {
    can_start_again(&node)?;
    end_kindly(node, &call, Ending::Restart).await
}

/// Lets nobody in any more and tells everybody online. How long they have got.
async fn close_kindly(node: &Node, call: &Call) -> Result<Duration, CommandError> {
    let seconds = u64::try_from(call.integer(0))
        .map_err(|_| CommandError::Arguments("the delay must not be negative".to_owned()))?;
    node.parts.lock().await.listeners.clear();
    announce(node, seconds, &call.text(1));
    Ok(Duration::from_secs(seconds))
}

async fn end_kindly(node: Arc<Node>, call: &Call, ending: Ending) -> CommandResult {
    let delay = close_kindly(&node, call).await?;
    end_soon(node, ending, delay.max(ANSWER_LEAVES))
}

async fn evacuate_kindly(node: Arc<Node>, call: Call) -> CommandResult {
    let delay = close_kindly(&node, &call).await?;
    sleep(delay).await;
    node.end_clients();
    Ok(Value::Done(true))
}

fn announce(node: &Node, seconds: u64, text: &str) {
    let xml = |name: &str, text: &str| {
        let mut xml = String::new();
        text_element(&mut xml, name, text);
        xml
    };
    for session in node.kernel.sessions.collect(|session| session.is_available()) {
        let message = Stanza::message(MessageType::Headline)
            .with_from(&session.host.jid)
            .with_to(&session.jid)
            .with_child(xml("subject", &format!("Server stop in {seconds} seconds!")))
            .with_child(xml("body", text));
        // A session that takes no more is not worth waiting for.
        let _ = session.deliver(message);
    }
}

async fn reload_config(node: Arc<Node>, call: Call) -> CommandResult {
    match reload::reload(&node).await {
        // ejabberd answers with a code alone; what changed is for the operator at the terminal and for the log.
        Ok(_) if call.caller.from != nightjar_base::commands::Face::Ctl => Ok(Value::Done(true)),
        Ok(told) => Ok(Value::Told(true, Text::from(told.join("\n")))),
        Err(why) => Err(CommandError::Failed(why)),
    }
}

async fn dump_config(node: Arc<Node>, call: Call) -> CommandResult {
    let path = call.text(0);
    let yaml = node.kernel.config().dump(false);
    write_private(path.as_str().as_ref(), yaml.as_bytes())
        .map_err(|error| CommandError::Failed(format!("Can't write {path}: {}", node.denied(error))))?;
    Ok(Value::Done(true))
}

async fn get_loglevel(node: Arc<Node>, _: Call) -> CommandResult {
    Ok(Value::text(node.logs.level().name()))
}

async fn set_loglevel(node: Arc<Node>, call: Call) -> CommandResult {
    let word = call.text(0);
    let number = || word.parse().ok().and_then(Level::from_old_number);
    let level = Level::from_name(&word).or_else(number);
    let level = level.ok_or_else(|| CommandError::Failed("Invalid log level".to_owned()))?;
    node.logs.set_level(level);
    Ok(Value::Done(true))
}

async fn rotate_log(node: Arc<Node>, _: Call) -> CommandResult {
    node.logs.rotate();
    Ok(Value::Done(true))
}

async fn reopen_log(node: Arc<Node>, _: Call) -> CommandResult {
    node.logs.reopen();
    Ok(Value::Done(true))
}

async fn nothing(_: Arc<Node>, _: Call) -> CommandResult {
    Ok(Value::Done(true))
}

/// The last argument.
async fn echo(_: Arc<Node>, call: Call) -> CommandResult {
    Ok(Value::Text(call.text(call.arguments.len().saturating_sub(1))))
}

#[cfg(test)]
mod tests;
