//! The client's machine with a server that says anything: what the machine writes are whole packets, and it ends or goes on,
//! but never panics.
//!
//! The first byte chooses the version. Each act is a byte, a byte for its number, and the bytes that the server says.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use nightjar_mqtt::client::{Client, Event};
use nightjar_mqtt::frame::Header;
use nightjar_mqtt::{Connect, Delivery, Message, Packet, Properties, QoS, Reason, Session, Text, Version};
use std::sync::Arc;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, mut rest)) = input.split_first() else { return };
    let version = [Version::V3_1, Version::V3_1_1, Version::V5][usize::from(choice % 3)];
    let connect = Connect { keep_alive: 10, ..Connect::new(version, Text::new("c").unwrap()) };
    let (mut client, mut heard, mut now) = (Client::new(0, &connect, Session::new(4)), BytesMut::new(), 0);
    while let Some((&[act, number], tail)) = rest.split_first_chunk::<2>() {
        let length = if act % 4 == 0 { usize::from(number).min(tail.len()) } else { 0 };
        let (said, next) = tail.split_at(length);
        rest = next;
        heard.extend_from_slice(said);
        match act % 4 {
            1 => {
                let qos = QoS::from_u8(number % 3).unwrap_or_default();
                let topic = Text::new("topic/of/it").unwrap();
                let payload = Bytes::from(vec![number; usize::from(number)]);
                let message = Message::new(&topic, qos, false, &Properties::default(), &payload, now);
                let _ = client.publish(now, Delivery::new(Arc::new(message), qos));
            }
            2 => {
                now += u64::from(number) * 1000;
                client.handle_timeout(now);
            }
            3 => {
                client = Client::new(now, &connect, client.finish());
                heard.clear();
            }
            _ => {}
        }
        while let Some(event) = client.handle_input(now, &mut heard) {
            if let Event::Publish(publish) = event {
                assert!(!publish.topic.is_empty());
                client.acknowledge(publish.qos, publish.packet_id, Reason::SUCCESS);
            }
        }
        let mut output = BytesMut::from(&*client.poll_output(now).to_vec());
        while !output.is_empty() {
            let header = Header::read(&output, u32::MAX).unwrap().unwrap();
            let body = header.take_body(&mut output).unwrap();
            Packet::decode(version, header.first, body).unwrap();
        }
        assert!(client.session().outgoing_count() <= 65_535);
    }
});
