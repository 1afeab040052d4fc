//! Which work is measured, in which order.

use super::{Kind, Setup, server::Server};
use crate::{
    report::Report,
    run,
    target::{Mechanism, Tls},
    work::{api, chat, idle, login, mqtt, page, register, store, turn},
};
use anyhow::Result;

/// How much of each work; see the options of `compare`.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub seconds: f64,
    pub sessions: usize,
    pub settle: f64,
    pub pairs: usize,
    /// Accounts that exist at least, in the set-up without an archive
    pub accounts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Idle { tls: Tls },
    Login { mechanism: Mechanism, tls: Tls },
    Chat { window: usize, tls: Tls },
    Store { window: usize },
    Page,
    Api { login: bool },
    Packets { clients: usize, window: usize },
    Allocations,
    MqttIdle { tls: Tls, filters: usize },
    MqttConnects { tls: Tls },
    MqttMessages { pairs: usize, qos: u8, window: usize },
    MqttFanOut { subscribers: usize, window: usize },
}

/// The archives that are read in pages are of a known size, so they are others than those of the chat.
const FIRST_READER: usize = 1000;
const READERS: usize = 8;
const LOGIN_ACCOUNTS: usize = 50;

const CHAT: &[Work] = &[
    // First, each on a fresh server: memory that earlier work left behind would hide what sessions need.
    Work::Idle { tls: Tls::None },
    Work::Idle { tls: Tls::Direct },
    Work::Login { mechanism: Mechanism::Plain, tls: Tls::None },
    Work::Login { mechanism: Mechanism::Plain, tls: Tls::Starttls },
    Work::Login { mechanism: Mechanism::Plain, tls: Tls::Direct },
    Work::Chat { window: 1, tls: Tls::None },
    Work::Chat { window: 16, tls: Tls::None },
    Work::Chat { window: 1, tls: Tls::Direct },
    Work::Chat { window: 16, tls: Tls::Direct },
    Work::Api { login: false },
    Work::Api { login: true },
];

const ARCHIVE: &[Work] = &[
    Work::Login { mechanism: Mechanism::ScramSha1, tls: Tls::None },
    Work::Login { mechanism: Mechanism::ScramSha1, tls: Tls::Direct },
    Work::Store { window: 1 },
    Work::Store { window: 16 },
    Work::Page,
];

/// Few packets on the way make each wake of a server dear; many clients with several each are what a relay has to do with
/// when it's busy.
const TURN: &[Work] = &[
    Work::Packets { clients: FEW, window: 1 },
    Work::Packets { clients: FEW, window: 2 },
    Work::Packets { clients: MANY, window: 4 },
    Work::Packets { clients: MANY, window: 8 },
    Work::Allocations,
];
const FEW: usize = 40;
const MANY: usize = 64;

const MQTT: &[Work] = &[
    Work::MqttIdle { tls: Tls::None, filters: 0 },
    Work::MqttIdle { tls: Tls::None, filters: 1 },
    Work::MqttIdle { tls: Tls::Direct, filters: 0 },
    Work::MqttConnects { tls: Tls::None },
    Work::MqttConnects { tls: Tls::Direct },
    Work::MqttMessages { pairs: 25, qos: 0, window: 1 },
    Work::MqttMessages { pairs: 25, qos: 0, window: 16 },
    Work::MqttMessages { pairs: 25, qos: 1, window: 1 },
    Work::MqttMessages { pairs: 25, qos: 1, window: 16 },
    Work::MqttMessages { pairs: 25, qos: 2, window: 1 },
    Work::MqttMessages { pairs: 25, qos: 2, window: 16 },
    Work::MqttMessages { pairs: 500, qos: 0, window: 1 },
    Work::MqttFanOut { subscribers: 100, window: 1 },
    Work::MqttFanOut { subscribers: 100, window: 16 },
    Work::MqttFanOut { subscribers: 1000, window: 1 },
    Work::MqttFanOut { subscribers: 1000, window: 16 },
];

impl Setup {
    pub fn works(self) -> &'static [Work] {
        match self {
            Self::Chat => CHAT,
            Self::Archive => ARCHIVE,
            Self::Turn => TURN,
            Self::Mqtt => MQTT,
        }
    }

    /// Creates the accounts that its works need.
    pub fn register(self, server: &Server, amount: &Amount) -> Result<()> {
        if matches!(server.place.kind, Kind::Relay | Kind::Echo | Kind::Coturn | Kind::Mosquitto) {
            return Ok(());
        }
        let ranges: &[(usize, usize)] = match self {
            Self::Chat => {
                &[(0, amount.accounts.max(amount.sessions).max(amount.pairs * 2).max(LOGIN_ACCOUNTS))]
            }
            Self::Turn | Self::Mqtt => &[(0, 1)],
            Self::Archive => &[(0, (amount.pairs * 2).max(LOGIN_ACCOUNTS)), (FIRST_READER, READERS)],
        };
        for &(first, accounts) in ranges {
            let target = server.target(Tls::None, None, first);
            run(register::run(&target, &register::Options { accounts, concurrency: 16 }))?;
        }
        Ok(())
    }
}

