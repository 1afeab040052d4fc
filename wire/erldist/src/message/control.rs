use crate::{Atom, Pid, Reference, Term};

/// A process by its pid or by its registered name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    /// By pid.
    Pid(Pid),
    /// By name.
    Name(Atom),
}

impl Process {
    fn read(term: &Term) -> Option<Self> {
        match term {
            Term::Pid(pid) => Some(Self::Pid(pid.as_ref().clone())),
            Term::Atom(name) => Some(Self::Name(name.clone())),
            _ => None,
        }
    }

    /// As a term.
    pub fn term(&self) -> Term {
        match self {
            Self::Pid(pid) => pid.clone().into(),
            Self::Name(name) => name.clone().into(),
        }
    }
}

/// A control message. Those with a trace token are read as those without: the token only matters to tracers.
/// The reason of an exit is in the tuple of older peers and in the payload of newer; here it is the payload always.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// 1 LINK.
    Link { from: Pid, to: Pid },
    /// 2 SEND and 22 SEND_SENDER: a message to a pid. The sender is only known by the newer form.
    Send { from: Option<Pid>, to: Pid },
    /// 3 EXIT, 24 PAYLOAD_EXIT: the end of a linked process.
    Exit { from: Pid, to: Pid },
    /// 4 UNLINK.
    Unlink { from: Pid, to: Pid },
    /// 5 NODE_LINK.
    NodeLink,
    /// 6 REG_SEND: a message to a name.
    RegSend { from: Pid, to: Atom },
    /// 7 GROUP_LEADER.
    GroupLeader { from: Pid, to: Pid },
    /// 8 EXIT2, 26 PAYLOAD_EXIT2: `exit(Pid, Reason)`.
    Exit2 { from: Pid, to: Pid },
    /// 19 MONITOR_P.
    Monitor { from: Pid, to: Process, reference: Reference },
    /// 20 DEMONITOR_P.
    Demonitor { from: Pid, to: Process, reference: Reference },
    /// 21 MONITOR_P_EXIT, 28 PAYLOAD_MONITOR_P_EXIT: the end of a monitored process.
    MonitorExit { from: Process, to: Pid, reference: Reference },
    /// 29 SPAWN_REQUEST: start a process; the payload is its list of arguments.
    SpawnRequest {
        request: Reference,
        from: Pid,
        group_leader: Pid,
        module: Atom,
        function: Atom,
        arity: u8,
        options: Vec<Term>,
    },
    /// 31 SPAWN_REPLY: flags 1 linked, 2 monitored; a pid, or the atom of an error.
    SpawnReply { request: Reference, to: Pid, flags: u8, result: Process },
    /// 33 ALIAS_SEND: a message to an alias.
    AliasSend { from: Pid, alias: Reference },
    /// 35 UNLINK_ID.
    UnlinkId { id: Term, from: Pid, to: Pid },
    /// 36 UNLINK_ID_ACK.
    UnlinkIdAck { id: Term, from: Pid, to: Pid },
}

/// A control message as it is read.
pub(super) struct Read {
    pub(super) control: Control,
    /// The reason of an exit that stood in the tuple.
    pub(super) reason: Option<Term>,
    pub(super) has_payload: bool,
}

/// What of the newer forms the peer understands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forms {
    pub(super) send_sender: bool,
    pub(super) exit_payload: bool,
}

impl Control {
    /// Whether a payload follows.
    pub fn has_payload(&self) -> bool {
        matches!(
            self,
            Self::Send { .. }
                | Self::RegSend { .. }
                | Self::Exit { .. }
                | Self::Exit2 { .. }
                | Self::MonitorExit { .. }
                | Self::SpawnRequest { .. }
                | Self::AliasSend { .. }
        )
    }

