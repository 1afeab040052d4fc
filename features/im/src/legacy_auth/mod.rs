//! mod_legacy_auth: authentication before SASL (XEP-0078). It is done by the client stream's driver; this says that it
//! may. Passwords are only taken over TLS.

use std::sync::Arc;

use nightjar_base::hooks::BoxFuture;
use nightjar_base::stream_options::LegacyAuth;
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::ModuleSpec;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_legacy_auth",
    doc: "Lets old clients log in without SASL (XEP-0078).",
    options: &[],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        registration.provide(Arc::new(LegacyAuth));
        Ok(registration)
    })
}
