use super::*;
use crate::flags::{self, Flags};
use crate::message::{Frame, MessageReader};

const NOW: Duration = Duration::from_secs(1);

fn name(text: &str) -> NodeName {
    NodeName::parse(text).unwrap()
}

fn session(flags: Flags) -> Session {
    let peer = Peer { name: name("ctl@h"), flags, creation: 9, is_hidden: true, is_named_by_us: false };
    let mut settings = SessionSettings::new(name("ejm@h"), 7, 3);
    settings.calls = 2;
    Session::new(settings, peer, NOW)
}

/// A process of the peer.
fn theirs(id: u32) -> Pid {
    Pid { node: "ctl@h".into(), id, serial: 0, creation: 9 }
}

fn their_reference(word: u32) -> Reference {
    Reference { node: "ctl@h".into(), creation: 9, words: vec![word, 0, 0] }
}

/// What the session has the driver do: messages to send are read, the rest is as it is.
fn drain(session: &mut Session) -> (Vec<Message>, Vec<Output>) {
    let mut reader = MessageReader::new(session.peer.flags, Limits::default());
    let (mut sent, mut others) = (Vec::new(), Vec::new());
    while let Some(output) = session.poll_output() {
        let Output::Send(bytes) = output else {
            others.push(output);
            continue;
        };
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (frame, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            rest = after;
            match reader.read(frame).unwrap() {
                Frame::Message(message) => sent.push(message),
                other => panic!("{other:?}"),
            }
        }
    }
    (sent, others)
}

fn hear(session: &mut Session, control: &Control, payload: Option<Term>) -> (Vec<Message>, Vec<Output>) {
    let bytes = crate::message::write(session.peer.flags, control, payload.as_ref());
    session.handle_input(NOW, &bytes);
    drain(session)
}

fn tuple(elements: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple(elements)
}

fn spawn(function: &str, arity: u8, options: &[&str], word: u32) -> Control {
    Control::SpawnRequest {
        request: their_reference(word),
        from: theirs(1),
        group_leader: theirs(2),
        module: "erpc".into(),
        function: function.into(),
        arity,
        options: options.iter().map(|option| Term::atom(option)).collect(),
    }
}

/// `rpc:call(Node, ejabberd_ctl, process, [["status"]])`.
fn execute_call() -> Term {
    let arguments = Term::list([Term::list([Term::charlist("status")])]);
    Term::list([their_reference(50).into(), Term::atom("ejabberd_ctl"), Term::atom("process"), arguments])
}

/// Starts a call, and gives its number and the process it has become.
fn start(session: &mut Session, options: &[&str]) -> (CallId, Pid, u8) {
    let (sent, others) = hear(session, &spawn("execute_call", 4, options, 40), Some(execute_call()));
    let [Output::Call(call)] = others.as_slice() else { panic!("{others:?}") };
    assert_eq!((call.module.as_str(), call.function.as_str()), ("ejabberd_ctl", "process"));
    assert_eq!(call.arguments, [Term::list([Term::charlist("status")])]);
    assert_eq!((call.caller.clone(), call.is_cast), (Some(theirs(1)), false));
    let [Message { control: Control::SpawnReply { request, to, flags, result }, payload: None }] = &sent[..]
    else {
        panic!("{sent:?}")
    };
    assert_eq!((request, to), (&their_reference(40), &theirs(1)));
    let Process::Pid(pid) = result else { panic!("{result:?}") };
    assert_eq!((pid.node.as_str(), pid.creation, pid.serial), ("ejm@h", 7, 3));
    (call.id, pid.clone(), *flags)
}

fn ended(pid: &Pid, reason: Term) -> Message {
    let from = Process::Pid(pid.clone());
    let control = Control::MonitorExit { from, to: theirs(1), reference: their_reference(40) };
    Message { control, payload: Some(reason) }
}

fn io_reply(pid: &Pid, reference: Term, result: Term) -> (Control, Option<Term>) {
    let reply = tuple([Term::atom("io_reply"), reference, result]);
    (Control::Send { from: Some(theirs(2)), to: pid.clone() }, Some(reply))
}