    /// Reads a control tuple; None where it is unknown or malformed.
    pub(super) fn read(term: &Term) -> Option<Read> {
        let [operation, fields @ ..] = term.as_tuple()? else { return None };
        let operation = operation.as_integer()?;
        let plain = |control: Option<Self>| {
            control.map(|control| Read { has_payload: control.has_payload(), reason: None, control })
        };
        match (operation, fields) {
            (1, [from, to]) => plain(pids(from, to).map(|(from, to)| Self::Link { from, to })),
            (2, [_, to]) | (12, [_, to, _]) => plain(pid(to).map(|to| Self::Send { from: None, to })),
            (22, [from, to]) | (23, [from, to, _]) => {
                plain(pid(to).map(|to| Self::Send { from: pid(from), to }))
            }
            (3, [from, to, reason]) | (13, [from, to, _, reason]) => {
                with_reason(pids(from, to).map(|(from, to)| Self::Exit { from, to }), reason)
            }
            (24, [from, to]) | (25, [from, to, _]) => {
                plain(pids(from, to).map(|(from, to)| Self::Exit { from, to }))
            }
            (8, [from, to, reason]) | (18, [from, to, _, reason]) => {
                with_reason(pids(from, to).map(|(from, to)| Self::Exit2 { from, to }), reason)
            }
            (26, [from, to]) | (27, [from, to, _]) => {
                plain(pids(from, to).map(|(from, to)| Self::Exit2 { from, to }))
            }
            (4, [from, to]) => plain(pids(from, to).map(|(from, to)| Self::Unlink { from, to })),
            (5, []) => plain(Some(Self::NodeLink)),
            (6, [from, _, to]) | (16, [from, _, to, _]) => plain(read_reg_send(from, to)),
            (7, [from, to]) => plain(pids(from, to).map(|(from, to)| Self::GroupLeader { from, to })),
            (19, [from, to, reference]) => plain(read_monitor(from, to, reference)),
            (20, [from, to, reference]) => plain(read_demonitor(from, to, reference)),
            (21, [from, to, reference, reason]) => {
                with_reason(read_monitor_exit(from, to, reference), reason)
            }
            (28, [from, to, reference]) => plain(read_monitor_exit(from, to, reference)),
            (29, [request, from, leader, function, options])
            | (30, [request, from, leader, function, options, _]) => {
                plain(read_spawn(request, from, leader, function, options))
            }
            (31, [request, to, flags, result]) | (32, [request, to, flags, result, _]) => {
                plain(read_spawn_reply(request, to, flags, result))
            }
            (33, [from, alias]) | (34, [from, alias, _]) => plain(read_alias_send(from, alias)),
            (35, [id, from, to]) => {
                plain(pids(from, to).map(|(from, to)| Self::UnlinkId { id: id.clone(), from, to }))
            }
            (36, [id, from, to]) => {
                plain(pids(from, to).map(|(from, to)| Self::UnlinkIdAck { id: id.clone(), from, to }))
            }
            _ => None,
        }
    }

