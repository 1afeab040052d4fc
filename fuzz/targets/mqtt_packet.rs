//! Packets of all versions and of both sides: whatever can be read can be written, and is the same when it is read again.
//!
//! The first byte chooses the version; the rest is a stream of packets.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nightjar_mqtt::frame::Header;
use nightjar_mqtt::{Message, Packet, Version, topic};

fuzz_target!(|input: &[u8]| {
    let Some((&choice, stream)) = input.split_first() else { return };
    let version = [Version::V3_1, Version::V3_1_1, Version::V5][usize::from(choice % 3)];
    let mut rest = BytesMut::from(stream);
    while let Ok(Some(header)) = Header::read(&rest, 65_536) {
        let Some(body) = header.take_body(&mut rest) else { return };
        let Ok(packet) = Packet::decode(version, header.first, body) else { continue };
        let mut written = Vec::new();
        packet.encode(version, &mut written);
        let mut again = BytesMut::from(&*written);
        let header = Header::read(&again, u32::MAX).unwrap().unwrap();
        let body = header.take_body(&mut again).unwrap();
        let read = Packet::decode(version, header.first, body).unwrap();
        assert!(again.is_empty());
        // A CONNECT of MQTT 3.1 may announce strings that it doesn't have, and names its own version.
        assert_eq!(read, packet);
        match packet {
            Packet::Publish(publish) => {
                let message = Message::from_publish(&publish, 0);
                assert_eq!(message.topic(), publish.topic.as_bytes());
                assert_eq!(message.payload(), &publish.payload);
                assert!(topic::matches(b"#", message.topic()) || message.topic().starts_with(b"$"));
            }
            Packet::Subscribe(subscribe) => {
                for filter in subscribe.filters {
                    let filter = filter.filter.as_bytes();
                    if topic::check_filter(filter, &topic::Limits::default()).is_ok()
                        && !topic::is_shared(filter)
                    {
                        assert!(
                            !filter.contains(&b'+')
                                || topic::check_name(filter, &topic::Limits::default()).is_err()
                        );
                    }
                }
            }
            _ => {}
        }
    }
});
