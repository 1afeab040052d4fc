use super::*;
use crate::flags::{self, Flags};
use crate::term::{DecodeError, encode, put_term};
use crate::{Pid, Reference};

const OLD: Flags = Flags(0);
const WITH_HEADER: Flags = Flags(flags::OFFERED.0 | flags::DIST_HDR_ATOM_CACHE.0 | flags::FRAGMENTS.0);

fn pid(id: u32) -> Pid {
    Pid { node: "a@b".into(), id, serial: 0, creation: 7 }
}

fn reference() -> Reference {
    Reference { node: "a@b".into(), creation: 7, words: vec![1, 2, 3] }
}

fn small() -> Limits {
    let term = crate::term::Limits { bytes: 1000, nodes: 100, depth: 10 };
    Limits { frame: 1000, open_messages: 2, term }
}

fn reader(flags: Flags) -> MessageReader {
    MessageReader::new(flags, small())
}

/// Every control message with the payload that it has, if any.
fn all() -> Vec<(i64, i64, Control, Option<Term>)> {
    let (from, to) = (pid(1), pid(2));
    let (reason, name) = (Some(Term::atom("why")), Process::Name("net_kernel".into()));
    let spawn = Control::SpawnRequest {
        request: reference(),
        from: from.clone(),
        group_leader: to.clone(),
        module: "erpc".into(),
        function: "execute_call".into(),
        arity: 4,
        options: vec![Term::atom("monitor")],
    };
    let ends = [Process::Pid(pid(1)), name.clone()].map(|from| {
        (21, 28, Control::MonitorExit { from, to: pid(2), reference: reference() }, reason.clone())
    });
    let id = Term::from(u64::MAX);
    let pair = || (from.clone(), to.clone());
    let mut all = vec![
        (1, 1, pair_of(pair(), |from, to| Control::Link { from, to }), None),
        (2, 2, Control::Send { from: None, to: to.clone() }, reason.clone()),
        (3, 24, pair_of(pair(), |from, to| Control::Exit { from, to }), reason.clone()),
        (4, 4, pair_of(pair(), |from, to| Control::Unlink { from, to }), None),
        (5, 5, Control::NodeLink, None),
        (6, 6, Control::RegSend { from: from.clone(), to: "rex".into() }, reason.clone()),
        (7, 7, pair_of(pair(), |from, to| Control::GroupLeader { from, to }), None),
        (8, 26, pair_of(pair(), |from, to| Control::Exit2 { from, to }), reason.clone()),
        (19, 19, Control::Monitor { from: pid(1), to: name.clone(), reference: reference() }, None),
        (20, 20, Control::Demonitor { from: pid(1), to: name, reference: reference() }, None),
        (29, 29, spawn, Some(Term::list([Term::NIL]))),
        (33, 33, Control::AliasSend { from: pid(1), alias: reference() }, reason.clone()),
        (35, 35, Control::UnlinkId { id: id.clone(), from: pid(1), to: pid(2) }, None),
        (36, 36, Control::UnlinkIdAck { id, from: pid(1), to: pid(2) }, None),
    ];
    for result in [Process::Pid(pid(3)), Process::Name("notsup".into())] {
        let reply = Control::SpawnReply { request: reference(), to: pid(1), flags: 2, result };
        all.push((31, 31, reply, None));
    }
    all.extend(ends);
    all
}

fn pair_of((from, to): (Pid, Pid), make: impl FnOnce(Pid, Pid) -> Control) -> Control {
    make(from, to)
}

#[test]
fn every_message_is_read_as_it_was_written() {
    for (older, newer, control, payload) in all() {
        for flags in [OLD, flags::OFFERED, WITH_HEADER] {
            let bytes = write(flags, &control, payload.as_ref());
            assert_eq!(bytes[..4], u32::try_from(bytes.len() - 4).unwrap().to_be_bytes());
            let operation = if flags == OLD { older } else { newer };
            let place = if flags == WITH_HEADER { 7 } else { 6 };
            assert_eq!(bytes[place..][..4], [104, bytes[place + 1], 97, u8::try_from(operation).unwrap()]);
            let message = Message { control: control.clone(), payload: payload.clone() };
            assert_eq!(reader(flags).read(&bytes[4..]), Ok(Frame::Message(message)), "{control:?}");
        }
    }
}

