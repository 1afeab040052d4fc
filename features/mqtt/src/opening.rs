//! The way in: who wants in is asked who it is, then given its session.

use std::sync::Arc;

use bytes::Bytes;
use nightjar_base::attempts::Protocol;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::mqtt::{MqttAuthentication, MqttOpened, MqttOpening, MqttRefusal};
use nightjar_mqtt::Text;

use crate::broker::Broker;
use crate::client::Link;
use crate::connection::Side;
use crate::counters::Wanted;
use crate::enhanced::{Dialogue, Terms, Turn};
use crate::login::{self, BANNED, Identity};
use crate::reauthenticate::Again;

/// Lets somebody in, or asks further.
pub(crate) async fn open(broker: Arc<Broker>, opening: MqttOpening) -> Result<MqttOpened, MqttRefusal> {
    counted(&broker, begin(&broker, opening).await)
}

fn counted(broker: &Broker, opened: Result<MqttOpened, MqttRefusal>) -> Result<MqttOpened, MqttRefusal> {
    opened.inspect_err(|refusal| broker.counters.refuse(Wanted::Connect, refusal.reason))
}

async fn begin(broker: &Arc<Broker>, opening: MqttOpening) -> Result<MqttOpened, MqttRefusal> {
    if broker.host.may_connect(opening.ip, Protocol::Mqtt).await.is_err() {
        return Err(BANNED);
    }
    let Some(terms) = Terms::of(&broker.host, &opening)? else {
        let identity = login::identify(&broker.host, &*broker.random, &opening).await?;
        return Ok(MqttOpened::In(Box::new(let_in(broker, &opening, identity).await?)));
    };
    let data = opening.connect.authentication_data();
    let turn = terms.clone().begin(data.as_deref()).await?;
    go_on(Arc::clone(broker), opening, terms, turn).await
}

async fn go_on(
    broker: Arc<Broker>,
    opening: MqttOpening,
    terms: Terms,
    turn: Turn,
) -> Result<MqttOpened, MqttRefusal> {
    match turn {
        Turn::Asks(data, dialogue) => {
            Ok(MqttOpened::Asked(data, Box::new(Proving { broker, opening, terms, dialogue })))
        }
        Turn::Proved(user, data) => {
            let identity = Identity { user: user.clone(), claim: None };
            let mut side = let_in(&broker, &opening, identity).await?;
            side.proved(data, Again::new(terms, user));
            Ok(MqttOpened::In(Box::new(side)))
        }
    }
}

/// Somebody in the midst of enhanced authentication.
struct Proving {
    broker: Arc<Broker>,
    opening: MqttOpening,
    terms: Terms,
    dialogue: Box<Dialogue>,
}

impl MqttAuthentication for Proving {
    fn answer(self: Box<Self>, data: Option<Bytes>) -> BoxFuture<'static, Result<MqttOpened, MqttRefusal>> {
        Box::pin(async move {
            let Self { broker, opening, terms, dialogue } = *self;
            let opened = match dialogue.answer(data.as_deref()).await {
                Ok(turn) => go_on(Arc::clone(&broker), opening, terms, turn).await,
                Err(refusal) => Err(refusal),
            };
            counted(&broker, opened)
        })
    }
}

/// Takes the session of a client that is known.
async fn let_in(
    broker: &Arc<Broker>,
    opening: &MqttOpening,
    identity: Identity,
) -> Result<Side, MqttRefusal> {
    let Identity { user, claim } = identity;
    let connect = &opening.connect;
    let link = Link { ip: opening.ip, version: connect.version, since: broker.now() };
    let given = if connect.client_id.is_empty() {
        Some(Text::new(&broker.random.identifier()).unwrap_or_default())
    } else {
        None
    };
    let client_id = given.clone().unwrap_or_else(|| connect.client_id.detached());
    let mut claimed = broker.claim((user, client_id), connect.clean_start, opening.inbox_max, link).await;
    broker.counters.open();
    let cleared = claimed.cleared.take();
    let mut side = Side::new(Arc::clone(broker), claimed, connect, given, claim);
    side.store(connect, cleared).await?;
    Ok(side)
}
