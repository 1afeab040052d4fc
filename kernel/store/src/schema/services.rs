//! Tables of services: rooms, publish-subscribe, MQTT, shared session state and the rest.

use super::{ColumnType::*, Module, Table, column, index, unique};

pub(super) const SERVICES: &[Module] = &[
    Module {
        name: "ejabberd_oauth_sql",
        version: 1,
        tables: &[
            Table {
                name: "oauth_token",
                columns: &[
                    column("token", Text),
                    column("jid", Text),
                    column("scope", Text),
                    column("expire", BigInt),
                ],
                keys: &[unique(&["token"])],
            },
            Table {
                name: "oauth_client",
                columns: &[
                    column("client_id", Text),
                    column("client_name", Text),
                    column("grant_type", Text),
                    column("options", Text),
                ],
                keys: &[unique(&["client_id"])],
            },
        ],
    },
    Module {
        name: "ejabberd_router_sql",
        version: 1,
        tables: &[Table {
            name: "route",
            columns: &[
                column("domain", Text),
                column("server_host", Text),
                column("node", Text),
                column("pid", Text),
                column("local_hint", Text),
            ],
            keys: &[unique(&["domain", "server_host", "node", "pid"])],
        }],
    },
    Module {
        name: "ejabberd_sm_sql",
        version: 1,
        tables: &[Table {
            name: "sm",
            columns: &[
                column("usec", BigInt),
                column("pid", Text),
                column("node", Text),
                column("username", Text),
                column("server_host", Text),
                column("resource", Text),
                column("priority", Text),
                column("info", Text),
            ],
            keys: &[unique(&["usec", "pid"]), index(&["node"]), index(&["server_host", "username"])],
        }],
    },
    Module {
        name: "mod_bosh_sql",
        version: 1,
        tables: &[Table {
            name: "bosh",
            columns: &[column("sid", Text), column("node", Text), column("pid", Text)],
            keys: &[unique(&["sid"])],
        }],
    },
    Module {
        name: "mod_invites_sql",
        version: 3,
        tables: &[Table {
            name: "invite_token",
            columns: &[
                column("token", Text),
                column("username", Text),
                column("server_host", Text),
                column("invitee", Text).with_default(),
                column("created_at", Timestamp).with_default(),
                column("expires", Timestamp).with_default(),
                column("type", Char),
                column("account_name", Text),
            ],
            keys: &[
                unique(&["token"]),
                index(&["username", "server_host"]),
                index(&["type"]),
                index(&["account_name"]),
                index(&["invitee"]),
            ],
        }],
    },
    Module {
        name: "mod_mix_pam_sql",
        version: 1,
        tables: &[Table {
            name: "mix_pam",
            columns: &[
                column("username", Text),
                column("server_host", Text),
                column("channel", Text),
                column("service", Text),
                column("id", Text),
                column("created_at", Timestamp).with_default(),
            ],
            keys: &[unique(&["username", "server_host", "channel", "service"])],
        }],
    },
    Module {
        name: "mod_mix_sql",
        version: 1,
        tables: &[
            Table {
                name: "mix_channel",
                columns: &[
                    column("channel", Text),
                    column("service", Text),
                    column("username", Text),
                    column("domain", Text),
                    column("jid", Text),
                    column("hidden", Boolean),
                    column("hmac_key", Text),
                    column("created_at", Timestamp).with_default(),
                ],
                keys: &[unique(&["channel", "service"]), index(&["service"])],
            },
            Table {
                name: "mix_participant",
                columns: &[
                    column("channel", Text),
                    column("service", Text),
                    column("username", Text),
                    column("domain", Text),
                    column("jid", Text),
                    column("id", Text),
                    column("nick", Text),
                    column("created_at", Timestamp).with_default(),
                ],
                keys: &[unique(&["channel", "service", "username", "domain"])],
            },
            Table {
                name: "mix_subscription",
                columns: &[
                    column("channel", Text),
                    column("service", ShortText(75)),
                    column("username", Text),
                    column("domain", ShortText(75)),
                    column("node", Text),
                    column("jid", Text),
                ],
                keys: &[
                    unique(&["channel", "service", "username", "domain", "node"]),
                    index(&["channel", "service", "node"]),
                ],
            },
        ],
    },
    Module {
        name: "mod_mqtt_sql",
        version: 1,
        tables: &[Table {
            name: "mqtt_pub",
            columns: &[
                column("username", Text),
                column("server_host", Text),
                column("resource", Text),
                column("topic", Text),
                column("qos", SmallInt),
                column("payload", Blob),
                column("payload_format", SmallInt),
                column("content_type", Text),
                column("response_topic", Text),
                column("correlation_data", Blob),
                column("user_properties", Blob),
                column("expiry", BigInt),
            ],
            keys: &[unique(&["topic", "server_host"])],
        }],
    },
    Module {
        name: "mod_muc_sql",
        version: 1,
        tables: &[
            Table {
                name: "muc_room",
                columns: &[
                    column("name", Text),
                    column("host", Text),
                    column("server_host", Text),
                    column("opts", BigText),
                    column("created_at", Timestamp).with_default(),
                ],
                keys: &[unique(&["name", "host"]), index(&["host", "created_at"])],
            },
            Table {
                name: "muc_registered",
                columns: &[
                    column("jid", Text),
                    column("host", Text),
                    column("server_host", Text),
                    column("nick", Text),
                    column("created_at", Timestamp).with_default(),
                ],
                keys: &[unique(&["jid", "host"]), index(&["nick"])],
            },
            Table {
                name: "muc_online_room",
                columns: &[
                    column("name", Text),
                    column("host", Text),
                    column("server_host", Text),
                    column("node", Text),
                    column("pid", Text),
                ],
                keys: &[unique(&["name", "host"])],
            },
            Table {
                name: "muc_online_users",
                columns: &[
                    column("username", Text),
                    column("server", ShortText(75)),
                    column("resource", Text),
                    column("name", Text),
                    column("host", ShortText(75)),
                    column("server_host", Text),
                    column("node", Text),
                ],
                keys: &[unique(&["username", "server", "resource", "name", "host"])],
            },
            Table {
                name: "muc_room_subscribers",
                columns: &[
                    column("room", Text),
                    column("host", Text),
                    column("jid", Text),
                    column("nick", Text),
                    column("nodes", Text),
                    column("created_at", Timestamp).with_default(),
                ],
                keys: &[unique(&["host", "room", "jid"]), index(&["host", "jid"]), index(&["jid"])],
            },
        ],
    },
    Module {
        name: "mod_proxy65_sql",
        version: 1,
        tables: &[Table {
            name: "proxy65",
            columns: &[
                column("sid", Text),
                column("pid_t", Text),
                column("pid_i", Text),
                column("node_t", Text),
                column("node_i", Text),
                column("jid_i", Text),
            ],
            keys: &[unique(&["sid"]), index(&["jid_i"])],
        }],
    },
    Module {
        name: "mod_pubsub_sql",
        version: 1,
        tables: &[
            Table {
                name: "pubsub_node",
                columns: &[
                    column("host", Text),
                    column("node", Text),
                    column("parent", Text).with_default(),
                    column("plugin", Text),
                    column("nodeid", Serial),
                ],
                keys: &[unique(&["nodeid"]), index(&["parent"]), unique(&["host", "node"])],
            },
            Table {
                name: "pubsub_node_option",
                columns: &[
                    column("nodeid", BigInt).references("pubsub_node", "nodeid"),
                    column("name", Text),
                    column("val", Text),
                ],
                keys: &[index(&["nodeid"])],
            },
            Table {
                name: "pubsub_node_owner",
                columns: &[
                    column("nodeid", BigInt).references("pubsub_node", "nodeid"),
                    column("owner", Text),
                ],
                keys: &[index(&["nodeid"])],
            },
            Table {
                name: "pubsub_state",
                columns: &[
                    column("nodeid", BigInt).references("pubsub_node", "nodeid"),
                    column("jid", Text),
                    column("affiliation", Char),
                    column("subscriptions", Text).with_default(),
                    column("stateid", Serial),
                ],
                keys: &[unique(&["stateid"]), index(&["jid"]), unique(&["nodeid", "jid"])],
            },
            Table {
                name: "pubsub_item",
                columns: &[
                    column("nodeid", BigInt).references("pubsub_node", "nodeid"),
                    column("itemid", Text),
                    column("publisher", Text),
                    column("creation", ShortText(32)),
                    column("modification", ShortText(32)),
                    column("payload", BigText).with_default(),
                ],
                keys: &[unique(&["nodeid", "itemid"]), index(&["itemid"])],
            },
            Table {
                name: "pubsub_subscription_opt",
                columns: &[
                    column("subid", Text),
                    column("opt_name", ShortText(32)),
                    column("opt_value", Text),
                ],
                keys: &[unique(&["subid", "opt_name"])],
            },
        ],
    },
    Module {
        name: "mod_push_sql",
        version: 1,
        tables: &[Table {
            name: "push_session",
            columns: &[
                column("username", Text),
                column("server_host", Text),
                column("timestamp", BigInt),
                column("service", Text),
                column("node", Text),
                column("xml", Text),
            ],
            keys: &[
                unique(&["server_host", "username", "timestamp"]),
                unique(&["server_host", "username", "service", "node"]),
            ],
        }],
    },
];
