//! Calls of the peer.

use super::{Call, CallId, Outcome, Output, Session, io};
use crate::message::{Control, Process};
use crate::{Atom, Pid, Reference, Term};
use std::collections::VecDeque;
use std::time::Duration;

/// A request to start a process here.
pub(super) struct Spawn {
    pub(super) request: Reference,
    pub(super) from: Pid,
    pub(super) group_leader: Pid,
    pub(super) options: Vec<Term>,
}

/// A call as it runs: to the peer it is a process of ours.
#[derive(Debug)]
pub(super) struct Served {
    pid: Pid,
    target: (Atom, Atom, Vec<Term>),
    reply: Reply,
    group_leader: Option<Pid>,
    /// Who is told of the end, and by which reference.
    monitors: Vec<(Pid, Reference)>,
    links: Vec<Pid>,
    /// Texts that have not been sent.
    texts: VecDeque<String>,
    /// The text that is being shown, and until when we wait for that.
    showing: Option<(Reference, Duration)>,
    outcome: Option<Outcome>,
}

/// How the caller is told.
#[derive(Debug)]
pub(super) enum Reply {
    /// `erpc`: the process ends with `{Result, return, Value}` as its reason.
    Erpc { result: Term },
    /// `rex`: `{Tag, Value}` is sent to the caller.
    Rex { caller: Pid, tag: Term },
    /// Nobody waits.
    Nobody,
}

impl Served {
    pub(super) fn print_deadline(&self) -> Option<Duration> {
        self.showing.as_ref().map(|(_, deadline)| *deadline)
    }
}

/// A function call within a request.
pub(super) struct Request {
    pub(super) module: Atom,
    pub(super) function: Atom,
    pub(super) arguments: Vec<Term>,
    pub(super) caller: Option<Pid>,
    pub(super) group_leader: Option<Pid>,
    pub(super) reply: Reply,
}

impl Request {
    /// From module, function and arguments as terms.
    pub(super) fn new(module: Term, function: Term, arguments: Term, reply: Reply) -> Option<Self> {
        let (Term::Atom(module), Term::Atom(function), Term::List(arguments)) = (module, function, arguments)
        else {
            return None;
        };
        Some(Self { module, function, arguments, caller: None, group_leader: None, reply })
    }
}

impl Session {
    /// Answers a call: once all that it printed has been shown, the caller is told.
    pub fn finish(&mut self, now: Duration, id: CallId, outcome: Outcome) {
        self.now = now;
        if let Some(served) = self.served.get_mut(&id) {
            served.outcome = Some(outcome);
            self.advance(id);
        }
    }

    /// Prints on the caller's side. Texts are shown one after the other; [`Output::Printed`] comes after the last.
    pub fn print(&mut self, now: Duration, id: CallId, text: &str) {
        self.now = now;
        if let Some(served) = self.served.get_mut(&id) {
            served.texts.extend(io::pieces(text).map(str::to_owned));
            self.advance(id);
        }
    }

    /// Takes a request in; None where too many run.
    pub(super) fn serve(&mut self, request: Request) -> Option<Pid> {
        if self.served.len() >= self.settings.calls {
            return None;
        }
        let pid = self.new_pid();
        let id = CallId(self.count());
        let Request { module, function, arguments, caller, group_leader, reply } = request;
        let is_cast = matches!(reply, Reply::Nobody);
        let target = (module.clone(), function.clone(), arguments.clone());
        let served = Served {
            pid: pid.clone(),
            target,
            reply,
            // Only the peer's processes are reached over this connection.
            group_leader: group_leader.filter(|leader| leader.node.as_str() == self.peer.name.as_str()),
            monitors: Vec::new(),
            links: Vec::new(),
            texts: VecDeque::new(),
            showing: None,
            outcome: None,
        };
        self.served.insert(id, served);
        self.outputs.push_back(Output::Call(Call { id, module, function, arguments, is_cast, caller }));
        Some(pid)
    }