/// The text that is shown, and the reference that its reply must have.
fn shown(sent: &[Message], pid: &Pid) -> (String, Term) {
    let [Message { control, payload: Some(request) }] = sent else { panic!("{sent:?}") };
    assert_eq!(*control, Control::Send { from: Some(pid.clone()), to: theirs(2) });
    let [tag, from, reference, put] = request.as_tuple().unwrap() else { panic!("{request}") };
    assert!(tag.is_atom("io_request") && from.as_pid() == Some(pid));
    let [_, _, characters] = put.as_tuple().unwrap() else { panic!("{put}") };
    let bytes: Vec<u8> =
        characters.as_list().unwrap().iter().map(|byte| byte.as_integer().unwrap() as u8).collect();
    (String::from_utf8(bytes).unwrap(), reference.clone())
}

#[test]
fn each_outcome_is_told_as_erpc_has_it() {
    let undef = "undef,[{ejabberd_ctl,process,[[\"status\"]],[]}]";
    let rows = [
        (Outcome::Return(Term::Integer(0)), "return,0".to_owned()),
        (Outcome::Error(Term::atom("badarg")), "error,badarg,[]".to_owned()),
        (Outcome::Undefined, format!("error,{undef}")),
        (Outcome::Exit(Term::atom("gone")), "exit,gone".to_owned()),
        (Outcome::Throw(Term::atom("ball")), "throw,ball".to_owned()),
    ];
    for (outcome, told) in rows {
        let mut session = session(flags::OFFERED);
        let (id, pid, flags) = start(&mut session, &["monitor"]);
        assert_eq!(flags, 2);
        session.finish(NOW, id, outcome);
        let (sent, others) = drain(&mut session);
        assert_eq!((others, session.open_calls()), (vec![], 0));
        let reason = sent[0].payload.clone().unwrap();
        assert_eq!(reason.to_string(), format!("{{{},{told}}}", Term::from(their_reference(50))));
        assert_eq!(sent, [ended(&pid, reason)]);
        session.finish(NOW, id, Outcome::Undefined);
        assert_eq!(drain(&mut session), (vec![], vec![]), "answered once");
    }
}

#[test]
fn the_answer_waits_until_all_is_shown() {
    let mut session = session(flags::OFFERED);
    let (id, pid, _) = start(&mut session, &["monitor"]);
    session.print(NOW, id, "tmpü\n");
    session.print(NOW, id, "second\n");
    session.print(NOW, id, "");
    session.finish(NOW, id, Outcome::Return(Term::Integer(0)));
    let (sent, _) = drain(&mut session);
    let (text, reference) = shown(&sent, &pid);
    assert_eq!(text, "tmpü\n");
    let (control, wrong) = io_reply(&pid, their_reference(1).into(), Term::atom("ok"));
    assert_eq!(hear(&mut session, &control, wrong), (vec![], vec![]), "a reply to nothing");
    let (control, reply) = io_reply(&pid, reference, Term::atom("ok"));
    let (sent, others) = hear(&mut session, &control, reply);
    let (text, reference) = shown(&sent, &pid);
    assert_eq!((text.as_str(), others), ("second\n", vec![]));
    let (control, reply) = io_reply(&pid, reference, Term::atom("ok"));
    let (sent, others) = hear(&mut session, &control, reply);
    assert_eq!(others, [Output::Printed(id)]);
    let reason = tuple([their_reference(50).into(), Term::atom("return"), Term::Integer(0)]);
    assert_eq!(sent, [ended(&pid, reason)]);
}

#[test]
fn long_texts_are_shown_in_pieces() {
    let mut session = session(flags::OFFERED);
    let (id, pid, _) = start(&mut session, &["monitor"]);
    let text = "ü".repeat(20_001);
    session.print(NOW, id, &text);
    let mut all = String::new();
    let (mut sent, mut others) = drain(&mut session);
    while !sent.is_empty() {
        let (piece, reference) = shown(&sent, &pid);
        assert!(piece.len() <= 16 * 1024);
        all.push_str(&piece);
        let (control, reply) = io_reply(&pid, reference, Term::atom("ok"));
        (sent, others) = hear(&mut session, &control, reply);
    }
    assert_eq!((all, others), (text, vec![Output::Printed(id)]));
}