#[test]
fn the_sender_is_named_where_the_peer_understands_it() {
    let control = Control::Send { from: Some(pid(1)), to: pid(2) };
    for (flags, from) in [(flags::OFFERED, Some(pid(1))), (OLD, None)] {
        let bytes = write(flags, &control, Some(&Term::NIL));
        let read = Message { control: Control::Send { from, to: pid(2) }, payload: Some(Term::NIL) };
        assert_eq!(reader(flags).read(&bytes[4..]), Ok(Frame::Message(read)));
    }
}

/// A frame without header: control tuple and payload.
fn pass_through(terms: &[Term]) -> Vec<u8> {
    std::iter::once(b'p').chain(terms.iter().flat_map(encode)).collect()
}

#[test]
fn trace_tokens_are_passed_over() {
    let (from, to): (Term, Term) = (pid(1).into(), pid(2).into());
    let (token, why) = (Term::tuple([Term::Integer(1)]), Term::atom("why"));
    let name = Term::atom("rex");
    let reference: Term = reference().into();
    let entry = Term::tuple([Term::atom("m"), Term::atom("f"), Term::Integer(0)]);
    let op = Term::Integer;
    let rows = [
        (vec![op(12), Term::atom(""), to.clone(), token.clone()], true),
        (vec![op(13), from.clone(), to.clone(), token.clone(), why.clone()], false),
        (vec![op(16), from.clone(), Term::atom(""), name, token.clone()], true),
        (vec![op(18), from.clone(), to.clone(), token.clone(), why.clone()], false),
        (vec![op(23), from.clone(), to.clone(), token.clone()], true),
        (vec![op(25), from.clone(), to.clone(), token.clone()], true),
        (vec![op(27), from.clone(), to.clone(), token.clone()], true),
        (vec![op(30), reference.clone(), from.clone(), to, entry, Term::NIL, token.clone()], true),
        (vec![op(32), reference.clone(), from.clone(), op(0), Term::atom("x"), token.clone()], false),
        (vec![op(34), from, reference, token], true),
    ];
    for (fields, has_payload) in rows {
        let control = Term::Tuple(fields);
        let mut terms = vec![control.clone()];
        terms.extend(has_payload.then(|| why.clone()));
        let Ok(Frame::Message(message)) = reader(OLD).read(&pass_through(&terms)) else {
            panic!("{control}")
        };
        assert_eq!(message.payload.is_some(), message.control.has_payload(), "{control}");
    }
}

#[test]
fn what_nobody_here_knows_is_passed_over() {
    let unknown = [
        Term::tuple([Term::Integer(99), Term::NIL]),
        Term::tuple([Term::Integer(1), Term::atom("no pid"), Term::NIL]),
        Term::tuple([Term::Integer(1)]),
        Term::tuple([]),
        Term::atom("link"),
    ];
    for control in unknown {
        for terms in [vec![control.clone()], vec![control.clone(), Term::text("payload")]] {
            let read = reader(OLD).read(&pass_through(&terms));
            assert_eq!(read, Ok(Frame::Unknown(control.clone())));
        }
    }
    assert_eq!(reader(OLD).read(b""), Ok(Frame::Nothing), "a tick");
}