    /// The control tuple in the form that the peer understands, and the payload if it is not within.
    pub(super) fn term(&self, forms: Forms, payload: Option<&Term>) -> (Term, bool) {
        let reason = || payload.cloned().unwrap_or_else(|| Term::atom("normal"));
        let mut inside = false;
        let mut exit = |older: i64, newer: i64, fields: Vec<Term>| {
            inside = !forms.exit_payload;
            let operation = if inside { older } else { newer };
            tuple(operation, fields.into_iter().chain(inside.then(reason)))
        };
        let pair = |from: &Pid, to: &Pid| vec![from.clone().into(), to.clone().into()];
        let term = match self {
            Self::Link { from, to } => tuple(1, pair(from, to)),
            Self::Send { from: Some(from), to } if forms.send_sender => tuple(22, pair(from, to)),
            Self::Send { to, .. } => tuple(2, [Term::atom(""), to.clone().into()]),
            Self::Exit { from, to } => exit(3, 24, pair(from, to)),
            Self::Unlink { from, to } => tuple(4, pair(from, to)),
            Self::NodeLink => tuple(5, []),
            Self::RegSend { from, to } => tuple(6, [from.clone().into(), Term::atom(""), to.clone().into()]),
            Self::GroupLeader { from, to } => tuple(7, pair(from, to)),
            Self::Exit2 { from, to } => exit(8, 26, pair(from, to)),
            Self::Monitor { from, to, reference } => {
                tuple(19, [from.clone().into(), to.term(), reference.clone().into()])
            }
            Self::Demonitor { from, to, reference } => {
                tuple(20, [from.clone().into(), to.term(), reference.clone().into()])
            }
            Self::MonitorExit { from, to, reference } => {
                exit(21, 28, vec![from.term(), to.clone().into(), reference.clone().into()])
            }
            Self::SpawnRequest { request, from, group_leader, module, function, arity, options } => {
                let entry = [module.clone().into(), function.clone().into(), Term::Integer((*arity).into())];
                let options = Term::List(options.clone());
                let pids = [request.clone().into(), from.clone().into(), group_leader.clone().into()];
                tuple(29, pids.into_iter().chain([Term::tuple(entry), options]))
            }
            Self::SpawnReply { request, to, flags, result } => {
                let flags = Term::Integer((*flags).into());
                tuple(31, [request.clone().into(), to.clone().into(), flags, result.term()])
            }
            Self::AliasSend { from, alias } => tuple(33, [from.clone().into(), alias.clone().into()]),
            Self::UnlinkId { id, from, to } => {
                tuple(35, [id.clone(), from.clone().into(), to.clone().into()])
            }
            Self::UnlinkIdAck { id, from, to } => {
                tuple(36, [id.clone(), from.clone().into(), to.clone().into()])
            }
        };
        (term, self.has_payload() && !inside)
    }
}

fn tuple(operation: i64, fields: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple(std::iter::once(Term::Integer(operation)).chain(fields))
}

fn with_reason(control: Option<Control>, reason: &Term) -> Option<Read> {
    control.map(|control| Read { control, reason: Some(reason.clone()), has_payload: false })
}

fn pid(term: &Term) -> Option<Pid> {
    term.as_pid().cloned()
}

fn pids(from: &Term, to: &Term) -> Option<(Pid, Pid)> {
    Some((pid(from)?, pid(to)?))
}

fn atom(term: &Term) -> Option<Atom> {
    if let Term::Atom(atom) = term { Some(atom.clone()) } else { None }
}

fn read_reg_send(from: &Term, to: &Term) -> Option<Control> {
    Some(Control::RegSend { from: pid(from)?, to: atom(to)? })
}

fn read_monitor(from: &Term, to: &Term, reference: &Term) -> Option<Control> {
    let reference = reference.as_reference()?.clone();
    Some(Control::Monitor { from: pid(from)?, to: Process::read(to)?, reference })
}

fn read_demonitor(from: &Term, to: &Term, reference: &Term) -> Option<Control> {
    let reference = reference.as_reference()?.clone();
    Some(Control::Demonitor { from: pid(from)?, to: Process::read(to)?, reference })
}

fn read_monitor_exit(from: &Term, to: &Term, reference: &Term) -> Option<Control> {
    let reference = reference.as_reference()?.clone();
    Some(Control::MonitorExit { from: Process::read(from)?, to: pid(to)?, reference })
}

fn read_alias_send(from: &Term, alias: &Term) -> Option<Control> {
    Some(Control::AliasSend { from: pid(from)?, alias: alias.as_reference()?.clone() })
}

fn read_spawn(request: &Term, from: &Term, leader: &Term, entry: &Term, options: &Term) -> Option<Control> {
    let [module, function, arity] = entry.as_tuple()? else { return None };
    Some(Control::SpawnRequest {
        request: request.as_reference()?.clone(),
        from: pid(from)?,
        group_leader: pid(leader)?,
        module: atom(module)?,
        function: atom(function)?,
        arity: u8::try_from(arity.as_integer()?).ok()?,
        options: options.as_list()?.to_vec(),
    })
}

fn read_spawn_reply(request: &Term, to: &Term, flags: &Term, result: &Term) -> Option<Control> {
    Some(Control::SpawnReply {
        request: request.as_reference()?.clone(),
        to: pid(to)?,
        flags: u8::try_from(flags.as_integer()?).ok()?,
        result: Process::read(result)?,
    })
}