#[test]
fn who_does_not_show_texts_gets_the_answer_all_the_same() {
    let refusal = tuple([Term::atom("error"), Term::atom("terminated")]);
    for refuses in [true, false] {
        let mut session = session(flags::OFFERED);
        let (id, pid, _) = start(&mut session, &["monitor"]);
        session.print(NOW, id, "one");
        session.print(NOW, id, "two");
        session.finish(NOW, id, Outcome::Return(Term::NIL));
        let (sent, _) = drain(&mut session);
        let (_, reference) = shown(&sent, &pid);
        let (sent, others) = if refuses {
            let (control, reply) = io_reply(&pid, reference, refusal.clone());
            hear(&mut session, &control, reply)
        } else {
            let deadline = NOW + Duration::from_secs(30);
            session.connection.handle_input(deadline, &[]);
            session.handle_timeout(deadline);
            let bytes = session.poll_output();
            assert_eq!(bytes, Some(Output::Printed(id)));
            (drain(&mut session).0, vec![Output::Printed(id)])
        };
        assert_eq!(others, [Output::Printed(id)]);
        assert!(matches!(sent.last().unwrap().control, Control::MonitorExit { .. }));
        assert_eq!(session.open_calls(), 0);
    }
}

#[test]
fn links_monitors_and_exits_are_honoured() {
    let mut session = session(flags::OFFERED);
    let (id, pid, flags) = start(&mut session, &["link", "monitor"]);
    assert_eq!(flags, 3);
    let second =
        Control::Monitor { from: theirs(5), to: Process::Pid(pid.clone()), reference: their_reference(60) };
    assert_eq!(hear(&mut session, &second, None), (vec![], vec![]));
    let link = Control::Link { from: theirs(6), to: pid.clone() };
    assert_eq!(hear(&mut session, &link, None), (vec![], vec![]));
    let unlink = Control::UnlinkId { id: Term::Integer(4), from: theirs(6), to: pid.clone() };
    let (sent, _) = hear(&mut session, &unlink, None);
    let ack = Control::UnlinkIdAck { id: Term::Integer(4), from: pid.clone(), to: theirs(6) };
    assert_eq!(sent, [Message { control: ack, payload: None }]);
    let normal = Control::Exit { from: theirs(1), to: pid.clone() };
    assert_eq!(hear(&mut session, &normal, Some(Term::atom("normal"))), (vec![], vec![]));
    let kill = Control::Exit2 { from: theirs(1), to: pid.clone() };
    let (sent, others) = hear(&mut session, &kill, Some(Term::atom("kill")));
    assert_eq!(others, [Output::Abandoned(id)]);
    let told: Vec<_> = sent
        .iter()
        .map(|message| match &message.control {
            Control::MonitorExit { to, .. } => ("monitor", to.id, message.payload.clone().unwrap()),
            Control::Exit { to, .. } => ("link", to.id, message.payload.clone().unwrap()),
            other => panic!("{other:?}"),
        })
        .collect();
    let killed = Term::atom("killed");
    let expected = [("monitor", 1, killed.clone()), ("monitor", 5, killed.clone()), ("link", 1, killed)];
    assert_eq!(told, expected);
    session.finish(NOW, id, Outcome::Return(Term::NIL));
    assert_eq!(drain(&mut session), (vec![], vec![]));
}

#[test]
fn a_call_that_nobody_waits_for_is_abandoned() {
    let mut session = session(flags::OFFERED);
    let (id, pid, _) = start(&mut session, &["monitor"]);
    let demonitor =
        Control::Demonitor { from: theirs(1), to: Process::Pid(pid), reference: their_reference(40) };
    assert_eq!(hear(&mut session, &demonitor, None), (vec![], vec![Output::Abandoned(id)]));
    session.finish(NOW, id, Outcome::Return(Term::NIL));
    assert_eq!(drain(&mut session), (vec![], vec![]));
}

#[test]
fn what_is_not_here_is_noproc() {
    let mut session = session(flags::OFFERED);
    let stranger = Pid { node: "ejm@h".into(), id: 999, serial: 3, creation: 7 };
    for to in [Process::Name("global_name_server".into()), Process::Pid(stranger.clone())] {
        let reference = their_reference(1);
        let monitor = Control::Monitor { from: theirs(1), to: to.clone(), reference: reference.clone() };
        let (sent, _) = hear(&mut session, &monitor, None);
        let control = Control::MonitorExit { from: to, to: theirs(1), reference };
        assert_eq!(sent, [Message { control, payload: Some(Term::atom("noproc")) }]);
    }
    let link = Control::Link { from: theirs(1), to: stranger.clone() };
    let control = Control::Exit { from: stranger, to: theirs(1) };
    let (sent, _) = hear(&mut session, &link, None);
    assert_eq!(sent, [Message { control, payload: Some(Term::atom("noproc")) }]);
    let monitor = |name: &str| Control::Monitor {
        from: theirs(1),
        to: Process::Name(name.into()),
        reference: their_reference(1),
    };
    for name in ["net_kernel", "rex"] {
        assert_eq!(hear(&mut session, &monitor(name), None), (vec![], vec![]), "{name} lives");
    }
    let unknown = Control::RegSend { from: theirs(1), to: "nobody".into() };
    assert_eq!(hear(&mut session, &unknown, Some(Term::NIL)), (vec![], vec![]));
}