    /// Of all processes that a peer may ask for, only those of `erpc` are started.
    pub(super) fn on_spawn(&mut self, spawn: Spawn, entry: (&str, &str, u8), arguments: Term) {
        let request = match (entry, arguments) {
            (("erpc", "execute_call", 4), Term::List(arguments)) => {
                take(arguments).and_then(|[result, m, f, a]| Request::new(m, f, a, Reply::Erpc { result }))
            }
            (("erpc", "execute_cast", 3), Term::List(arguments)) => {
                take(arguments).and_then(|[m, f, a]| Request::new(m, f, a, Reply::Nobody))
            }
            _ => return self.refuse_spawn(spawn, "notsup"),
        };
        let Some(mut request) = request else { return self.refuse_spawn(spawn, "badarg") };
        request.caller = Some(spawn.from.clone());
        request.group_leader = Some(spawn.group_leader.clone());
        let Some(pid) = self.serve(request) else { return self.refuse_spawn(spawn, "system_limit") };
        let is_linked = spawn.options.iter().any(|option| option.is_atom("link"));
        let is_monitored = spawn.options.iter().any(is_monitor);
        if let Some(served) = self.served.values_mut().find(|served| served.pid == pid) {
            served.links.extend(is_linked.then(|| spawn.from.clone()));
            served.monitors.extend(is_monitored.then(|| (spawn.from.clone(), spawn.request.clone())));
        }
        let flags = u8::from(is_linked) | u8::from(is_monitored) << 1;
        self.reply_spawn(spawn, flags, Process::Pid(pid));
    }

    fn refuse_spawn(&mut self, spawn: Spawn, error: &str) {
        self.reply_spawn(spawn, 0, Process::Name(Atom::new(error)));
    }

    fn reply_spawn(&mut self, spawn: Spawn, flags: u8, result: Process) {
        let reply = Control::SpawnReply { request: spawn.request, to: spawn.from, flags, result };
        self.connection.send(&reply, None);
    }

    pub(super) fn on_monitor(&mut self, from: Pid, to: Process, reference: Reference) {
        match &to {
            // These live as long as the node.
            Process::Name(name) if super::named::exists(name.as_str()) => return,
            Process::Pid(pid) => {
                let limit = self.settings.calls;
                if let Some(served) = self.served.values_mut().find(|served| served.pid == *pid)
                    && served.monitors.len() < limit
                {
                    return served.monitors.push((from, reference));
                }
                if self.asked.values().any(|asked| asked.pid == *pid) {
                    return;
                }
            }
            Process::Name(_) => {}
        }
        let exit = Control::MonitorExit { from: to, to: from, reference };
        self.connection.send(&exit, Some(&Term::atom("noproc")));
    }

    pub(super) fn on_demonitor(&mut self, reference: &Reference) {
        let mut abandoned = None;
        for (id, served) in &mut self.served {
            let before = served.monitors.len();
            served.monitors.retain(|(_, held)| held != reference);
            if served.monitors.len() < before && served.monitors.is_empty() && served.links.is_empty() {
                abandoned = Some(*id);
            }
        }
        self.outputs.extend(abandoned.map(Output::Abandoned));
    }

    pub(super) fn on_link(&mut self, from: Pid, to: Pid) {
        let limit = self.settings.calls;
        if let Some(served) = self.served.values_mut().find(|served| served.pid == to)
            && served.links.len() < limit
        {
            return served.links.push(from);
        }
        self.connection.send(&Control::Exit { from: to, to: from }, Some(&Term::atom("noproc")));
    }

    pub(super) fn on_unlink(&mut self, from: &Pid, to: &Pid) {
        if let Some(served) = self.served.values_mut().find(|served| served.pid == *to) {
            served.links.retain(|held| held != from);
        }
    }

    /// Somebody ends a process of ours: its call is abandoned.
    pub(super) fn on_exit(&mut self, to: &Pid, reason: &Term) {
        let found = self.served.iter().find(|(_, served)| served.pid == *to).map(|(id, _)| *id);
        let Some(id) = found.filter(|_| !reason.is_atom("normal")) else { return };
        let reason = if reason.is_atom("kill") { Term::atom("killed") } else { reason.clone() };
        if let Some(served) = self.served.remove(&id) {
            self.tell_end(&served, &reason);
        }
        self.outputs.push_back(Output::Abandoned(id));
    }

    /// `{io_reply, Reference, Result}` to one of our processes; false where it is none.
    pub(super) fn on_io_reply(&mut self, to: &Pid, message: &Term) -> bool {
        let Some([tag, reference, result]) = message.as_tuple() else { return false };
        let found = self.served.iter_mut().find(|(_, served)| served.pid == *to);
        let (true, Some((id, served))) = (tag.is_atom("io_reply"), found) else { return false };
        let id = *id;
        if served.showing.as_ref().is_some_and(|(shown, _)| reference.as_reference() == Some(shown)) {
            served.showing = None;
            if !result.is_atom("ok") {
                served.texts.clear();
            }
            self.after_text(id);
        }
        true
    }