/// Hostile row 98: frames of the wrong kind, length or content.
#[test]
fn malformed_frames_are_refused() {
    use MessageError as Error;
    let link = Term::tuple([Term::Integer(1), pid(1).into(), pid(2).into()]);
    let send = Term::tuple([Term::Integer(2), Term::atom(""), pid(2).into()]);
    let long = Term::Binary(vec![0; 2000]);
    let rows: Vec<(&str, Flags, Vec<u8>, Error)> = vec![
        ("an unknown kind", OLD, b"q".to_vec(), Error::Kind(b'q')),
        ("a header not agreed on", OLD, vec![131, 68, 0, 106], Error::Kind(68)),
        ("fragments not agreed on", OLD, vec![131, 69], Error::Kind(69)),
        ("an unknown header", WITH_HEADER, vec![131, 71], Error::Kind(71)),
        ("no term", OLD, b"p".to_vec(), Error::Term(DecodeError::Truncated)),
        ("no payload", OLD, pass_through(std::slice::from_ref(&send)), Error::Term(DecodeError::Truncated)),
        ("two terms too many", OLD, pass_through(&[link, Term::NIL]), Error::Term(DecodeError::Trailing)),
        ("a long payload", OLD, pass_through(&[send, long]), Error::Term(DecodeError::TooLong)),
        ("a header cut short", WITH_HEADER, vec![131, 68], Error::Truncated),
        ("a header without flags", WITH_HEADER, vec![131, 68, 255, 0], Error::Truncated),
        ("an atom cut short", WITH_HEADER, vec![131, 68, 1, 0x08, 0, 9, b'a'], Error::Truncated),
        ("an atom of no text", WITH_HEADER, vec![131, 68, 1, 0x08, 0, 1, 255], Error::Atom),
        ("an atom never sent", WITH_HEADER, vec![131, 68, 1, 0x00, 0], Error::UnknownAtom),
        (
            "an atom without header",
            WITH_HEADER,
            vec![131, 68, 0, 82, 0],
            Error::Term(DecodeError::UnknownAtom),
        ),
        ("a fragment cut short", WITH_HEADER, vec![131, 70, 0, 0], Error::Truncated),
    ];
    for (name, flags, frame, error) in rows {
        assert_eq!(reader(flags).read(&frame), Err(error), "{name}");
    }
}

/// REG_SEND by pid(1) of `hello` to an atom of the cache.
fn cached_reg_send(reference: u8) -> Vec<u8> {
    let mut terms = vec![104, 4, 97, 6];
    put_term(&mut terms, &pid(1).into());
    terms.extend([119, 0, 82, reference]);
    put_term(&mut terms, &Term::atom("hello"));
    terms
}

fn reg_send(to: &str) -> Result<Frame, MessageError> {
    let control = Control::RegSend { from: pid(1), to: to.into() };
    Ok(Frame::Message(Message { control, payload: Some(Term::atom("hello")) }))
}

#[test]
fn the_cache_keeps_atoms_for_later_messages() {
    let mut reader = reader(WITH_HEADER);
    // Two new atoms: "rex" at 5 of segment 3, "x" at 5 of segment 7.
    let header = b"\x83\x44\x02\xfb\x00\x05\x03rex\x05\x01x";
    assert_eq!(reader.read(&[&header[..], &cached_reg_send(0)].concat()), reg_send("rex"));
    // Now by reference, the other way round, with the flag of long atoms.
    let header = b"\x83\x44\x02\x37\x01\x05\x05";
    assert_eq!(reader.read(&[&header[..], &cached_reg_send(1)].concat()), reg_send("rex"));
    assert_eq!(reader.read(&[&header[..], &cached_reg_send(0)].concat()), reg_send("x"));
    // An entry is written anew, its length in two bytes.
    let header = b"\x83\x44\x01\x1b\x05\x00\x03new";
    assert_eq!(reader.read(&[&header[..], &cached_reg_send(0)].concat()), reg_send("new"));
    let header = b"\x83\x44\x01\x03\x05";
    assert_eq!(reader.read(&[&header[..], &cached_reg_send(0)].concat()), reg_send("new"));
}

#[test]
fn a_message_may_name_255_atoms() {
    let mut header = vec![131, 68, 255];
    header.extend([0x88; 127]);
    header.push(0x08);
    (0..255_u8).for_each(|index| header.extend([index, 1, b'a' + index % 26]));
    let mut reader = reader(WITH_HEADER);
    assert_eq!(reader.read(&[&header[..], &cached_reg_send(254)].concat()), reg_send("u"));
}

fn fragment(kind: u8, sequence: u64, number: u64, rest: &[u8]) -> Vec<u8> {
    [&[131, kind][..], &sequence.to_be_bytes(), &number.to_be_bytes(), rest].concat()
}

