//! mod_mqtt: a broker for each host (MQTT 3.1, 3.1.1 and 5.0). The machine is `wire/mqtt`, bytes are moved by `net/mqtt`;
//! here are sessions, subscriptions, retained messages and who may do what.

mod administration;
mod broker;
mod client;
mod commands;
mod connection;
mod counters;
mod enhanced;
mod journal;
mod local;
mod login;
mod metrics;
mod opening;
mod options;
mod reauthenticate;
mod restore;
mod retained;
mod rights;
mod rules;
mod stored;
mod sys;
#[cfg(test)]
mod testing;
mod timers;
mod topics;
mod unsettled;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::mqtt::{MqttService, now_ms};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_mqtt::Reason;
use nightjar_text::Text;
use parking_lot::Mutex;

use broker::{Broker, Service};
use options::{BrokerOptions, SPEC};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

/// Wills, ends of sessions and of messages are looked after this often.
const TICK: Duration = Duration::from_secs(1);

/// The brokers of all hosts. They outlive a restart of the feature with other options, as their clients' sessions do.
#[derive(Default)]
struct Brokers(Mutex<HashMap<Text, Arc<Broker>>>);

/// A module that is stopped for good ends its clients' connections; one that is started again at once, with other
/// options, keeps them.
fn stop_later(broker: &Arc<Broker>) -> Guard {
    let started = broker.started();
    let broker = Arc::downgrade(broker);
    Guard::new(move || {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tokio::time::sleep(TICK).await;
            if let Some(broker) = broker.upgrade().filter(|broker| broker.is_last_start(started)) {
                broker.evict_all(Reason::SERVER_SHUTTING_DOWN);
            }
        });
    })
}

/// Rules change without the module's options. Where those have changed too, the feature starts anew and looks then: the
/// rules of one configuration say nothing about the options of another.
fn follow_rules(registration: &mut Registration, broker: &Arc<Broker>) {
    let following = Arc::downgrade(broker);
    registration.on_config(move || {
        let broker = following.upgrade();
        if let Some(broker) = broker.filter(|broker| broker.options().are_those_of(&broker.host.config())) {
            broker.review();
        }
    });
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let options = BrokerOptions::read(&context)?;
        let brokers = context.kernel.shared::<Brokers>();
        let known = brokers.0.lock().get(&context.host.name).cloned();
        // A host that was removed and made again has another store.
        let known = known.filter(|broker| Arc::ptr_eq(&broker.host, &context.host));
        let broker = match known {
            Some(broker) => {
                broker.set_options(options);
                broker.review();
                broker
            }
            None => {
                let broker = Arc::new(Broker::new(&context, options));
                broker.restore(now_ms(&context.kernel)).await?;
                broker.look_up_bans().await;
                broker.review();
                brokers.0.lock().insert(context.host.name.clone(), Arc::clone(&broker));
                broker
            }
        };
        let mut registration = context.registration();
        registration.keep(metrics::register(&broker, &context.kernel));
        administration::register(&mut registration, &broker);
        commands::register(&mut registration);
        registration.keep(stop_later(&broker));
        follow_rules(&mut registration, &broker);
        registration.provide(Arc::clone(&broker));
        registration.provide(Arc::new(MqttService(Arc::new(Service(Arc::clone(&broker))))));
        let kernel = Arc::clone(&context.kernel);
        registration.every(TICK, move || {
            broker.tick(now_ms(&kernel));
            std::future::ready(())
        });
        Ok(registration)
    })
}