#[test]
fn other_processes_are_not_started() {
    let too_few = Term::list([Term::atom("m")]);
    let no_list = Term::list([Term::NIL, Term::atom("m"), Term::atom("f"), Term::atom("args")]);
    let mut shell = spawn("start", 0, &[], 1);
    if let Control::SpawnRequest { module, .. } = &mut shell {
        *module = "shell".into();
    }
    let rows = [
        (shell, Term::NIL, "notsup"),
        (spawn("execute_call", 3, &[], 1), too_few.clone(), "notsup"),
        (spawn("execute_call", 4, &[], 1), too_few, "badarg"),
        (spawn("execute_call", 4, &[], 1), no_list, "badarg"),
        (spawn("execute_call", 4, &[], 1), Term::atom("none"), "notsup"),
    ];
    for (control, arguments, error) in rows {
        let mut session = session(flags::OFFERED);
        let (sent, others) = hear(&mut session, &control, Some(arguments));
        let result = Process::Name(error.into());
        let reply = Control::SpawnReply { request: their_reference(1), to: theirs(1), flags: 0, result };
        assert_eq!((sent, others), (vec![Message { control: reply, payload: None }], vec![]));
    }
}

/// Hostile row 98: a peer that knows the cookie has bounds too.
#[test]
fn open_calls_are_bounded() {
    let mut session = session(flags::OFFERED);
    start(&mut session, &["monitor"]);
    start(&mut session, &["monitor"]);
    let (sent, others) = hear(&mut session, &spawn("execute_call", 4, &[], 3), Some(execute_call()));
    let Control::SpawnReply { result, .. } = &sent[0].control else { panic!("{sent:?}") };
    assert_eq!((result, others.len()), (&Process::Name("system_limit".into()), 0));
    let (_, rex) = rex_call("call");
    let (sent, _) = hear(&mut session, &to_name("rex"), Some(rex));
    let refusal = tuple([Term::atom("badrpc"), Term::atom("system_limit")]);
    assert_eq!(sent[0].payload, Some(tuple([Term::atom("tag"), refusal])));
}

fn to_name(name: &str) -> Control {
    Control::RegSend { from: theirs(1), to: name.into() }
}

fn rex_call(tag: &str) -> (Term, Term) {
    let arguments = Term::list([Term::Integer(1)]);
    let call = tuple([Term::atom(tag), Term::atom("m"), Term::atom("f"), arguments, theirs(2).into()]);
    let caller = tuple([theirs(1).into(), Term::atom("tag")]);
    (call.clone(), tuple([Term::atom("$gen_call"), caller, call]))
}

#[test]
fn ping_is_answered() {
    let mut session = session(flags::OFFERED);
    let tag = Term::cons(Term::atom("alias"), their_reference(8).into());
    let caller = tuple([theirs(1).into(), tag.clone()]);
    let question = tuple([Term::atom("is_auth"), Term::atom("ctl@h")]);
    let call = tuple([Term::atom("$gen_call"), caller, question]);
    let (sent, others) = hear(&mut session, &to_name("net_kernel"), Some(call));
    assert_eq!((sent.len(), others), (1, vec![]));
    assert_eq!(sent[0].payload, Some(tuple([tag, Term::atom("yes")])));
    assert!(matches!(&sent[0].control, Control::Send { to, .. } if *to == theirs(1)));
    let features = tuple([theirs(1).into(), Term::atom("features_request")]);
    let (sent, _) = hear(&mut session, &to_name("rex"), Some(features));
    assert_eq!(sent[0].payload.as_ref().unwrap().to_string(), "{features_reply,ejm@h,[erpc]}");
}

