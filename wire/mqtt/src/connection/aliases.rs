//! Topic aliases in both directions (§3.3.2.3.4). They end with the connection.

use crate::message::{Alias, Message};
use crate::packet::Publish;
use crate::{Error, Reason, Text};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Aliases that the other side gave.
#[derive(Debug, Default)]
pub(crate) struct Given(Vec<Text>);

impl Given {
    /// Puts the name in the place of the alias, or keeps the name for later.
    pub(crate) fn resolve(&mut self, publish: &mut Publish, maximum: u16) -> Result<(), Error> {
        const INVALID: Error = Error::new(Reason::TOPIC_ALIAS_INVALID, "a topic alias that isn't allowed");
        let Some(alias) = publish.topic_alias() else { return Ok(()) };
        // [MQTT-3.2.2-17], [MQTT-3.3.2-9]
        if alias == 0 || alias > maximum {
            return Err(INVALID);
        }
        let index = usize::from(alias) - 1;
        if publish.topic.is_empty() {
            let known = self.0.get(index).filter(|topic| !topic.is_empty());
            publish.topic = known.ok_or(Error::protocol("a topic alias that was never given"))?.clone();
            return Ok(());
        }
        if self.0.len() <= index {
            self.0.resize(index + 1, Text::default());
        }
        if let Some(place) = self.0.get_mut(index) {
            *place = publish.topic.detached();
        }
        Ok(())
    }
}

type Topics = HashMap<Box<[u8]>, u16, FixedState>;

/// Aliases that are given to the other side: to the first topics that are worth one.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    maximum: u16,
    topics: Option<Box<Topics>>,
}

impl Taken {
    /// An alias takes three bytes in the place of the name.
    const WORTH_FROM: usize = 4;

    pub(crate) fn new(maximum: u16) -> Self {
        Self { maximum, topics: None }
    }

    pub(crate) fn of(&self, message: &Message) -> Alias {
        let topic = message.topic();
        if self.maximum == 0 || topic.len() < Self::WORTH_FROM {
            return Alias::None;
        }
        let Some(topics) = &self.topics else { return Alias::New(1) };
        match topics.get(topic) {
            Some(alias) => Alias::Known(*alias),
            None if topics.len() < usize::from(self.maximum) => Alias::New(topics.len() as u16 + 1),
            None => Alias::None,
        }
    }

    /// Notes that the alias stands in a packet that was written.
    pub(crate) fn sent(&mut self, message: &Message, alias: Alias) {
        if let Alias::New(alias) = alias {
            self.topics.get_or_insert_default().insert(message.topic().into(), alias);
        }
    }
}