impl Work {
    pub fn name(self) -> String {
        let over = |tls| match tls {
            Tls::None => "plain TCP",
            Tls::Starttls => "STARTTLS",
            Tls::Direct => "direct TLS",
        };
        match self {
            Self::Idle { tls } => format!("idle session, {}", over(tls)),
            Self::Login { mechanism, tls } => format!("login, {}, {}", mechanism.name(), over(tls)),
            Self::Chat { window, tls } => format!("chat, {window} in flight, {}", over(tls)),
            Self::Store { window } => format!("archived chat, {window} in flight, plain TCP"),
            Self::Page => "archive page of 50, plain TCP".into(),
            Self::Packets { clients, window } => {
                format!("relayed packet of 1,000 bytes, {clients} clients, {window} of each on the way")
            }
            Self::Allocations => "allocation and its end".into(),
            Self::MqttIdle { tls, filters } => {
                format!("idle MQTT session with {filters} subscriptions, {}", over(tls))
            }
            Self::MqttConnects { tls } => format!("MQTT connect and its end, {}", over(tls)),
            Self::MqttMessages { pairs, qos, window } => {
                format!("message, QoS {qos}, {pairs} pairs, {window} in flight")
            }
            Self::MqttFanOut { subscribers, window } => {
                format!("delivery to one of {subscribers} subscribers, {window} in flight")
            }
            Self::Api { login: false } => "API, GET without login".into(),
            Self::Api { login: true } => "API, POST with a password".into(),
        }
    }

    pub fn needs_fresh_server(self) -> bool {
        matches!(self, Self::Idle { .. } | Self::MqttIdle { .. })
    }

    /// A relay speaks no XMPP, and the API is ejabberd's.
    pub fn suits(self, kind: Kind) -> bool {
        match kind {
            Kind::Relay => matches!(self, Self::Chat { tls: Tls::None, .. }),
            // Its set-up has no other work.
            Kind::Mosquitto => true,
            Kind::Echo | Kind::Coturn => matches!(self, Self::Packets { .. } | Self::Allocations),
            Kind::Prosody => !matches!(self, Self::Api { .. } | Self::Packets { .. } | Self::Allocations),
            Kind::Ejabberd | Kind::Nightjar => true,
        }
    }

    pub fn measure(self, server: &Server, amount: &Amount) -> Result<Report> {
        let bare = server.place.kind == Kind::Relay;
        let seconds = amount.seconds;
        let chat = |window, bare| chat::Options {
            pairs: amount.pairs,
            window,
            bytes: 100,
            warm_up: 2.0,
            seconds,
            count: u64::MAX,
            bare,
        };
        match self {
            Self::Idle { tls } => {
                let options =
                    idle::Options { sessions: amount.sessions, concurrency: 8, settle: amount.settle };
                run(idle::run(&server.target(tls, None, 0), &options))
            }
            Self::Login { mechanism, tls } => {
                let options = login::Options {
                    accounts: LOGIN_ACCOUNTS,
                    concurrency: 8,
                    warm_up: 1.0,
                    seconds,
                    count: 20_000,
                };
                run(login::run(&server.target(tls, Some(mechanism), 0), &options))
            }
            Self::Chat { window, tls } => run(chat::run(&server.target(tls, None, 0), &chat(window, bare))),
            Self::Store { window } => {
                run(store::run(&server.target(Tls::None, None, 0), &chat(window, false)))
            }
            Self::Api { login } => {
                let http_port = server.place.port_http;
                let options = api::Options { http_port, login, concurrency: 8, warm_up: 1.0, seconds };
                run(api::run(&server.target(Tls::None, None, 0), &options))
            }
            Self::Packets { clients, window } => {
                turn::packets(&server.turn_target(), &relaying(clients, window, server, seconds))
            }
            Self::Allocations => turn::allocations(&server.turn_target(), &relaying(FEW, 1, server, seconds)),
            Self::MqttIdle { tls, .. } | Self::MqttConnects { tls } => {
                run(mqtt::run(&server.mqtt_target(tls), &self.mqtt(amount)))
            }
            Self::MqttMessages { .. } | Self::MqttFanOut { .. } => {
                run(mqtt::run(&server.mqtt_target(Tls::None), &self.mqtt(amount)))
            }
            Self::Page => {
                let options = page::Options {
                    readers: READERS,
                    fill: 500,
                    page: 50,
                    warm_up: 1.0,
                    seconds,
                    count: u64::MAX,
                };
                run(page::run(&server.target(Tls::None, None, FIRST_READER), &options))
            }
        }
    }

    fn mqtt(self, amount: &Amount) -> mqtt::Options {
        let seconds = amount.seconds;
        let options = |work, clients| mqtt::Options {
            work,
            clients,
            qos: 0,
            window: 1,
            bytes: 100,
            filters: 0,
            warm_up: 1.0,
            seconds,
            count: 10_000,
        };
        match self {
            Self::MqttIdle { filters, .. } => mqtt::Options {
                filters,
                warm_up: amount.settle,
                ..options(mqtt::Work::Idle, amount.sessions)
            },
            Self::MqttMessages { pairs, qos, window } => {
                mqtt::Options { qos, window, ..options(mqtt::Work::Messages, pairs) }
            }
            Self::MqttFanOut { subscribers, window } => {
                mqtt::Options { window, ..options(mqtt::Work::FanOut, subscribers) }
            }
            _ => options(mqtt::Work::Connects, 8),
        }
    }
}

fn relaying(clients: usize, window: usize, server: &Server, seconds: f64) -> turn::Options {
    let bare = server.place.kind == Kind::Echo;
    turn::Options { clients, window, warm_up: 1.0, seconds, bare }
}
