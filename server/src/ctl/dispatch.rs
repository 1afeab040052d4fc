//! The node's side: from words to a command and back to words.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::words::{Misfit, parse};
use nightjar_base::commands::{Caller, CommandError, CommandSpec, Value};
use nightjar_config::nearest::nearest;
use nightjar_sasl::Secret;

use super::protocol::Request;
use super::render::{FAILURE, Output, SUCCESS, UNREACHABLE, USAGE};
use super::{help, json, render};
use crate::commands::status_text;

/// The API version of a call that names none: the newest.
const NEWEST: u32 = 1_000_000;

/// A request taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Invocation {
    version: Option<u32>,
    auth: Option<[String; 3]>,
    words: Vec<String>,
}

/// Takes `--version N` and `--auth USER HOST PASSWORD` off the front.
fn take_apart(words: Vec<String>) -> Result<Invocation, String> {
    let mut invocation = Invocation::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--version" => {
                let number = words.next().unwrap_or_default();
                let parsed =
                    number.parse().map_err(|_| format!("Invalid API version number: \"{number}\""))?;
                invocation.version = Some(parsed);
            }
            "--auth" => {
                let mut next = || words.next().ok_or("--auth needs USER HOST PASSWORD");
                invocation.auth = Some([next()?, next()?, next()?]);
            }
            _ => {
                invocation.words.push(word);
                break;
            }
        }
    }
    invocation.words.extend(words);
    Ok(invocation)
}

/// Does what a request asks for.
pub(crate) async fn run(kernel: &Arc<Kernel>, request: Request, caller: Caller) -> Output {
    let as_json = request.json;
    let invocation = match take_apart(request.words) {
        Ok(invocation) => invocation,
        Err(why) => return refuse(as_json, &why, FAILURE),
    };
    let version = invocation.version.unwrap_or(NEWEST);
    let known = commands(kernel, version);
    let Some((name, words)) = invocation.words.split_first() else {
        return Output::new(help::usage(&known, true), UNREACHABLE);
    };
    if name == "help" {
        return help::help(&known, words);
    }
    let name = name.replace('-', "_");
    if name == "status" && words.is_empty() && !as_json {
        return Output::new(status_text(" with status:"), SUCCESS);
    }
    let Some(spec) = kernel.commands.find(&name, Some(version)) else {
        return refuse(as_json, &unknown(&name, &known), FAILURE);
    };
    let arguments = match parse(spec.arguments, words) {
        Ok(arguments) => arguments,
        Err(misfit) => return misfits(as_json, &known, spec, &misfit),
    };
    let result = call(kernel, spec, arguments, caller, invocation.auth).await;
    if as_json { json::render(spec, &result) } else { render::render(spec, version, &result) }
}

/// The commands as they are in an API version.
fn commands(kernel: &Kernel, version: u32) -> Vec<&'static CommandSpec> {
    let all = kernel.commands.all().into_iter();
    all.filter_map(|spec| kernel.commands.find(spec.name, Some(version))).collect()
}

fn refuse(as_json: bool, why: &str, code: u8) -> Output {
    if as_json { Output { code, ..json::problem(0, why) } } else { Output::new(why, code) }
}

fn unknown(name: &str, known: &[&'static CommandSpec]) -> String {
    match nearest(name, known.iter().map(|spec| spec.name)) {
        Some(near) => format!("Error: unknown command '{name}'. Did you mean '{near}'?"),
        None => format!("Error: unknown command '{name}'. See: help commands"),
    }
}

/// As ejabberdctl: the command's help, then what is wrong.
fn misfits(as_json: bool, known: &[&'static CommandSpec], spec: &CommandSpec, misfit: &Misfit) -> Output {
    let (why, code) = match misfit {
        Misfit::Missing(count) => (format!("requires {count} more argument."), USAGE),
        Misfit::Surplus(count) => (format!("requires {count} less argument."), USAGE),
        Misfit::Wrong { name, expected, given } => {
            (format!("takes {expected} as '{name}', not '{given}'."), FAILURE)
        }
    };
    let why = format!("Error: the command '{}' {why}", spec.name);
    if as_json {
        return refuse(true, &why, code);
    }
    let about = help::help(known, &[spec.name.to_owned()]);
    Output::new(format!("{}\n{why}", about.text), code)
}

async fn call(
    kernel: &Arc<Kernel>,
    spec: &'static CommandSpec,
    arguments: Vec<Value>,
    mut caller: Caller,
    auth: Option<[String; 3]>,
) -> Result<Value, CommandError> {
    if let Some([user, host, password]) = auth {
        caller.jid = Some(kernel.authenticate(&user, &host, &Secret::from(password.as_str())).await?);
    }
    kernel.run_command(spec, caller, arguments).await
}

#[cfg(test)]
mod tests;