#[test]
fn rex_calls_and_casts() {
    let rows = [
        (Outcome::Return(Term::Integer(5)), "{tag,5}"),
        (Outcome::Throw(Term::Integer(5)), "{tag,5}"),
        (Outcome::Error(Term::atom("e")), "{tag,{badrpc,{'EXIT',{e,[]}}}}"),
        (Outcome::Undefined, "{tag,{badrpc,{'EXIT',{undef,[{m,f,[1],[]}]}}}}"),
        (Outcome::Exit(Term::atom("e")), "{tag,{badrpc,{'EXIT',e}}}"),
    ];
    for (tag, (outcome, told)) in ["call", "block_call"].into_iter().cycle().zip(rows) {
        let mut session = session(flags::OFFERED);
        let (_, others) = hear(&mut session, &to_name("rex"), Some(rex_call(tag).1));
        let [Output::Call(call)] = others.as_slice() else { panic!("{others:?}") };
        assert_eq!((call.function.as_str(), call.caller.clone()), ("f", Some(theirs(1))));
        session.finish(NOW, call.id, outcome);
        let (sent, _) = drain(&mut session);
        assert_eq!(sent[0].payload.as_ref().unwrap().to_string(), told);
    }
    let mut session = session(flags::OFFERED);
    let cast = tuple([Term::atom("$gen_cast"), rex_call("cast").0]);
    let (_, others) = hear(&mut session, &to_name("rex"), Some(cast));
    assert!(matches!(&others[..], [Output::Call(call)] if call.is_cast));
    let arguments = Term::list([Term::atom("m"), Term::atom("f"), Term::NIL]);
    let (_, others) = hear(&mut session, &spawn("execute_cast", 3, &[], 1), Some(arguments));
    assert!(matches!(&others[..], [Output::Call(call)] if call.is_cast));
}

/// Two sessions, one at each end.
fn pair(flags: Flags) -> (Session, Session) {
    let other = session(flags);
    let peer = Peer { name: name("ejm@h"), flags, creation: 7, is_hidden: true, is_named_by_us: false };
    (Session::new(SessionSettings::new(name("ctl@h"), 9, 1), peer, NOW), other)
}

/// Moves bytes between both until neither has any; what each has its driver do.
fn talk(one: &mut Session, two: &mut Session) -> [Vec<Output>; 2] {
    let mut others = [Vec::new(), Vec::new()];
    loop {
        let mut is_quiet = true;
        for told in [0, 1] {
            let (from, to) = if told == 0 { (&mut *one, &mut *two) } else { (&mut *two, &mut *one) };
            while let Some(output) = from.poll_output() {
                is_quiet = false;
                match output {
                    Output::Send(bytes) => to.handle_input(NOW, &bytes),
                    other => others[told].push(other),
                }
            }
        }
        if is_quiet {
            return others;
        }
    }
}

#[test]
fn both_ends_understand_each_other() {
    let rows = [
        (Outcome::Return(Term::Integer(1)), Answer::Return(Term::Integer(1))),
        (Outcome::Error(Term::atom("e")), Answer::Error(Term::atom("e"))),
        (Outcome::Undefined, Answer::Error(Term::atom("undef"))),
        (Outcome::Exit(Term::atom("e")), Answer::Exit(Term::atom("e"))),
        (Outcome::Throw(Term::atom("e")), Answer::Throw(Term::atom("e"))),
    ];
    for flags in [flags::OFFERED, Flags(flags::OFFERED.0 & !flags::EXIT_PAYLOAD.0 & !flags::SEND_SENDER.0)] {
        for (outcome, expected) in rows.clone() {
            let (mut caller, mut callee) = pair(flags);
            let id = caller.call(NOW, "m", "f", vec![Term::text("x")]);
            let [_, heard] = talk(&mut caller, &mut callee);
            let [Output::Call(call)] = heard.as_slice() else { panic!("{heard:?}") };
            assert_eq!(call.arguments, [Term::text("x")]);
            callee.print(NOW, call.id, "tmpü\n");
            callee.finish(NOW, call.id, outcome);
            let [heard, _] = talk(&mut caller, &mut callee);
            let text = Output::Text { id, text: "tmpü\n".into() };
            assert_eq!(heard, [text, Output::Answer { id, answer: expected }]);
        }
    }
}