    pub(super) fn expire_prints(&mut self) {
        let now = self.now;
        let is_late = |served: &Served| served.print_deadline().is_some_and(|deadline| deadline <= now);
        let late: Vec<_> =
            self.served.iter().filter(|(_, served)| is_late(served)).map(|(id, _)| *id).collect();
        for id in late {
            if let Some(served) = self.served.get_mut(&id) {
                served.showing = None;
                served.texts.clear();
            }
            self.after_text(id);
        }
    }

    fn after_text(&mut self, id: CallId) {
        if self.served.get(&id).is_some_and(|served| served.texts.is_empty()) {
            self.outputs.push_back(Output::Printed(id));
        }
        self.advance(id);
    }

    /// Sends the next text, or the answer when there is none.
    fn advance(&mut self, id: CallId) {
        let reference = self.new_reference();
        let deadline = self.now.saturating_add(self.settings.print_timeout);
        let Some(served) = self.served.get_mut(&id) else { return };
        if served.showing.is_some() {
            return;
        }
        if let Some(text) = served.texts.pop_front() {
            let Some(leader) = served.group_leader.clone() else {
                served.texts.clear();
                return self.after_text(id);
            };
            served.showing = Some((reference.clone(), deadline));
            let request = io::put_chars(&served.pid, reference, &text);
            let send = Control::Send { from: Some(served.pid.clone()), to: leader };
            return self.connection.send(&send, Some(&request));
        }
        if served.outcome.is_some()
            && let Some(served) = self.served.remove(&id)
        {
            self.answer(served);
        }
    }

    fn answer(&mut self, mut served: Served) {
        let Some(outcome) = served.outcome.take() else { return };
        let reason = match &served.reply {
            Reply::Erpc { result } => erpc_reason(result.clone(), &served.target, outcome),
            Reply::Rex { caller, tag } => {
                let reply = Term::tuple([tag.clone(), rex_value(&served.target, outcome)]);
                let send = Control::Send { from: Some(served.pid.clone()), to: caller.clone() };
                self.connection.send(&send, Some(&reply));
                Term::atom("normal")
            }
            Reply::Nobody => Term::atom("normal"),
        };
        self.tell_end(&served, &reason);
    }

    fn tell_end(&mut self, served: &Served, reason: &Term) {
        for (watcher, reference) in &served.monitors {
            let from = Process::Pid(served.pid.clone());
            let exit = Control::MonitorExit { from, to: watcher.clone(), reference: reference.clone() };
            self.connection.send(&exit, Some(reason));
        }
        for linked in &served.links {
            let exit = Control::Exit { from: served.pid.clone(), to: linked.clone() };
            self.connection.send(&exit, Some(reason));
        }
    }
}

/// As many terms as expected.
fn take<const N: usize>(terms: Vec<Term>) -> Option<[Term; N]> {
    terms.try_into().ok()
}

fn is_monitor(option: &Term) -> bool {
    option.is_atom("monitor")
        || option.as_tuple().is_some_and(|it| it.first().is_some_and(|tag| tag.is_atom("monitor")))
}

/// `[{Module, Function, Arguments, []}]`.
fn stack((module, function, arguments): &(Atom, Atom, Vec<Term>)) -> Term {
    let arguments = Term::List(arguments.clone());
    Term::list([Term::tuple([module.clone().into(), function.clone().into(), arguments, Term::NIL])])
}

fn erpc_reason(result: Term, target: &(Atom, Atom, Vec<Term>), outcome: Outcome) -> Term {
    match outcome {
        Outcome::Return(value) => Term::tuple([result, Term::atom("return"), value]),
        Outcome::Error(reason) => Term::tuple([result, Term::atom("error"), reason, Term::NIL]),
        Outcome::Undefined => Term::tuple([result, Term::atom("error"), Term::atom("undef"), stack(target)]),
        Outcome::Exit(reason) => Term::tuple([result, Term::atom("exit"), reason]),
        Outcome::Throw(value) => Term::tuple([result, Term::atom("throw"), value]),
    }
}

/// What `rpc:call` returns: a value, a thrown value, or `{badrpc, {'EXIT', Reason}}`.
fn rex_value(target: &(Atom, Atom, Vec<Term>), outcome: Outcome) -> Term {
    let exit = |reason| Term::tuple([Term::atom("badrpc"), Term::tuple([Term::atom("EXIT"), reason])]);
    match outcome {
        Outcome::Return(value) | Outcome::Throw(value) => value,
        Outcome::Error(reason) => exit(Term::tuple([reason, Term::NIL])),
        Outcome::Undefined => exit(Term::tuple([Term::atom("undef"), stack(target)])),
        Outcome::Exit(reason) => exit(reason),
    }
}
