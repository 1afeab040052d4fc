//! The processes that have a name: `net_kernel`, which knows who may connect, and `rex`, which calls functions for
//! nodes without `erpc`.

use super::Session;
use super::served::{Reply, Request};
use crate::message::Control;
use crate::{Pid, Term};

/// Whether there is a process of this name.
pub(super) fn exists(name: &str) -> bool {
    matches!(name, "net_kernel" | "rex")
}

impl Session {
    pub(super) fn on_named(&mut self, from: &Pid, name: &str, message: Term) {
        let Term::Tuple(parts) = message else { return };
        match (name, <[Term; 3]>::try_from(parts)) {
            ("net_kernel", Ok([tag, caller, request])) if tag.is_atom("$gen_call") => {
                self.on_is_auth(&caller, &request);
            }
            ("rex", Ok([tag, caller, request])) if tag.is_atom("$gen_call") => {
                self.on_rex_call(&caller, request)
            }
            ("rex", Err(parts)) => self.on_rex(from, parts),
            _ => {}
        }
    }

    /// `net_adm:ping`: whoever knows the cookie may.
    fn on_is_auth(&mut self, caller: &Term, request: &Term) {
        let is_question =
            request.as_tuple().and_then(<[Term]>::first).is_some_and(|tag| tag.is_atom("is_auth"));
        if let (true, Some((to, tag))) = (is_question, caller_and_tag(caller)) {
            self.send_from_new(to, &Term::tuple([tag, Term::atom("yes")]));
        }
    }

    fn on_rex_call(&mut self, caller: &Term, request: Term) {
        let Some((to, tag)) = caller_and_tag(caller) else { return };
        let reply = Reply::Rex { caller: to.clone(), tag: tag.clone() };
        let served = function_call(request, ["call", "block_call"], reply).is_some_and(|mut request| {
            request.caller = Some(to.clone());
            self.serve(request).is_some()
        });
        if !served {
            let refusal = Term::tuple([Term::atom("badrpc"), Term::atom("system_limit")]);
            self.send_from_new(to, &Term::tuple([tag, refusal]));
        }
    }

    /// `{'$gen_cast', {cast, ...}}` and `{Pid, features_request}`.
    fn on_rex(&mut self, from: &Pid, parts: Vec<Term>) {
        let Ok([first, second]) = <[Term; 2]>::try_from(parts) else { return };
        if first.is_atom("$gen_cast") {
            if let Some(mut request) = function_call(second, ["cast", "block_cast"], Reply::Nobody) {
                request.caller = Some(from.clone());
                self.serve(request);
            }
        } else if let (Term::Pid(asker), true) = (first, second.is_atom("features_request")) {
            let node = self.settings.local.atom().into();
            let features = Term::list([Term::atom("erpc")]);
            self.send_from_new(*asker, &Term::tuple([Term::atom("features_reply"), node, features]));
        }
    }

    fn send_from_new(&mut self, to: Pid, message: &Term) {
        let from = Some(self.new_pid());
        self.connection.send(&Control::Send { from, to }, Some(message));
    }
}

/// `{Pid, Tag}`.
fn caller_and_tag(caller: &Term) -> Option<(Pid, Term)> {
    let [pid, tag] = caller.as_tuple()? else { return None };
    Some((pid.as_pid()?.clone(), tag.clone()))
}

/// `{call, Module, Function, Arguments, GroupLeader}`.
fn function_call(request: Term, tags: [&str; 2], reply: Reply) -> Option<Request> {
    let Term::Tuple(parts) = request else { return None };
    let [tag, module, function, arguments, leader] = <[Term; 5]>::try_from(parts).ok()?;
    if !tags.iter().any(|wanted| tag.is_atom(wanted)) {
        return None;
    }
    let mut request = Request::new(module, function, arguments, reply)?;
    request.group_leader = leader.as_pid().cloned();
    Some(request)
}
