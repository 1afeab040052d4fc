//! Carrying out orders: who gets what.

use std::sync::Arc;

use nightjar_auth::Page;
use nightjar_base::host::Host;
use nightjar_base::{Kernel, Session};
use nightjar_jid::Jid;
use nightjar_store::StoreError;
use nightjar_text::Text;
use nightjar_xmpp::{MessageType, Stanza, ns, write};

use super::Announce;
use super::action::{Action, Order};

/// Accounts listed at once.
const PAGE: u32 = 1_000;

/// Why an announcement didn't reach everybody.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server is going down.
    Gone,
    /// The message of the day could not be read or written.
    Store(StoreError),
    /// The accounts could not be listed.
    Accounts(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Gone => formatter.write_str("the server is stopping"),
            Failure::Store(error) => write!(formatter, "{error}"),
            Failure::Accounts(error) => formatter.write_str(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

/// A headline with this subject and body.
pub(super) fn message(subject: &str, body: &str) -> Stanza {
    let mut message = Stanza::message(MessageType::Headline);
    for (name, text) in [("subject", subject), ("body", body)] {
        if !text.is_empty() {
            let mut xml = String::new();
            write::text_element(&mut xml, name, text);
            message.append(Text::from(xml));
        }
    }
    message
}

/// Subject and body of a message, empty where it has none.
pub(super) fn texts(message: &Stanza) -> (String, String) {
    let text = |name| message.child(name, ns::CLIENT).map(|child| child.text().into_owned());
    (text("subject").unwrap_or_default(), text("body").unwrap_or_default())
}

impl Announce {
    /// Does what was ordered. Permission is the caller's business.
    pub(super) async fn perform(&self, order: Order, message: &Stanza) -> Result<(), Failure> {
        let (kernel, host) = self.server()?;
        let hosts = if order.all_hosts { kernel.hosts() } else { vec![Arc::clone(&host)] };
        for target in hosts {
            match order.action {
                Action::All => send_all(&kernel, &host.jid, &target, message).await?,
                Action::Online => send_online(&kernel, &host.jid, &target, message).await,
                Action::Motd | Action::MotdUpdate | Action::MotdDelete => {
                    // A host without the module would never show it.
                    let Some(announce) = target.get::<Announce>() else { continue };
                    announce.change_motd(&kernel, &target, order.action, message).await?;
                }
            }
        }
        Ok(())
    }

    async fn change_motd(
        &self,
        kernel: &Arc<Kernel>,
        host: &Arc<Host>,
        action: Action,
        message: &Stanza,
    ) -> Result<(), Failure> {
        if action == Action::MotdDelete {
            return Ok(self.motd.delete(&host.store).await?);
        }
        self.motd.set(&host.store, message).await?;
        if action == Action::Motd {
            let mut users: Vec<_> = kernel.sessions.of_host(&host.name).iter().filter_map(user_of).collect();
            users.sort();
            users.dedup();
            self.motd.mark_all(&host.store, &users).await?;
            send_online(kernel, &host.jid, host, message).await;
        }
        Ok(())
    }

    /// Sends the message of the day to a client whose account hasn't got it.
    pub(super) async fn greet(&self, session: &Arc<Session>) -> Result<(), Failure> {
        let (kernel, host) = self.server()?;
        let user = session.jid.local().unwrap_or_default();
        let Some(message) = self.motd.get(&host.store, kernel.clock.monotonic()).await? else {
            return Ok(());
        };
        if self.motd.claim(&host.store, user).await? {
            kernel.route_boxed(message.with_from(&host.jid).with_to(&session.jid)).await;
        }
        Ok(())
    }

    /// Subject and body of the message of the day, empty where there is none.
    pub(super) async fn motd_texts(&self) -> Result<(String, String), Failure> {
        let (kernel, host) = self.server()?;
        let message = self.motd.get(&host.store, kernel.clock.monotonic()).await?;
        Ok(message.as_ref().map(texts).unwrap_or_default())
    }

    fn server(&self) -> Result<(Arc<Kernel>, Arc<Host>), Failure> {
        self.kernel.upgrade().zip(self.host.upgrade()).ok_or(Failure::Gone)
    }
}

fn user_of(session: &Arc<Session>) -> Option<Text> {
    session.jid.local().map(Text::new)
}

async fn send_online(kernel: &Arc<Kernel>, from: &Jid, target: &Arc<Host>, message: &Stanza) {
    for session in kernel.sessions.of_host(&target.name) {
        kernel.route_boxed(message.clone().with_from(from).with_to(&session.jid)).await;
    }
}

async fn send_all(
    kernel: &Arc<Kernel>,
    from: &Jid,
    target: &Arc<Host>,
    message: &Stanza,
) -> Result<(), Failure> {
    // Whoever is away shall find it, whatever its type.
    let message = message.clone().with_from(from).with_child(format!("<store xmlns='{}'/>", ns::HINTS));
    let mut page = Page::first(PAGE);
    loop {
        let listed = target.accounts.list(&page).await;
        let users = listed.map_err(|error| Failure::Accounts(error.to_string()))?;
        for user in &users {
            if let Ok(account) = target.account(user) {
                kernel.route_boxed(message.clone().with_to(&account)).await;
            }
        }
        match users.last() {
            Some(last) if users.len() >= PAGE as usize => page.after = last.clone(),
            _ => return Ok(()),
        }
    }
}
