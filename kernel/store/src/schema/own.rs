//! Tables that ejabberd doesn't have. Their names say so, and their versions are ours.

use super::{ColumnType::*, Module, Table, column, index, unique};

/// What belongs to sessions of MQTT has no text: batches without a text keep their order among themselves, and bytes
/// are as long as they are everywhere.
pub(super) const OWN: &[Module] = &[Module {
    name: "nightjar_mqtt",
    version: 1,
    tables: &[
        Table {
            name: "nightjar_mqtt_session",
            columns: &[
                column("id", BigInt),
                column("server_host", Text),
                column("username", Blob),
                column("client_id", Blob),
                column("expiry", BigInt),
                column("expires_at", BigInt),
                column("will_topic", Blob),
                column("will_payload", BigBlob),
                column("will_properties", BigBlob),
                column("will_flags", SmallInt),
                column("will_at", BigInt),
            ],
            keys: &[unique(&["id", "server_host"])],
        },
        Table {
            name: "nightjar_mqtt_subscription",
            columns: &[
                column("session", BigInt),
                column("server_host", Text),
                column("topic_filter", BigBlob),
                column("options", SmallInt),
                column("identifier", BigInt),
            ],
            keys: &[index(&["session", "server_host"])],
        },
        Table {
            name: "nightjar_mqtt_message",
            columns: &[
                column("id", BigInt),
                column("server_host", Text),
                column("topic", BigBlob),
                column("payload", BigBlob),
                column("properties", BigBlob),
                column("flags", SmallInt),
                column("expires_at", BigInt),
            ],
            keys: &[unique(&["id", "server_host"])],
        },
        Table {
            name: "nightjar_mqtt_delivery",
            columns: &[
                column("id", BigInt),
                column("server_host", Text),
                column("session", BigInt),
                column("message", BigInt),
                column("flags", SmallInt),
                column("identifiers", Blob),
                column("sequence", BigInt),
            ],
            keys: &[unique(&["id", "server_host"]), index(&["session", "server_host"])],
        },
        Table {
            name: "nightjar_mqtt_received",
            columns: &[column("session", BigInt), column("server_host", Text), column("packet_id", Integer)],
            keys: &[unique(&["session", "packet_id", "server_host"])],
        },
    ],
}];
