use super::*;

#[test]
fn the_last_frame_says_why() {
    let fault = |reason| Some(Closed::ByFault(nightjar_mqtt::Error { reason, detail: "why" }));
    let table = [
        (None, Code::NORMAL),
        (Some(Closed::ByClient(Reason::SUCCESS)), Code::NORMAL),
        (Some(Closed::ByBroker(Reason::SESSION_TAKEN_OVER)), Code::NORMAL),
        (Some(Closed::ByBroker(Reason::SERVER_SHUTTING_DOWN)), Code::GOING_AWAY),
        (fault(Reason::PACKET_TOO_LARGE), Code::TOO_LARGE),
        (fault(Reason::MALFORMED_PACKET), Code::POLICY_VIOLATION),
    ];
    for (closed, code) in table {
        assert_eq!(close_code(closed).0, code, "{closed:?}");
    }
}
