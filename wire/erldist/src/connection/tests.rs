use super::*;
use crate::flags;
use crate::message::Process;
use crate::{Pid, Reference};

const TICK_TIME: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn connection() -> Connection {
    let limits = Limits { frame: 1000, ..Limits::default() };
    Connection::new(flags::OFFERED, limits, TICK_TIME, Duration::ZERO)
}

fn monitor() -> Control {
    let node: crate::Atom = "a@b".into();
    let from = Pid { node: node.clone(), id: 1, serial: 2, creation: 3 };
    let reference = Reference { node, creation: 3, words: vec![1, 2, 3] };
    Control::Monitor { from, to: Process::Name("net_kernel".into()), reference }
}

fn frame() -> Vec<u8> {
    write(flags::OFFERED, &monitor(), None)
}

#[test]
fn messages_come_at_any_pace() {
    let bytes = [&TICK[..], &frame(), &TICK, &frame()].concat();
    for size in [1, 5, 1000] {
        let mut connection = connection();
        let mut read = 0;
        for piece in bytes.chunks(size) {
            connection.handle_input(SECOND, piece);
            while let Some(message) = connection.poll_message().unwrap() {
                assert_eq!(message, Message { control: monitor(), payload: None });
                read += 1;
            }
        }
        assert_eq!(read, 2, "{size} bytes at once");
        assert!(connection.received.len() - connection.taken == 0);
    }
}

#[test]
fn frames_are_bounded() {
    let mut connection = connection();
    connection.handle_input(SECOND, &1001_u32.to_be_bytes());
    assert_eq!(connection.poll_message(), Err(MessageError::TooLong.into()));
}

#[test]
fn a_node_with_nothing_to_say_ticks() {
    let mut connection = connection();
    for round in 1..10 {
        let now = SECOND * 15 * round;
        assert_eq!(connection.poll_timeout(), now);
        connection.handle_timeout(now - Duration::from_nanos(1)).unwrap();
        assert_eq!(connection.poll_output(now), None);
        connection.handle_timeout(now).unwrap();
        assert_eq!(connection.poll_output(now), Some(TICK.to_vec()));
        connection.handle_input(now, &TICK);
    }
}

#[test]
fn what_is_sent_anyway_is_no_tick() {
    let mut connection = connection();
    connection.send(&monitor(), None);
    assert_eq!(connection.poll_output(SECOND * 10), Some(frame()));
    connection.handle_timeout(SECOND * 15).unwrap();
    assert_eq!(connection.poll_output(SECOND * 15), None);
    assert_eq!(connection.poll_timeout(), SECOND * 25);
}

#[test]
fn a_silent_node_is_given_up() {
    let mut connection = connection();
    connection.handle_input(SECOND, &TICK);
    for second in 1..61 {
        assert_eq!(connection.handle_timeout(SECOND * second), Ok(()), "after {second} s");
        connection.poll_output(SECOND * second);
    }
    assert_eq!(connection.handle_timeout(SECOND * 61), Err(ConnectionError::Silent));
}

#[test]
fn what_waits_to_be_sent_needs_no_tick() {
    let mut connection = connection();
    connection.send(&monitor(), None);
    connection.handle_timeout(SECOND * 15).unwrap();
    assert_eq!(connection.poll_output(SECOND * 15), Some(frame()));
}
