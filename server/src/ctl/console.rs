//! The console of a node: a line of words is a command, and its answer is printed. In place of ejabberd's Erlang shell.

use std::borrow::Cow;
use std::io::{self, Write as _};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, ExternalPrinter as _, Helper};

use super::client;
use super::flags::Flags;
use super::render::{FAILURE, Output, SUCCESS};
use super::settings::Settings;

/// What `live` warns of.
pub(crate) const LIVE: &str = "\
IMPORTANT: ejabberd is going to start in LIVE (interactive) mode.
All log messages will be shown in the command shell.
You can interact with the ejabberd node if you know how to use it.
Please be extremely cautious with your actions,
and exit immediately if you are not completely sure.

To exit this LIVE mode and stop ejabberd, enter:
  quit";

const DEBUG: &str = "\
IMPORTANT: we will attempt to attach an INTERACTIVE console
to an already running ejabberd node.
If an ERROR is printed, it means the connection was not successful.
You can interact with the ejabberd node if you know how to use it.
Please be extremely cautious with your actions,
and exit immediately if you are not completely sure.

To detach this console from ejabberd, enter:
  quit";

const RULE: &str = "--------------------------------------------------------------------";

/// `ctl debug`: a console for a node that runs.
pub(crate) fn debug(settings: &Settings) -> Output {
    warn(settings, DEBUG);
    let mut console = Console::new(settings);
    let status = console.ask("status");
    if status.code != SUCCESS {
        return status;
    }
    client::print(&status);
    console.talk(&mut || true);
    Output::default()
}

/// Shows a warning and waits for the return key, unless the operator has seen it often enough.
pub(crate) fn warn(settings: &Settings, text: &str) {
    if settings.bypass_warnings {
        return;
    }
    let mut out = io::stdout();
    let _ = writeln!(
        out,
        "{RULE}\n\n{text}\n\n{RULE}\nTo bypass permanently this warning, add to ejabberdctl.cfg the line:\n  \
         EJABBERD_BYPASS_WARNINGS=true\nPress return to continue"
    );
    let _ = io::stdin().read_line(&mut String::new());
    let _ = writeln!(out);
}

/// A terminal that talks with a node.
pub(crate) struct Console<'a> {
    settings: &'a Settings,
    editor: Option<Editor<Words, MemHistory>>,
}

impl<'a> Console<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        // Only in memory: passwords are typed here.
        let history = MemHistory::new();
        Self { settings, editor: Editor::with_history(rustyline::Config::default(), history).ok() }
    }

    /// Shows lines above the line that is being typed.
    pub(crate) fn printer(&mut self) -> Box<dyn FnMut(&str) + Send> {
        let printer = self.editor.as_mut().and_then(|editor| editor.create_external_printer().ok());
        match printer {
            Some(mut printer) => Box::new(move |line| {
                let _ = printer.print(format!("{line}\n"));
            }),
            None => Box::new(|line| {
                let _ = writeln!(io::stderr(), "{line}");
            }),
        }
    }

    /// Reads and answers lines until the operator leaves or the node is gone.
    pub(crate) fn talk(&mut self, is_there: &mut dyn FnMut() -> bool) {
        let names = self.ask("help --names").text.lines().map(str::to_owned).collect();
        let prompt = format!("{}> ", self.settings.node_name());
        if let Some(editor) = &mut self.editor {
            editor.set_helper(Some(Words { names }));
        }
        let mut interrupted = false;
        while is_there() {
            let Some(editor) = &mut self.editor else { return };
            match editor.readline(&prompt) {
                Ok(line) => {
                    interrupted = false;
                    let _ = editor.add_history_entry(line.as_str());
                    match line.trim() {
                        "" => {}
                        "quit" | "exit" | "q()." => return,
                        line => self.show(line),
                    }
                }
                Err(ReadlineError::Interrupted) if !interrupted => {
                    interrupted = true;
                    let _ = writeln!(io::stdout(), "`quit`, or the interrupt key again, leaves the console");
                }
                Err(_) => return,
            }
        }
    }

    fn show(&self, line: &str) {
        let output = self.ask(line);
        client::print(&output);
        match output.code {
            SUCCESS if output.text.is_empty() => drop(writeln!(io::stdout(), "ok")),
            SUCCESS => {}
            code => drop(writeln!(io::stdout(), "(exit code {code})")),
        }
    }

    fn ask(&self, line: &str) -> Output {
        match split(line) {
            Some(words) => {
                let flags = Flags { words, no_timeout: true, ..Flags::default() };
                client::ask(self.settings, flags)
            }
            None => Output::new("Error: a quote is not closed", FAILURE),
        }
    }

    /// Has the node do something whose answer doesn't matter.
    pub(crate) fn ask_quietly(&self, line: &str) {
        let _ = self.ask(line);
    }
}

/// Words between blanks; quotes of either kind and backslashes keep blanks. Nothing if a quote isn't closed.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(next) = characters.next() {
        match (quote, next) {
            (Some(open), next) if next == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (_, plain) => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// The names of the commands, each with its arguments' names.
struct Words {
    names: Vec<String>,
}

/// The commands that a beginning may become, and their lines.
fn completions(names: &[String], typed: &str) -> Vec<Pair> {
    let (help, word) = match typed.strip_prefix("help ") {
        Some(word) => ("help ", word),
        None => ("", typed),
    };
    let fitting = names.iter().filter(|line| !word.contains(' ') && line.starts_with(word));
    let pair = |line: &String| {
        let name = line.split(' ').next().unwrap_or_default();
        Pair { display: line.clone(), replacement: format!("{help}{name}") }
    };
    fitting.map(pair).collect()
}

/// The arguments that are still to be typed.
fn hint(names: &[String], typed: &str) -> Option<String> {
    let mut given = split(typed)?.len();
    let name = typed.split(' ').next()?;
    let line = names.iter().find(|line| line.split(' ').next() == Some(name))?;
    if !typed.ends_with(' ') {
        given += 1;
    }
    let left: Vec<&str> = line.split(' ').skip(given).collect();
    if left.is_empty() || typed == name && given > 2 {
        return None;
    }
    let space = if typed.ends_with(' ') { "" } else { " " };
    Some(format!("{space}{}", left.join(" ")))
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok((0, completions(&self.names, line.get(..at).unwrap_or(line))))
    }
}

impl Hinter for Words {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<String> {
        if at < line.len() { None } else { hint(&self.names, line) }
    }
}

impl Highlighter for Words {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }
}

impl Validator for Words {}
impl Helper for Words {}

#[cfg(test)]
mod tests;
