//! Parts of the server that publish and subscribe without a connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;

use nightjar_base::mqtt::{MqttAttachment, MqttLocal};
use nightjar_jid::Jid;
use nightjar_mqtt::{Delivery, Publish, QoS, Reason, RetainHandling, Subscription, Text};

use crate::broker::Broker;
use crate::client::{Client, State};
use crate::topics::Wish;

/// One of them. It has no session: nobody can take it over, and it isn't among the host's clients.
pub(crate) struct Local {
    broker: Arc<Broker>,
    client: Arc<Client>,
    topics: Vec<Text>,
}

impl Local {
    pub(crate) fn new(broker: Arc<Broker>, attachment: MqttAttachment) -> Self {
        let MqttAttachment { user, client_id, topics, inbox_max } = attachment;
        let mut state = State::default();
        (state.is_online, state.inbox_max) = (true, inbox_max);
        let jid = Jid::from_parts(Some(&user), &broker.host.name, Some(client_id.as_str())).ok();
        let client = Client::new(broker.number(), nightjar_text::Text::new(&user), client_id, jid);
        *client.state.lock() = state;
        let client = Arc::new(client);
        for filter in &topics {
            let wish = Subscription {
                no_local: true,
                retain_as_published: true,
                retain_handling: RetainHandling::DontSend,
                ..Subscription::new(filter.clone(), QoS::AtMostOnce)
            };
            broker.topics.insert(filter.as_bytes(), &client, Wish::new(&wish, None));
        }
        Self { broker, client, topics }
    }
}

impl MqttLocal for Local {
    fn publish(&self, now: u64, publish: &Publish) -> Reason {
        // Nobody waits for it to be safe.
        self.broker.publish(&self.client, publish, now).reason
    }

    fn poll(&self, context: &Context<'_>, is_ready: bool) -> VecDeque<Delivery> {
        self.client.take(context, is_ready).0
    }

    fn dropped(&self) -> u64 {
        self.client.state.lock().lost
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        for topic in &self.topics {
            self.broker.topics.remove(topic.as_bytes(), &self.client);
        }
    }
}