#[test]
fn nodes_without_erpc_are_called_through_rex() {
    let (mut caller, mut callee) = pair(Flags(flags::OFFERED.0 & !flags::SPAWN.0));
    let exit = tuple([Term::atom("EXIT"), Term::atom("e")]);
    let rows = [
        (Outcome::Return(Term::Integer(1)), Answer::Return(Term::Integer(1))),
        (Outcome::Exit(Term::atom("e")), Answer::Error(exit)),
    ];
    for (outcome, answer) in rows {
        let id = caller.call(NOW, "m", "f", vec![]);
        let [_, heard] = talk(&mut caller, &mut callee);
        let [Output::Call(call)] = heard.as_slice() else { panic!("{heard:?}") };
        callee.finish(NOW, call.id, outcome);
        assert_eq!(talk(&mut caller, &mut callee)[0], [Output::Answer { id, answer }]);
    }
}

#[test]
fn a_refused_call_and_a_lost_connection_are_answers() {
    let (mut caller, mut callee) = pair(flags::OFFERED);
    callee.settings.calls = 0;
    let id = caller.call(NOW, "m", "f", vec![]);
    let refused = Output::Answer { id, answer: Answer::Error(Term::atom("system_limit")) };
    assert_eq!(talk(&mut caller, &mut callee)[0], [refused]);
    let id = caller.call(NOW, "m", "f", vec![]);
    let forgotten = caller.call(NOW, "m", "f", vec![]);
    caller.forget(forgotten);
    caller.connection_lost();
    let lost = |id| Output::Answer { id, answer: Answer::NoConnection };
    assert_eq!(drain(&mut caller).1, [lost(id)]);
    let late = caller.call(NOW, "m", "f", vec![]);
    assert_eq!(drain(&mut caller).1, [lost(late)]);
}

#[test]
fn a_fault_of_the_peer_ends_everything() {
    let mut session = session(flags::OFFERED);
    let (id, _, _) = start(&mut session, &["monitor"]);
    session.handle_input(NOW, b"\0\0\0\x01q");
    let (_, others) = drain(&mut session);
    let fault = ConnectionError::Message(crate::message::MessageError::Kind(b'q'));
    assert_eq!(others, [Output::Abandoned(id), Output::Closed(fault)]);
    session.handle_input(NOW, b"\0\0\0\x01q");
    session.handle_timeout(NOW * 1000);
    assert_eq!((drain(&mut session).1, session.poll_timeout()), (vec![], None));
}

#[test]
fn a_silent_peer_ends_the_session() {
    let mut session = session(flags::OFFERED);
    while let Some(at) = session.poll_timeout() {
        assert!(at <= NOW + Duration::from_secs(60));
        session.handle_timeout(at);
        let outputs: Vec<_> = std::iter::from_fn(|| session.poll_output()).collect();
        let is_tick = outputs == [Output::Send(vec![0; 4])];
        assert!(is_tick || outputs == [Output::Closed(ConnectionError::Silent)], "{outputs:?}");
    }
}

#[test]
fn what_functions_print_is_understood() {
    let format = |text: &str, values: Vec<Term>| {
        let arguments = Term::list([Term::charlist(text), Term::List(values)]);
        tuple(["put_chars", "unicode", "io_lib", "format"].map(Term::atom).into_iter().chain([arguments]))
    };
    let put = |chars: Term| tuple([Term::atom("put_chars"), Term::atom("unicode"), chars]);
    let requests = |all: Vec<Term>| tuple([Term::atom("requests"), Term::List(all)]);
    let values = vec![Term::text("ü"), Term::atom("X"), Term::Integer(7), Term::byte_list("ü".as_bytes())];
    let rows = [
        (put(Term::text("tmpü")), Some("tmpü")),
        (put(Term::byte_list("ключ".as_bytes())), Some("ключ")),
        (put(Term::charlist("ключ")), Some("ключ")),
        (tuple([Term::atom("put_chars"), Term::charlist("old")]), Some("old")),
        (format("~ts ~p ~3.10b~~ ~s~n", values), Some("ü 'X' 7~ Ã¼\n")),
        (format("~ts ~w", vec![]), Some(" []")),
        (format("~", vec![]), Some("")),
        (requests(vec![put(Term::text("a")), put(Term::text("b"))]), Some("ab")),
        (requests(vec![requests(vec![])]), None),
        (tuple([Term::atom("get_geometry"), Term::atom("columns")]), None),
        (put(Term::atom("a")), None),
        (Term::NIL, None),
    ];
    for (request, text) in rows {
        let (reply, shown) = io::on_request(&request);
        assert_eq!(reply.is_atom("ok"), text.is_some(), "{request}");
        assert_eq!(shown, text.unwrap_or_default(), "{request}");
    }
}
