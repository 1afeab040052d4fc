//! What can be announced, and by which address or command it is asked for.

/// What is to be done with an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Send it to every account.
    All,
    /// Send it to every connected client.
    Online,
    /// Make it the message of the day and send it to every connected client.
    Motd,
    /// Make it the message of the day.
    MotdUpdate,
    /// Delete the message of the day.
    MotdDelete,
}

/// What is to be done, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub action: Action,
    /// On all hosts, or on one.
    pub all_hosts: bool,
}

/// An order's names: the resource a message is sent to, the node of its command behind the `#`, its title.
struct Names {
    order: Order,
    resource: &'static str,
    command: &'static str,
    title: &'static str,
}

const fn here(action: Action) -> Order {
    Order { action, all_hosts: false }
}

const fn everywhere(action: Action) -> Order {
    Order { action, all_hosts: true }
}

const fn names(order: Order, resource: &'static str, command: &'static str, title: &'static str) -> Names {
    Names { order, resource, command, title }
}

/// In the order in which commands are listed.
static NAMES: [Names; 10] = [
    names(here(Action::Online), "announce/online", "announce", "Send announcement to all online users"),
    names(here(Action::All), "announce/all", "announce-all", "Send announcement to all users"),
    names(here(Action::Motd), "announce/motd", "set-motd", "Set message of the day and send to online users"),
    names(
        here(Action::MotdUpdate),
        "announce/motd/update",
        "edit-motd",
        "Update message of the day (don't send)",
    ),
    names(here(Action::MotdDelete), "announce/motd/delete", "delete-motd", "Delete message of the day"),
    names(
        everywhere(Action::Online),
        "announce/all-hosts/online",
        "announce-allhosts",
        "Send announcement to all online users on all hosts",
    ),
    names(
        everywhere(Action::All),
        "announce/all-hosts/all",
        "announce-all-allhosts",
        "Send announcement to all users on all hosts",
    ),
    names(
        everywhere(Action::Motd),
        "announce/all-hosts/motd",
        "set-motd-allhosts",
        "Set message of the day on all hosts and send to online users",
    ),
    names(
        everywhere(Action::MotdUpdate),
        "announce/all-hosts/motd/update",
        "edit-motd-allhosts",
        "Update message of the day on all hosts (don't send)",
    ),
    names(
        everywhere(Action::MotdDelete),
        "announce/all-hosts/motd/delete",
        "delete-motd-allhosts",
        "Delete message of the day on all hosts",
    ),
];

impl Order {
    /// All orders.
    pub fn all() -> impl Iterator<Item = Order> {
        NAMES.iter().map(|names| names.order)
    }

    /// What a message to this resource of the host asks for.
    pub fn of_resource(resource: &str) -> Option<Order> {
        NAMES.iter().find(|names| names.resource == resource).map(|names| names.order)
    }

    fn names(self) -> Option<&'static Names> {
        NAMES.iter().find(|names| names.order == self)
    }

    /// The node of its ad-hoc command.
    pub fn node(self) -> String {
        let command = self.names().map_or("", |names| names.command);
        format!("{}#{command}", nightjar_xmpp::ns::ADMIN)
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.names().map_or("", |names| names.title)
    }
}
