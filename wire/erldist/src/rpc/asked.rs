//! Our calls of the peer's functions.

use super::{Answer, CallId, Output, Session, io};
use crate::flags;
use crate::message::Control;
use crate::{Atom, Pid, Reference, Term};
use std::time::Duration;

/// A call that has no answer yet.
#[derive(Debug)]
pub(super) struct Asked {
    /// Who calls, and whose terminal the function prints on.
    pub(super) pid: Pid,
    /// Names the process that the peer starts.
    request: Reference,
    /// Stands in the answer.
    result: Reference,
}

impl Session {
    /// Calls a function of the peer: `erpc`, or `rex` where it has no `erpc`. [`Output::Text`] tells what it prints,
    /// [`Output::Answer`] how it ends. There is no time limit: [`Session::forget`] gives up.
    pub fn call(&mut self, now: Duration, module: &str, function: &str, arguments: Vec<Term>) -> CallId {
        self.now = now;
        let id = CallId(self.count());
        if self.is_closed {
            self.outputs.push_back(Output::Answer { id, answer: Answer::NoConnection });
            return id;
        }
        let asked =
            Asked { pid: self.new_pid(), request: self.new_reference(), result: self.new_reference() };
        let function = [Term::atom(module), Term::atom(function), Term::List(arguments)];
        if self.peer.flags.has(flags::SPAWN) {
            self.ask_erpc(&asked, function);
        } else {
            self.ask_rex(&asked, function);
        }
        self.asked.insert(id, asked);
        id
    }

    /// Nobody waits for the answer any more.
    pub fn forget(&mut self, id: CallId) {
        self.asked.remove(&id);
    }

    fn ask_erpc(&mut self, asked: &Asked, function: [Term; 3]) {
        let spawn = Control::SpawnRequest {
            request: asked.request.clone(),
            from: asked.pid.clone(),
            group_leader: asked.pid.clone(),
            module: Atom::new("erpc"),
            function: Atom::new("execute_call"),
            arity: 4,
            options: vec![Term::atom("monitor")],
        };
        let arguments = std::iter::once(asked.result.clone().into()).chain(function);
        self.connection.send(&spawn, Some(&Term::list(arguments)));
    }

    fn ask_rex(&mut self, asked: &Asked, function: [Term; 3]) {
        let caller = Term::tuple([asked.pid.clone().into(), asked.result.clone().into()]);
        let call = std::iter::once(Term::atom("call")).chain(function).chain([asked.pid.clone().into()]);
        let message = Term::tuple([Term::atom("$gen_call"), caller, Term::tuple(call)]);
        let send = Control::RegSend { from: asked.pid.clone(), to: Atom::new("rex") };
        self.connection.send(&send, Some(&message));
    }

    pub(super) fn on_spawn_refused(&mut self, request: &Reference, error: Atom) {
        self.end_asked(|asked| asked.request == *request, |_| Answer::Error(error.into()));
    }

    /// The process has ended; the reason is the answer.
    pub(super) fn on_asked_ended(&mut self, request: &Reference, reason: Term) {
        self.end_asked(|asked| asked.request == *request, |asked| erpc_answer(&asked.result, reason));
    }

    /// A message to one of our callers: an answer of `rex`, or a text to show.
    pub(super) fn on_asked_message(&mut self, to: &Pid, message: Term) {
        let Some((id, asked)) = self.asked.iter().find(|(_, asked)| asked.pid == *to) else { return };
        let id = *id;
        let Term::Tuple(mut parts) = message else { return };
        match parts.as_slice() {
            [tag, Term::Pid(sender), reply_as, request] if tag.is_atom("io_request") => {
                let (reply, text) = io::on_request(request);
                let answer = Term::tuple([Term::atom("io_reply"), reply_as.clone(), reply]);
                let send = Control::Send { from: Some(asked.pid.clone()), to: sender.as_ref().clone() };
                self.connection.send(&send, Some(&answer));
                if !text.is_empty() {
                    self.outputs.push_back(Output::Text { id, text });
                }
            }
            [tag, _] if tag.as_reference() == Some(&asked.result) => {
                let value = parts.pop().unwrap_or(Term::NIL);
                self.end_asked(|asked| asked.pid == *to, |_| rex_answer(value));
            }
            _ => {}
        }
    }

    fn end_asked(&mut self, is_it: impl Fn(&Asked) -> bool, answer: impl FnOnce(&Asked) -> Answer) {
        let Some(id) = self.asked.iter().find(|(_, asked)| is_it(asked)).map(|(id, _)| *id) else { return };
        if let Some(asked) = self.asked.remove(&id) {
            self.outputs.push_back(Output::Answer { id, answer: answer(&asked) });
        }
    }
}

/// `{Result, return, Value}` and its siblings; any other reason is the end of a process that was killed.
fn erpc_answer(result: &Reference, reason: Term) -> Answer {
    match reason {
        Term::Tuple(parts) if parts.first().and_then(Term::as_reference) == Some(result) => {
            let mut parts = parts.into_iter().skip(1);
            let kind = parts.next().unwrap_or(Term::NIL);
            let value = parts.next().unwrap_or(Term::NIL);
            match kind.as_atom() {
                Some("return") => Answer::Return(value),
                Some("throw") => Answer::Throw(value),
                Some("exit") => Answer::Exit(value),
                _ => Answer::Error(value),
            }
        }
        reason => Answer::Exit(reason),
    }
}

fn rex_answer(value: Term) -> Answer {
    match value {
        Term::Tuple(mut parts)
            if parts.len() == 2 && parts.first().is_some_and(|tag| tag.is_atom("badrpc")) =>
        {
            Answer::Error(parts.pop().unwrap_or(Term::NIL))
        }
        value => Answer::Return(value),
    }
}