#[test]
fn fragments_of_several_messages_alternate() {
    let mut reader = reader(WITH_HEADER);
    let terms = cached_reg_send(0);
    let first = |sequence, name: u8, number| {
        fragment(69, sequence, number, &[&[1, 0x08, name, 1, name][..], &terms[..10]].concat())
    };
    assert_eq!(reader.read(&first(1, b'x', 3)), Ok(Frame::Nothing));
    assert_eq!(reader.read(&first(2, b'y', 2)), Ok(Frame::Nothing));
    assert_eq!(reader.read(&fragment(70, 1, 2, &terms[10..15])), Ok(Frame::Nothing));
    assert_eq!(reader.read(&fragment(70, 2, 1, &terms[10..])), reg_send("y"));
    assert_eq!(reader.read(&fragment(70, 1, 1, &terms[15..])), reg_send("x"));
    let whole = fragment(69, 1, 1, &[&[1, 0x00, b'x'][..], &terms].concat());
    assert_eq!(reader.read(&whole), reg_send("x"), "a message of one fragment, by a number used before");
}

/// Hostile row 98: fragments out of order, without end, or too many.
#[test]
fn fragments_are_bounded() {
    let start = |sequence, number, bytes: usize| {
        fragment(69, sequence, number, &[&[0][..], &vec![106; bytes]].concat())
    };
    let rows: Vec<(&str, Vec<Vec<u8>>, MessageError)> = vec![
        ("no beginning", vec![fragment(70, 1, 1, b"")], MessageError::Fragment),
        ("number 0", vec![start(1, 0, 1)], MessageError::Fragment),
        ("number 0 later", vec![start(1, 2, 1), fragment(70, 1, 0, b"")], MessageError::Fragment),
        ("a gap", vec![start(1, 5, 1), fragment(70, 1, 3, b"")], MessageError::Fragment),
        ("twice", vec![start(1, 5, 1), fragment(70, 1, 5, b"")], MessageError::Fragment),
        ("begun twice", vec![start(1, 5, 1), start(1, 5, 1)], MessageError::Fragment),
        ("too many", vec![start(1, 5, 1), start(2, 5, 1), start(3, 5, 1)], MessageError::TooLong),
        ("too long", vec![start(1, 9, 600), start(2, 9, 401)], MessageError::TooLong),
        ("too long later", vec![start(1, 9, 600), fragment(70, 1, 8, &[0; 401])], MessageError::TooLong),
    ];
    for (name, frames, error) in rows {
        let mut reader = reader(WITH_HEADER);
        let last = frames.iter().map(|frame| reader.read(frame)).last();
        assert_eq!(last, Some(Err(error)), "{name}");
    }
    // What is done does not count any more.
    let mut reader = reader(WITH_HEADER);
    for sequence in 0..10 {
        assert_eq!(reader.read(&start(sequence, 2, 900)), Ok(Frame::Nothing));
        let end = reader.read(&fragment(70, sequence, 1, &[0]));
        assert_eq!(end, Err(MessageError::Term(DecodeError::Trailing)));
    }
}

#[test]
fn atoms_keep_their_meaning_within_closures() {
    let fun = [&b"\x70\0\0\0\x20"[..], &[0; 25], b"\x52\x00\x61\x01\x61\x02\x61\x03"].concat();
    let mut fun = fun;
    fun[4] = u8::try_from(fun.len() - 1).unwrap();
    let mut terms = vec![104, 4, 97, 6];
    put_term(&mut terms, &pid(1).into());
    terms.extend([119, 0, 82, 0]);
    let frame = [&b"\x83\x44\x01\x08\x05\x03rex"[..], &terms, &fun].concat();
    let Ok(Frame::Message(message)) = reader(WITH_HEADER).read(&frame) else { panic!("refused") };
    let Some(Term::Fun(bytes)) = message.payload else { panic!("no fun") };
    let written = [&[131][..], &bytes].concat();
    assert!(written.windows(5).any(|part| part == b"\x77\x03rex"));
    assert_eq!(Term::decode(&written, &small().term), Ok(Term::Fun(bytes)));
}
