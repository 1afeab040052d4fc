//! Administration commands that are about accounts, sessions and numbers.
//!
//! Those of [`core_commands`] belong to the server and are always there; those of `mod_admin_extra` are there for the
//! hosts whose configuration names that module. Commands about one feature's data live with that feature.

mod accounts;
mod ban;
pub mod bans;
mod find;
mod last;
mod messages;
mod old_users;
mod presence;
mod sessions;
mod statistics;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use nightjar_base::feature::Feature;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::{FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::ModuleSpec;

/// `mod_admin_extra` as the server lists it.
pub static FEATURE: Feature = Feature { spec: &EXTRA, start: start_extra };

/// `mod_admin_extra`
pub static EXTRA: ModuleSpec = ModuleSpec {
    name: "mod_admin_extra",
    options: &[],
    doc: "More administration commands: accounts, sessions, presence, statistics.",
};

fn start_extra(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        accounts::extra(&mut registration);
        old_users::extra(&mut registration);
        ban::extra(&mut registration);
        sessions::extra(&mut registration);
        presence::extra(&mut registration);
        messages::extra(&mut registration);
        statistics::extra(&mut registration);
        Ok(registration)
    })
}

/// Offers the commands that need no module, until the guards are dropped.
#[must_use]
pub fn core_commands(kernel: &Arc<Kernel>) -> Vec<Guard> {
    let mut guards = accounts::core(kernel);
    guards.extend(sessions::core(kernel));
    guards
}
